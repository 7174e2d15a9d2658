package linalg

import (
	"math"
	"sync"

	"linquant/internal/gemm"
	"linquant/internal/kernel"
)

const (
	panel = 128  // columns of a product that are packed at a time, and those of a step of Cholesky
	rows  = 64   // of a product that one worker computes at a time
	depth = 1024 // of a product whose sums are one chain; what they come to is then added up, in order
)

// packing has memory for packed panels, which many small products would else leave behind.
var packing = sync.Pool{New: func() any { return new([]float32) }}

// MulT fills dst [m, n] with a·bᵀ, of a [m, k] and b [n, k].
func (m Machine) MulT(dst, a, b Matrix) { m.mul(dst, a, b.Data, b.Step, 1) }

// Mul fills dst [m, n] with a·b, of a [m, k] and b [k, n].
func (m Machine) Mul(dst, a, b Matrix) { m.mul(dst, a, b.Data, 1, b.Step) }

func (m Machine) mul(dst, a Matrix, b []float32, stepN, stepK int) {
	if a.Cols == 0 {
		for i := range dst.Rows {
			clear(dst.Row(i))
		}
		return
	}
	infinite := float32(math.Inf(1))
	room := gemm.Operand{N: min(panel, dst.Cols), K: min(depth, a.Cols)}
	buffer := packing.Get().(*[]float32)
	defer packing.Put(buffer)
	if n := room.RealsRoom(); len(*buffer) < n {
		*buffer = make([]float32, n)
	}
	packed := *buffer
	for j := 0; j < dst.Cols; j += panel {
		n := min(panel, dst.Cols-j)
		for k := 0; k < a.Cols; k += depth {
			o := gemm.Operand{N: n, K: min(depth, a.Cols-k), StepN: stepN, StepK: stepK}
			w := o.PackReals(packed, b[j*stepN+k*stepK:], m.Tier)
			m.Each(dst.Rows, rows, func(lo, hi int) {
				at := a.Data[lo*a.Step+k:]
				if k == 0 {
					w.Mul(dst.Data[lo*dst.Step+j:], dst.Step, at, a.Step, hi-lo, nil, -infinite, infinite)
					return
				}
				var room [rows * panel]float32
				sums := (*kernel.NoEscape(&room))[:]
				w.Mul(sums, n, at, a.Step, hi-lo, nil, -infinite, infinite)
				for i := lo; i < hi; i++ {
					to := dst.Data[i*dst.Step+j:][:n]
					for c, v := range sums[(i-lo)*n:][:n] {
						to[c] += v
					}
				}
			})
		}
	}
}
