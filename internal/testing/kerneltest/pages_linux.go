package kerneltest

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// BeforeFault returns n elements, the memory behind which faults when it is read or written: what guards cannot see is
// reading too far, and here it kills the test.
func BeforeFault[T any](t *testing.T, n int) []T {
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
