package elementwise

import (
	"math"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// rowParams are a Pair that multiplies, with bounds and the zero point as they are stored.
type rowParams struct {
	zero      int32   // of a
	by, scale float32 // of a, and of the result
	offset    int16
	lo, hi    byte
}

const rowBlock = 32

// MulRows is Apply, of a Pair that multiplies, on rows of a that are each as long as b: pixels, and a number for each
// channel. reals is memory for as many elements as b has. dst does not overlap a.
func (p *Pair) MulRows(dst, a, b []byte, reals []float32, tier cpu.Tier) {
	n := len(b)
	if n == 0 || len(dst)%n != 0 || !p.Mul {
		panic("elementwise: rows that do not fill what they are of, or a sum")
	}
	a = a[:len(dst)]
	if k := kernelsOf(tier); k.mulRows.Has() && n >= rowBlock && len(dst) > 0 {
		if r, ok := p.rows(); ok {
			reals = reals[:n]
			Dequantize(reals, b, p.ZeroB, p.ScaleB, tier)
			k.mulRows.Get()(&dst[0], &a[0], &reals[0], n, len(dst)/n, kernel.NoEscape(&r))
			return
		}
	}
	for at := 0; at < len(dst); at += n {
		p.Apply(dst[at:][:n], a[at:][:n], b, tier)
	}
}

// rows returns what the kernel needs. ok is false where a quotient may be no number, or none that fits an int32.
func (p *Pair) rows() (r rowParams, ok bool) {
	a, b, scale := math.Abs(float64(p.ScaleA)), math.Abs(float64(p.ScaleB)), float64(p.Scale)
	for _, v := range [...]float64{a, b, scale} {
		if !(v > 0x1p-60 && v < 0x1p40) { // no product overflows
			return r, false
		}
	}
	stored := func(v int32) bool { return v >= 0 && v < 256 }
	if !stored(p.ZeroA) || !stored(p.ZeroB) || !stored(p.Offset) || 255*a*255*b/scale > 0x1p30 {
		return r, false
	}
	lo, okLo := code(p.Lo, p.Offset)
	hi, okHi := code(p.Hi, p.Offset)
	return rowParams{p.ZeroA, p.ScaleA, p.Scale, int16(p.Offset), lo, hi}, okLo && okHi && lo <= hi
}
