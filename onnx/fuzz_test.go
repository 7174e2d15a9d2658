package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"linquant/graph"
	"linquant/onnx/internal/onnxtest"
	"linquant/quant"
)

// Allocated returns the bytes that f allocates.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// AllocationLimit is what an import of a file of n bytes may allocate in all: the nodes of a graph are larger than the
// dozen bytes of the smallest in a file, and the passes copy them some times.
func AllocationLimit(n int) uint64 { return 1<<20 + 256*uint64(n) }

// KeptLimit is what the graph may take.
func KeptLimit(n int) int64 { return 1<<20 + 32*int64(n) }

// Kept returns by how many bytes f makes the heap larger, garbage left out.
func Kept(f func()) int64 {
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	f()
	return live() - before
}

// LargestLimit is what it may allocate at once.
func LargestLimit(n int) int64 { return 1<<20 + 4*int64(n) }

// Largest returns the size of the largest allocation of f, or 0 where it is far below a MiB: the profile has samples.
func Largest(f func()) (size int64) {
	rate := runtime.MemProfileRate
	defer func() { runtime.MemProfileRate = rate }()
	runtime.MemProfileRate = 16 << 10 // what is some times larger is always seen
	before := allocations()
	for range 2 {
		f()
	}
	for key, n := range allocations() {
		if n > before[key] {
			size = max(size, key.size)
		}
	}
	return size
}

// allocation is a place in the program and a size: the profile has an entry for each.
type allocation struct {
	stack [32]uintptr
	size  int64
}

func allocations() map[allocation]int64 {
	for range 2 { // after which the profile has everything
		runtime.GC()
	}
	var records []runtime.MemProfileRecord
	for {
		n, ok := runtime.MemProfile(records, true)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, n+100)
	}
	times := map[allocation]int64{}
	for i := range records {
		if r := &records[i]; r.AllocObjects > 0 {
			times[allocation{r.Stack0, r.AllocBytes / r.AllocObjects}] += r.AllocObjects
		}
	}
	return times
}

// Seeds adds the models of this package's tests, of those of whole networks and, where they are installed, of ONNX's
// node tests to a corpus.
func Seeds(f *testing.F) {
	found := 0
	for _, pattern := range []string{
		"testdata/*.onnx", "testdata/float/*.onnx", "testdata/moves/*.onnx", "../internal/testing/e2e/testdata/zoo/*.onnx",
		"/usr/share/libonnx-testdata/data/node/*/model.onnx",
	} {
		paths, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
		found += len(paths)
	}
	if found == 0 {
		f.Fatal("no seeds")
	}
	for _, form := range forms {
		f.Add(form.file(f))
	}
	f.Add(fileOf(f, dynamicModel()))
	for _, act := range []quant.Type{quant.Uint(8), quant.Int(4)} {
		g, err := graph.InferShapes(onnxtest.ResidualNetwork(1, act, quant.Int(act.Bits), true))
		if err != nil {
			f.Fatal(err)
		}
		for _, cfg := range []ExportConfig{{}, {Format: QOperator}, {Int4: true}} {
			addSeed(f, g, cfg)
		}
	}
	for seed := range uint64(32) {
		g, err := graph.InferShapes(onnxtest.RandomNetwork(seed, 2+int(seed%6), onnxtest.Limits{Ours: true}))
		if err != nil {
			f.Fatal(err)
		}
		addSeed(f, g, ExportConfig{Format: []Format{QDQ, QOperator}[seed%2]})
	}
}

func addSeed(f *testing.F, g *graph.Graph, cfg ExportConfig) {
	f.Helper()
	var file bytes.Buffer
	if err := Export(&file, g, cfg); err == nil { // not every type has a form in QOperator
		f.Add(file.Bytes())
	}
}

// FuzzImport imports what can be any file: no panic, an error of one line that names the file, a bound on memory and
// time. What is a network can be folded, run, written and read again.
func FuzzImport(f *testing.F) {
	Seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var g *graph.Graph
		var err error
		start := time.Now()
		if got := Allocated(func() { g, err = Import(t.Context(), data, "net.onnx") }); got > AllocationLimit(len(data)) {
			t.Errorf("%d bytes allocated for a file of %d", got, len(data))
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%v for a file of %d bytes", took, len(data))
		}
		if err != nil {
			if s := err.Error(); !strings.HasPrefix(s, "net.onnx: ") || strings.Contains(s, "\n") || len(s) > 4096+2*len(data) {
				t.Errorf("error %q", s)
			}
			return
		}
		checkRoundTrip(t, g)
		checkRun(t, g)
	})
}

// checkRoundTrip writes a network and reads it: what Export takes, Import takes, with the same inputs and outputs.
func checkRoundTrip(t *testing.T, g *graph.Graph) {
	var file bytes.Buffer
	if err := Export(&file, g, ExportConfig{}); err != nil {
		return
	}
	again, err := Import(t.Context(), file.Bytes(), "again.onnx")
	if err != nil {
		t.Errorf("what was exported is not imported: %v", err)
		return
	}
	for _, names := range [][2][]string{{g.Inputs, again.Inputs}, {g.Outputs, again.Outputs}} {
		for i, name := range names[0] {
			if len(names[1]) != len(names[0]) || names[1][i] != name {
				t.Fatalf("values %q after a round trip, before it %q", names[1], names[0])
			}
			if a, b := g.Values[name], again.Values[name]; !a.Shape.Equal(b.Shape) || a.DType != b.DType {
				t.Errorf("value %q is %v %v after a round trip, before it %v %v", name, b.DType, b.Shape, a.DType, a.Shape)
			}
		}
	}
}

// checkRun folds a small network and runs it, before and after.
func checkRun(t *testing.T, g *graph.Graph) {
	inputs, ok := SmallInputs(g, 1<<12)
	if !ok {
		return
	}
	_, _ = graph.Eval(t.Context(), g, inputs, nil) // an accumulator can leave int32, which is an error
	if folded, err := graph.Fold(t.Context(), g); err == nil {
		again, err := graph.InferShapes(folded)
		if err != nil {
			t.Fatalf("folded: %v", err)
		}
		for name, v := range again.Values {
			if have := folded.Values[name]; !have.Shape.Equal(v.Shape) || have.DType != v.DType {
				t.Errorf("folded: %q is %v %v, and %v %v follows", name, have.DType, have.Shape, v.DType, v.Shape)
			}
		}
		_, _ = graph.Eval(t.Context(), folded, inputs, nil)
	}
}
