package gemm

import (
	"math"
	"unsafe"
)

// panelLayout is how weights lie for kernels: in panels of wide channels, or of narrow where no more are left. In a panel
// the weights of run neighbouring k of a channel, which are multiplied at the same time, lie side by side:
//
//	[⌈k/group⌉·group/run][width][run]
//
// What is missing in the last panel and group is 0.
type panelLayout struct {
	wide, narrow int
	run, group   int // group is a power of two
	ahead        int // weights that are read, and not used, beyond the end of the last panel

	starts bool // activations are made signed, and a sum begins with 128·Σ_k w[j,k]
	pairs  bool // two products are added in 16 bits, where they fit
}

// width returns the number of channels in the panel that begins at channel j of n.
func (l *panelLayout) width(j, n int) int {
	if n-j > l.narrow {
		return l.wide
	}
	return l.narrow
}

// offset returns where the panel that begins at channel j begins.
func (l *panelLayout) offset(j, k int) int { return j * ((k + l.group - 1) &^ (l.group - 1)) }

// channels returns n with those that are missing in the last panel.
func (l *panelLayout) channels(n int) int { return (n + l.narrow - 1) / l.narrow * l.narrow }

// size returns the number of weights in all panels.
func (l *panelLayout) size(n, k int) int { return l.offset(l.channels(n), k) }

// packPanels lays out w, row-major [n, k].
func packPanels[T int8 | float32](l *panelLayout, w []T, n, k int) []T {
	panels := alignedOf[T](l.size(n, k) + l.ahead)
	for first := 0; first < n; {
		width := l.width(first, n)
		for j := first; j < min(first+width, n); j++ {
			to, row := panels[l.offset(first, k)+(j-first)*l.run:], w[j*k:][:k]
			if l.run == 1 {
				for x, v := range row {
					to[x*width] = v
				}
				continue
			}
			for ; len(row) > l.run; row, to = row[l.run:], to[width*l.run:] {
				copy(to, row[:l.run])
			}
			copy(to, row)
		}
		first += width
	}
	return panels
}

// startsOf returns 128·Σ_k w[j,k] of every channel, and 0 for those that are missing.
func (l *panelLayout) startsOf(w []int8, n, k int) []int32 {
	starts := make([]int32, l.channels(n))
	for j := range n {
		for _, v := range w[j*k:][:k] {
			starts[j] += 128 * int32(v)
		}
	}
	return starts
}

// overflowsPairs reports whether two products that are added in 16 bits can leave them: those of k and k+2, for the
// first two k of each four, with any signed bytes. Only -128·-128 twice can.
func overflowsPairs(w []int8, k int) bool {
	for len(w) >= k && k > 2 {
		for x := 0; x+2 < k; x++ {
			if x%4 < 2 && w[x] == math.MinInt8 && w[x+2] == math.MinInt8 {
				return true
			}
		}
		w = w[k:]
	}
	return false
}

// alignedOf returns n elements that begin where a line of the cache does, so that no load takes two.
func alignedOf[T int8 | byte | float32](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	x := make([]T, n+cacheLine/size-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(x)))%cacheLine) / size
	return x[skip : skip+n : skip+n]
}
