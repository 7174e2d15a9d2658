package elementwise

import (
	"math"

	"linquant/internal/kernel"
)

// sum is a Pair that adds, in fixed point. With factors ScaleA/Scale and ScaleB/Scale
//
//	T = ((a·lowA + b·lowB + rest) >> 15) + a·highA + b·highB + start
//
// is the sum plus zero point and a half, times 2^shift, off by little: T >> shift is the code before it is clamped, except
// near a tie.
type sum struct {
	low, high   uint32 // 16 bits of a factor of a, then of b
	rest, start int32
	near        uint32 // where T has only zeros there, it is too near a tie
	shift       uint32
	least       int32  // T of the lower bound, so that what is clamped is near no tie
	hi          uint32 // the upper bound as it is stored, four times
}

const sumBlock = 64

// add512 fills dst with sums, with 512 bits.
func add512(k *kernels, p *Pair, dst, a, b []byte) {
	if n := len(dst) / sumBlock * sumBlock; n > 0 {
		if s, ok := p.fixed(); ok {
			k.sums512.Get()(&dst[0], &a[0], &b[0], n, p, kernel.NoEscape(&s))
			dst, a, b = dst[n:], a[n:], b[n:]
		}
	}
	if len(dst) > 0 {
		k.addCodes.Get()(&dst[0], &a[0], &b[0], len(dst), p)
	}
}

// add256 fills dst, a multiple of 8 elements, with sums.
func add256(k *kernels, p *Pair, dst, a, b []byte) {
	s, ok := p.fixed()
	fast, exact, fixed := k.sums256.Get(), k.addCodes.Get(), kernel.NoEscape(&s)
	for piece := sumBlock; len(dst) > 0; piece *= 2 { // ties are frequent where scales are powers of two
		if n := len(dst) / sumBlock * sumBlock; ok && n > 0 {
			if n = fast(&dst[0], &a[0], &b[0], n, fixed); n > 0 {
				piece = sumBlock
				if dst, a, b = dst[n:], a[n:], b[n:]; len(dst) == 0 {
					return
				}
			}
		}
		n := len(dst)
		if ok {
			n = min(n, piece)
		}
		exact(&dst[0], &a[0], &b[0], n, p)
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// fixed returns the Pair in fixed point. ok is false where it multiplies, or numbers are too large or small for that.
//
// What defines the code rounds both products, their sum and the quotient to float32. With u = 2^-24 that is off by
// u·255·(A+B) and, where the sum is near a code, by 2u·256, A and B being the factors. T is off by less than 2^-shift
// because the bits below are dropped, and by 2^-7 of that because factors have 15 more.
func (p *Pair) fixed() (s sum, ok bool) {
	for _, scale := range [...]float32{p.Scale, p.ScaleA, p.ScaleB} {
		if v := math.Abs(float64(scale)); !(v > 0x1p-100 && v < 0x1p100) { // no product overflows, or loses bits
			return s, false
		}
	}
	lo, okLo := code(p.Lo, p.Offset)
	hi, okHi := code(p.Hi, p.Offset)
	stored := func(v int32) bool { return v >= 0 && v < 256 }
	if p.Mul || !okLo || !okHi || !stored(p.ZeroA) || !stored(p.ZeroB) || !stored(p.Offset) {
		return s, false
	}
	a, b := float64(p.ScaleA)/float64(p.Scale), float64(p.ScaleB)/float64(p.Scale)
	size := math.Abs(a) + math.Abs(b)
	_, exponent := math.Frexp(size)
	shift := 15 - exponent // so that the upper parts of the factors are below 2^15
	if shift < leastShift || shift > mostShift {
		return s, false
	}
	off := math.Ldexp(1.01*(255*size+2*260), shift-24) + 1.01
	margin := int64(2)
	for float64(margin) < off {
		margin *= 2
	}
	if 2*margin >= 1<<(shift-3) {
		return s, false
	}
	fa, fb := int64(math.RoundToEven(math.Ldexp(a, shift+15))), int64(math.RoundToEven(math.Ldexp(b, shift+15)))
	if max(fa, fb) >= 1<<30 {
		return s, false
	}
	first := int64(p.Offset)<<(shift+15) - int64(p.ZeroA)*fa - int64(p.ZeroB)*fb + (int64(1)<<(shift-1)+margin)<<15
	const below = 1<<15 - 1
	return sum{
		low:  uint32(fa&below) | uint32(fb&below)<<16,
		high: uint32(uint16(fa>>15)) | uint32(uint16(fb>>15))<<16,
		rest: int32(first & below), start: int32(first >> 15),
		near: uint32(1<<shift - 2*margin), shift: uint32(shift),
		least: int32(lo)<<shift + 1<<(shift-1), hi: uint32(hi) * 0x01010101,
	}, true
}

const leastShift, mostShift = 8, 20

// code returns a bound as it is stored.
func code(bound float32, offset int32) (c byte, ok bool) {
	v := float64(bound) + float64(offset)
	return byte(v), v >= 0 && v < 256 && v == math.Trunc(v)
}
