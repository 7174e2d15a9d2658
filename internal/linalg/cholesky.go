package linalg

import (
	"errors"
	"math"
)

// ErrNotDefinite says that a matrix is not positive definite as far as float32 tells.
var ErrNotDefinite = errors.New("the matrix is not positive definite")

// Factor is the lower triangle L of H = L·Lᵀ.
type Factor struct {
	L       Matrix   // above the diagonal its elements mean nothing
	inverse []Matrix // of the blocks on the diagonal, panel rows each
	machine Machine
}

// Cholesky factors a symmetric positive definite matrix, of which it reads the lower triangle and which it overwrites: L
// lies there afterwards.
func (m Machine) Cholesky(h Matrix) (*Factor, error) {
	f := &Factor{L: h, machine: m}
	k := h.Rows
	room := New(k, min(panel, k))
	for j := 0; j < k; j += panel {
		width := min(panel, k-j)
		// What the columns before have already explained.
		if j > 0 {
			done := room.Part(0, k-j, 0, width)
			m.MulT(done, h.Part(j, k-j, 0, j), h.Part(j, width, 0, j))
			m.subtract(h.Part(j, k-j, j, width), done)
		}
		block, inverse, err := factorBlock(h.Part(j, width, j, width))
		if err != nil {
			return nil, err
		}
		for i := range width {
			copy(h.Row(j + i)[j:][:i+1], block.Row(i)[:i+1])
		}
		f.inverse = append(f.inverse, inverse)
		if below := k - j - width; below > 0 {
			m.MulT(room.Part(0, below, 0, width), h.Part(j+width, below, j, width), inverse)
			m.copy(h.Part(j+width, below, j, width), room.Part(0, below, 0, width))
		}
	}
	return f, nil
}

// factorBlock returns the lower triangle of a block and its inverse, computed in float64.
func factorBlock(h Matrix) (l, inverse Matrix, err error) {
	n := h.Rows
	a := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			sum := float64(h.At(i, j))
			for k := range j {
				sum -= float64(a[i*n+k] * a[j*n+k])
			}
			if i > j {
				a[i*n+j] = sum / a[j*n+j]
				continue
			}
			if !(sum > 0) || math.IsInf(sum, 1) {
				return l, inverse, ErrNotDefinite
			}
			a[i*n+i] = math.Sqrt(sum)
		}
	}
	b := make([]float64, n*n)
	for j := range n {
		b[j*n+j] = 1 / a[j*n+j]
		for i := j + 1; i < n; i++ {
			sum := 0.0
			for k := j; k < i; k++ {
				sum -= float64(a[i*n+k] * b[k*n+j])
			}
			b[i*n+j] = sum / a[i*n+i]
		}
	}
	l, inverse = New(n, n), New(n, n)
	for i := range a {
		l.Data[i], inverse.Data[i] = float32(a[i]), float32(b[i])
	}
	return l, inverse, nil
}

// Solve replaces every row t of b by the solution of t·H = b.
func (f *Factor) Solve(b Matrix) {
	m, k := f.machine, f.L.Rows
	room, turned := New(b.Rows, min(panel, k)), New(min(panel, k), min(panel, k))
	for j := 0; j < k; j += panel { // t·L: what is left of b after the columns before
		width := min(panel, k-j)
		part, to := b.Part(0, b.Rows, j, width), room.Part(0, b.Rows, 0, width)
		if j > 0 {
			m.MulT(to, b.Part(0, b.Rows, 0, j), f.L.Part(j, width, 0, j))
			m.subtract(part, to)
		}
		m.MulT(to, part, f.inverse[j/panel])
		m.copy(part, to)
	}
	for j := (k - 1) / panel * panel; j >= 0; j -= panel {
		width := min(panel, k-j)
		part, to := b.Part(0, b.Rows, j, width), room.Part(0, b.Rows, 0, width)
		if after := k - j - width; after > 0 {
			m.Mul(to, b.Part(0, b.Rows, j+width, after), f.L.Part(j+width, after, j, width))
			m.subtract(part, to)
		}
		t := turned.Part(0, width, 0, width)
		for r := range width {
			for c := range width {
				t.Data[c*t.Step+r] = f.inverse[j/panel].At(r, c)
			}
		}
		m.MulT(to, part, t)
		m.copy(part, to)
	}
}

func (m Machine) subtract(dst, b Matrix) {
	m.Each(dst.Rows, rows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			to := dst.Row(i)
			for j, v := range b.Row(i) {
				to[j] -= v
			}
		}
	})
}

func (m Machine) copy(dst, b Matrix) {
	m.Each(dst.Rows, rows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			copy(dst.Row(i), b.Row(i))
		}
	})
}
