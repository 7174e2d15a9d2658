//go:build !purego

package elementwise

import "math"

// near is what addNearAVX512 needs besides a Pair.
type near struct {
	factorA, factorB float32 // ScaleA/Scale and ScaleB/Scale
	most             float32 // how far from an integer a sum may be
	magic            uint32  // the bits of magic + Offset
}

// addNearAVX512 does what addCodesAVX512 does, for n a multiple of nearBlock, where nearby is ok.
//
//go:noescape
func addNearAVX512(dst, a, b *byte, n int, p *Pair, k *near)

// nearBlock is how many elements addNearAVX512 does at a time.
const nearBlock = 64

// nearby returns what it takes to add without dividing:
//
//	(a-ZeroA)·ScaleA/Scale + (b-ZeroB)·ScaleB/Scale
//
// with factors made beforehand: one rounding of each of them, of one product and of the sum. What defines the code rounds
// both products, their sum and the quotient. With u = 2^-24 each is off by little more than 3u times the largest sum of
// magnitudes, 255·(ScaleA+ScaleB)/Scale. The two round to the same integer, except where the sum is within 8u times that
// of the middle between two integers: then the kernel divides.
func (p *Pair) nearby() (k near, ok bool) {
	const small, large = 0x1p-100, 0x1p100 // no product overflows between them, and what underflows is near 0
	code := func(v int32) bool { return v >= 0 && v < 256 }
	for _, scale := range [...]float32{p.Scale, p.ScaleA, p.ScaleB} {
		if !(scale > small && scale < large) {
			return k, false
		}
	}
	a, b := float64(p.ScaleA)/float64(p.Scale), float64(p.ScaleB)/float64(p.Scale)
	largest := 255 * (a + b)
	k = near{
		factorA: float32(a), factorB: float32(b), most: float32(0.5 - 0x1p-21*largest - 0x1p-20),
		magic: magicBits + uint32(p.Offset),
	}
	return k, !p.Mul && largest < 1<<12 && code(p.ZeroA) && code(p.ZeroB) && code(p.Offset) &&
		math.Abs(float64(p.Lo)) < 256 && math.Abs(float64(p.Hi)) < 256
}
