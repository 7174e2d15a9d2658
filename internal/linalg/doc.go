// Package linalg is the dense linear algebra that choosing codes of weights needs: products, Gram matrices, and systems with
// a symmetric positive definite matrix. Matrices are of float32 and row-major; the products are those of internal/gemm.
//
// What a function returns is the same for any number of threads, and for every tier with fused multiply-add: each element
// is one chain of sums in an order that depends on the sizes alone. Plain Go may differ from those in the last bits, as its
// products of floats do (internal/gemm); Gram matrices of codes are exact everywhere.
package linalg

import (
	"sync"
	"sync/atomic"

	"linquant/internal/cpu"
)

// Machine is what computes.
type Machine struct {
	Tier    cpu.Tier
	Threads int // at least 1
}

// Each calls f for the parts [lo, hi) of [0, n), each of grain elements but the last, on all threads.
func (m Machine) Each(n, grain int, f func(lo, hi int)) {
	parts := (n + grain - 1) / grain
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= parts {
				return
			}
			f(i*grain, min(i*grain+grain, n))
		}
	}
	var wait sync.WaitGroup
	for range min(m.Threads, parts) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
}

// Matrix is row-major: element [i, j] is Data[i·Step+j].
type Matrix struct {
	Rows, Cols int
	Step       int // at least Cols
	Data       []float32
}

// New returns a matrix of zeros.
func New(rows, cols int) Matrix {
	return Matrix{rows, cols, cols, make([]float32, rows*cols)}
}

// Row returns row i, which stays part of the matrix.
func (a Matrix) Row(i int) []float32 { return a.Data[i*a.Step:][:a.Cols:a.Cols] }

// At returns the element in row i and column j.
func (a Matrix) At(i, j int) float32 { return a.Data[i*a.Step+j] }

// Part returns the given rows and columns, which stay part of a.
func (a Matrix) Part(row, rows, col, cols int) Matrix {
	if rows == 0 || cols == 0 {
		return Matrix{Rows: rows, Cols: cols, Step: a.Step}
	}
	return Matrix{rows, cols, a.Step, a.Data[row*a.Step+col:][: (rows-1)*a.Step+cols : (rows-1)*a.Step+cols]}
}
