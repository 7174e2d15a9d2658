//go:build !purego

package gemm

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"linquant/internal/cpu"
)

// moveBeforeFault copies s to where the memory behind its last element faults when it is read.
func moveBeforeFault[T any](t *testing.T, s []T) []T {
	t.Helper()
	page, bytes := os.Getpagesize(), len(s)*int(unsafe.Sizeof(s[0]))
	usable := (bytes + page - 1) / page * page
	access, kind := syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE
	region, err := syscall.Mmap(-1, 0, usable+page, access, kind)
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
	moved := unsafe.Slice((*T)(unsafe.Pointer(&region[usable-bytes])), len(s))
	copy(moved, s)
	return moved
}

// Kernels read weights ahead, and no further than packing left room for.
func TestReadsAheadNoFurther(t *testing.T) {
	const rows, n = 11, 17
	for _, tier := range cpu.Available()[1:] {
		for k := 1; k <= 40; k++ {
			p := PackInt8(make([]int8, n*k), n, k, tier)
			p.panels = moveBeforeFault(t, p.panels)
			f := PackFloat32(make([]float32, n*k), n, k, tier)
			f.panels = moveBeforeFault(t, f.panels)
			for _, wide := range []bool{false, true} {
				p.overflow = wide && p.own.pairs
				for r := 1; r <= rows; r++ {
					var sums [blockRows * maxWidth]int32
					p.own.sums.Get()(p, sums[:], make([]byte, r*k), k, r, 16)
					var chains [blockRows * maxWidth]float32
					f.accumulate(chains[:], make([]float32, r*k), k, r, 16)
				}
			}
		}
	}
}
