package tensor

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"linquant/internal/cpu"
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
	for _, tier := range cpu.Available() {
		for _, h := range halves {
			for n := 1; n < 70; n++ {
				codes, x := beforeFault[byte](t, 2*n), beforeFault[float32](t, n)
				h.widen(tier, x, codes)
				h.narrow(tier, codes, x)
			}
		}
	}
}
