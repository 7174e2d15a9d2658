package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"linquant/graph"
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

func FuzzImport(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "float", "*.onnx"))
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds", err)
	}
	quantized, _ := filepath.Glob(filepath.Join("testdata", "*.onnx"))
	paths = append(paths, quantized...)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, act := range []quant.Type{quant.Uint(8), quant.Int(4)} {
		g, err := graph.InferShapes(residualNetwork(1, act, quant.Int(act.Bits), true))
		if err != nil {
			f.Fatal(err)
		}
		for _, cfg := range []ExportConfig{{}, {Format: QOperator}, {Int4: true}} {
			var file bytes.Buffer
			if err := Export(&file, g, cfg); err != nil {
				f.Fatal(err)
			}
			f.Add(file.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var err error
		if got := Allocated(func() { _, err = Import(data, "net.onnx") }); got > AllocationLimit(len(data)) {
			t.Errorf("%d bytes allocated for a file of %d", got, len(data))
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "net.onnx: ") || len(err.Error()) > 4096+2*len(data)) {
			t.Errorf("error %q", err)
		}
	})
}
