package onnx_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// storeAs makes a tensor of elements in one of the places where files have them.
type storeAs func(name string, elements []byte, dims ...int64) onnxpb.Tensor

// residual50 is a network with the layers of ResNet-50: 25.6 million parameters, 102 MB, batch normalizations not
// folded.
func residual50(store storeAs) *onnxpb.Model {
	n := &largeNetwork{store: store}
	x := n.layer("x", 3, 64, 7, 2)
	x = n.add("MaxPool", []string{x}, ints("kernel_shape", 3, 3), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1))
	channels := int64(64)
	for stage, blocks := range []int{3, 4, 6, 3} {
		width := int64(64) << stage
		for block := range blocks {
			stride := int64(1)
			if block == 0 && stage > 0 {
				stride = 2
			}
			y := n.add("Relu", []string{n.layer(x, channels, width, 1, 1)})
			y = n.add("Relu", []string{n.layer(y, width, width, 3, stride)})
			y = n.layer(y, width, 4*width, 1, 1)
			if block == 0 {
				x = n.layer(x, channels, 4*width, 1, stride)
			}
			x, channels = n.add("Relu", []string{n.add("Add", []string{x, y})}), 4*width
		}
	}
	x = n.add("Flatten", []string{n.add("GlobalAveragePool", []string{x})})
	y := n.add("Gemm", []string{x, n.weight(1000, channels), n.weight(1000)}, intAttr("transB", 1))
	n.g.Name, n.g.Inputs = "residual50", []onnxpb.ValueInfo{floatInput("x", 1, 3, 224, 224)}
	n.g.Outputs = []onnxpb.ValueInfo{floatInput(y, 1, 1000)}
	return &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &n.g}
}

type largeNetwork struct {
	g     onnxpb.Graph
	store storeAs
	seed  uint32
}

func (n *largeNetwork) add(op string, inputs []string, attrs ...onnxpb.Attr) string {
	out := fmt.Sprint("v", len(n.g.Nodes))
	n.g.Nodes = append(n.g.Nodes, with(node(op, out, inputs...), attrs...))
	return out
}

// layer is a convolution with its normalization.
func (n *largeNetwork) layer(x string, in, out, kernel, stride int64) string {
	y := n.add("Conv", []string{x, n.weight(out, in, kernel, kernel)},
		ints("kernel_shape", kernel, kernel), ints("strides", stride, stride),
		ints("pads", kernel/2, kernel/2, kernel/2, kernel/2))
	return n.add("BatchNormalization", []string{y, n.weight(out), n.weight(out), n.weight(out), n.weight(out)})
}

// weight adds a tensor of numbers from 0.5 to 1, which a variance can be too.
func (n *largeNetwork) weight(dims ...int64) string {
	elements := int64(1)
	for _, d := range dims {
		elements *= d
	}
	data := make([]byte, 4*elements)
	for i := 0; i < len(data); i += 4 {
		n.seed = n.seed*1664525 + 1013904223
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(0.5)|n.seed>>9)
	}
	name := fmt.Sprint("w", len(n.g.Initializers))
	v := n.store(name, data, dims...)
	n.g.Initializers = append(n.g.Initializers, v)
	if v.Type != onnxpb.Int8 {
		return name
	}
	n.g.Initializers = append(n.g.Initializers, floats(name+"_scale", data[:4*dims[0]], dims[0]))
	return n.add("DequantizeLinear", []string{name, name + "_scale"}, intAttr("axis", 0))
}

func ints(name string, v ...int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInts, Ints: v}
}

// TestLarge opens models of 26 to 102 MB in a process of their own and bounds the memory that it takes. It logs the time,
// which BenchmarkLarge measures.
func TestLarge(t *testing.T) {
	if path := os.Getenv("LINQUANT_LARGE_MODEL"); path != "" {
		openLarge(t, path)
		return
	}
	if testing.Short() || raceEnabled || runtime.GOOS != "linux" {
		t.Skip("writes 100 MB several times, reads /proc, and means the program itself")
	}
	for _, form := range largeForms {
		t.Run(form.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "large.onnx")
			size := form.write(t, path)
			got := measure(t, path)
			t.Logf("%d MB: %v, heap %.1f MB, resident +%.1f MB", size>>20, got.took, got.heap/1e6, got.resident/1e6)
			if file := float64(size); got.heap > form.heap*file || got.resident > form.resident*file {
				t.Errorf("%.0f bytes more are resident, and %.0f allocated, for a file of %d", got.resident, got.heap, size)
			}
		})
	}
}

// BenchmarkLarge opens the same models, which are in the cache of files.
func BenchmarkLarge(b *testing.B) {
	for _, form := range largeForms {
		b.Run(form.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "large.onnx")
			b.SetBytes(form.write(b, path))
			for b.Loop() {
				f, err := onnx.Open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

type measured struct {
	took           time.Duration
	heap, resident float64 // bytes
}

// measure opens the model in a process of its own.
func measure(t *testing.T, path string) (m measured) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLarge$", "-test.v")
	cmd.Env = append(os.Environ(), "LINQUANT_LARGE_MODEL="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, line, _ := strings.Cut(string(out), "measured ")
	if _, err := fmt.Sscan(line, &m.took, &m.heap, &m.resident); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

func openLarge(t *testing.T, path string) {
	before := resident(t)
	var f *onnx.File
	var err error
	start := time.Now()
	heap := onnx.Allocated(func() { f, err = onnx.Open(t.Context(), path) })
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	beside := int64(heap) - f.Size // the copy of the files is in the heap too
	fmt.Printf("measured %d %d %d\n", took, beside, resident(t)-before)
}

// resident returns the most bytes that were ever in memory, mapped pages that were touched included.
func resident(t *testing.T) int64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kb, "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Skip("no VmHWM")
	return 0
}
