package elementwise_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

func TestTranspose(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, m := range []elementwise.Transposed{ // one of each way
			{Rows: 2, Columns: 58, SrcStep: 58, DstStep: 2},
			{Rows: 2, Columns: 33, SrcStep: 33, DstStep: 2, Matrices: 5, SrcNext: 70, DstNext: 66},
			{Rows: 9, Columns: 16, SrcStep: 16, DstStep: 9, Matrices: 3, SrcNext: 144, DstNext: 150},
			{Rows: 17, Columns: 33, SrcStep: 35, DstStep: 18},
			{Rows: 3, Columns: 5, SrcStep: 5, DstStep: 3},
		} {
			checkTranspose(t, m, 1, tier)
		}
		rapid.Check(t, func(t *rapid.T) {
			sizes := rapid.OneOf(rapid.IntRange(1, 40), rapid.SampledFrom([]int{2, 7, 8, 9, 15, 16, 17, 24, 116}))
			m := elementwise.Transposed{Rows: sizes.Draw(t, "rows"), Columns: sizes.Draw(t, "columns")}
			m.SrcStep = m.Columns + rapid.IntRange(0, 3).Draw(t, "more in src")
			m.DstStep = m.Rows + rapid.IntRange(0, 3).Draw(t, "more in dst")
			if rapid.Bool().Draw(t, "several") {
				m.Matrices = rapid.IntRange(1, 4).Draw(t, "matrices")
				m.SrcNext = (m.Rows-1)*m.SrcStep + m.Columns + rapid.IntRange(0, 3).Draw(t, "more to the next")
				m.DstNext = (m.Columns-1)*m.DstStep + m.Rows + rapid.IntRange(0, 3).Draw(t, "more from the last")
			}
			checkTranspose(t, m, rapid.Uint64().Draw(t, "seed"), tier)
		})
	})
}

func checkTranspose(t rapid.TB, m elementwise.Transposed, seed uint64, tier cpu.Tier) {
	t.Helper()
	s := newSource(seed)
	matrices := max(m.Matrices, 1)
	n := (matrices-1)*m.SrcNext + (m.Rows-1)*m.SrcStep + m.Columns
	codes, reals := s.codes(n), s.reals(n)
	size := (matrices-1)*m.DstNext + (m.Columns-1)*m.DstStep + m.Rows
	dst, to := newGuarded[byte](size, 0x5a), newGuarded[float32](size, 12345)
	wantCodes, wantReals := append([]byte(nil), dst.x...), append([]float32(nil), to.x...)
	for i := range matrices * m.Rows * m.Columns {
		matrix, r, c := i/(m.Rows*m.Columns), i/m.Columns%m.Rows, i%m.Columns
		to, from := matrix*m.DstNext+c*m.DstStep+r, matrix*m.SrcNext+r*m.SrcStep+c
		wantCodes[to], wantReals[to] = codes[from], reals[from]
	}
	elementwise.Transpose(dst.x, codes, &m, tier)
	elementwise.Transpose(to.x, reals, &m, tier)
	for i, want := range wantCodes {
		if dst.x[i] != want {
			t.Fatalf("%+v: element %d is %d, want %d", m, i, dst.x[i], want)
		}
	}
	if err := sameBits(to.x, wantReals); err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	dst.check(t)
	to.check(t)
}

func TestTransposeRefuses(t *testing.T) {
	for _, m := range []elementwise.Transposed{
		{Rows: 0, Columns: 4, SrcStep: 4, DstStep: 4},
		{Rows: 4, Columns: 5, SrcStep: 5, DstStep: 4},
		{Rows: 4, Columns: 4, SrcStep: -4, DstStep: 4},
		{Rows: 4, Columns: 4, SrcStep: 4, DstStep: math.MaxInt / 2},
		{Rows: 2, Columns: 4, SrcStep: 4, DstStep: 2, Matrices: 3, SrcNext: 4, DstNext: 5},
		{Rows: 2, Columns: 4, SrcStep: 4, DstStep: 2, Matrices: 3, SrcNext: 5, DstNext: 4},
		{Rows: 2, Columns: 4, SrcStep: 4, DstStep: 2, Matrices: 2, SrcNext: -1, DstNext: 8},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v of 16 elements was done", m)
				}
			}()
			elementwise.Transpose(make([]byte, 16), make([]byte, 16), &m, cpu.Generic)
		}()
	}
}
