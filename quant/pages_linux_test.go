package quant

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
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
	eachTier(t, func(t *testing.T, v vectors) {
		for n := 1; n < 140; n++ {
			x, q := beforeFault[float32](t, n), beforeFault[uint8](t, n)
			scale, zero := beforeFault[float32](t, n), beforeFault[int32](t, n)
			for i := range scale {
				scale[i] = 1
			}
			quantizeRun(v, q, x, 1, 0, 0, 255)
			dequantizeRun(v, x, q, 1, 0)
			quantizeColumns(v.tier, q, x, scale, zero, 0, 255)
			dequantizeColumns(v.tier, x, q, scale, zero)
			if lo, hi, finite := extremes(v, x); lo != 0 || hi != 0 || !finite {
				t.Errorf("%d zeros lie in [%v, %v]", n, lo, hi)
			}
		}
	})
}
