package elementwise_test

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// beforeFault returns n elements, the memory behind which faults when it is read or written.
func beforeFault[T any](t *testing.T, n int) []T {
	t.Helper()
	var zero T
	page, bytes := os.Getpagesize(), n*int(unsafe.Sizeof(zero))
	usable := (bytes + page - 1) / page * page
	region, err := syscall.Mmap(-1, 0, usable+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no memory map: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(region); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(region[usable:], syscall.PROT_NONE); err != nil {
		t.Skip("no protected memory: ", err)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&region[usable-bytes])), n)
}

// What guards cannot see is reading too far: here it kills the test.
func TestReadsNoFurther(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		for _, n := range []int{1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129} {
			a, b, dst := beforeFault[byte](t, n), beforeFault[byte](t, n), beforeFault[byte](t, n)
			x, y, to := beforeFault[float32](t, n), beforeFault[float32](t, n), beforeFault[float32](t, n)
			(&elementwise.Pair{ScaleA: 1, ScaleB: 1, Scale: 1, Hi: 255}).Apply(dst, a, b, tier)
			(&elementwise.Pair{Scale: 1, Mul: true}).Apply(dst, a, b, tier)
			(&elementwise.Quantizer{Scale: 1}).Codes(dst, x, tier)
			elementwise.Lookup(dst, a, new([256]byte), tier)
			elementwise.AddReals(to, x, y, 0, 1, tier)
			elementwise.MulReals(to, x, y, 0, 1, tier)
			elementwise.ClampReals(to, x, 0, 1, tier)

			w := elementwise.Windows{Channels: n, Pixels: 1, Taps: []int{0}, Weights: []int{0}}
			elementwise.MaxCodes(dst, a, &w, tier)
			elementwise.MaxReals(to, x, &w, tier)
			elementwise.MeanReals(to, x, &w, 3, tier)
			elementwise.DepthwiseReals(to, x, y, beforeFault[float32](t, n), 0, 1, &w, tier)
			multipliers := make([]float64, n)
			for i := range multipliers {
				multipliers[i] = 0.5
			}
			r, err := quant.NewRequantizer(quant.ONNX, multipliers, quant.TensorParams(quant.Int(8), 1, 0))
			if err != nil {
				t.Fatal(err)
			}
			d := elementwise.Depthwise{Weight: beforeFault[elementwise.Weight](t, n), Bias: beforeFault[int32](t, n), Requant: r}
			d.Codes(dst, a, &w, make([]int32, n), tier)
			d.Pack(1, n, n, tier)
			d.Codes(dst, a, &w, make([]int32, n), tier)
			elementwise.SumLookup(beforeFault[float64](t, n), a, make([]float64, 256), tier)
			elementwise.Divide(to, beforeFault[float64](t, n), 2, tier)
			elementwise.Normalize(to, x, y, beforeFault[float32](t, n), 1, true, tier)
			g := elementwise.Gather{Pixels: 1, Lines: 1, Length: n}
			g.Bytes(dst, a, tier)
		}
	})
}
