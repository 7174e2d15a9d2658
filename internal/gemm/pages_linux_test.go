package gemm_test

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
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
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, m := range []int{1, 4, 7, 17} {
			for _, n := range []int{1, 8, 10, 16, 17, 33} {
				for _, k := range []int{1, 3, 4, 6, 16} {
					bytes, floats := beforeFault[byte](t, m*k), beforeFault[float32](t, m*k)
					codes, reals := beforeFault[byte](t, m*n), beforeFault[float32](t, m*n)
					w, wf := beforeFault[int8](t, n*k), beforeFault[float32](t, n*k)
					s := &gemm.Stage{Bias: beforeFault[int32](t, n), Requant: requantizer(t, 0, 0.01)}
					gemm.PackInt8(w, n, k, tier).Mul(codes, n, bytes, k, m, s)
					gemm.PackFloat32(wf, n, k, tier).Mul(reals, n, floats, k, m, beforeFault[float32](t, n), 0, 1)
				}
			}
		}
	})
}

func TestWindowsReadNoFurther(t *testing.T) {
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, size := range []int{1, 3, 5} {
			for _, n := range []int{1, 16, 17, 33, 64} {
				p := picture{size, size, 3, 1, 1, 1, 9, n, 9, n}
				v, _ := p.windows(tier)
				w := gemm.PackFloat32(beforeFault[float32](t, n*81), n, 81, tier)
				v.Mul(beforeFault[float32](t, size*size*n), beforeFault[float32](t, size*size*9), w,
					beforeFault[float32](t, n), 0, 1, 0, v.Units(w))
			}
		}
	})
}
