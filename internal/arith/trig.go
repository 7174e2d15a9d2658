package arith

import (
	"math"
	"math/bits"
)

// The functions here have the same bits on every processor: products are rounded before they are summed, and those of package
// math are written in assembly for some. They compute in float64 with an error far below that of float32.

// Sin returns the sine of an angle in radians, however large; NaN for an infinity.
func Sin(x float32) float32 {
	q, r := quarters(x)
	return float32(sine(q, r))
}

// Cos returns the cosine of an angle in radians, however large; NaN for an infinity.
func Cos(x float32) float32 {
	q, r := quarters(x)
	return float32(sine(q+1, r))
}

// Tan returns the tangent of an angle in radians, however large; NaN for an infinity.
func Tan(x float32) float32 {
	q, r := quarters(x)
	return float32(sine(q, r) / sine(q+1, r))
}

// sine returns the sine of q quarter turns and r, for |r| ≤ π/4.
func sine(q uint64, r float64) float64 {
	y, series := r, sinSeries[:]
	if q&1 == 1 {
		y, series = 1, cosSeries[:]
	}
	p := 0.0
	for _, c := range series {
		p = float64(p*float64(r*r)) + c
	}
	if y = float64(y * p); q&2 != 0 {
		return -y
	}
	return y
}

// The Taylor series in r² of sin r / r and cos r, whose rest is below 1e-19.
var (
	sinSeries = [...]float64{
		1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1,
	}
	cosSeries = [...]float64{
		-1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720,
		1.0 / 24, -1.0 / 2, 1,
	}
)

// twoOverPi has the bits of 2/π, behind 64 zeros.
var twoOverPi = [...]uint64{0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0}

// quarters returns q and r in [−π/4, π/4], so that x is q·π/2 + r and a number of full turns.
//
// x is m·2**e with m an integer. Of m·2**e·2/π only what is below 4 is wanted: of the bits of 2/π, those from 2**(1−e) down,
// 128 of them, times m (Payne & Hanek 1983).
func quarters(x float32) (q uint64, r float64) {
	b := math.Float32bits(x)
	exponent := int(b >> 23 & 255)
	switch {
	case exponent == 255:
		return 0, math.NaN()
	case math.Abs(float64(x)) <= math.Pi/4:
		return 0, float64(x)
	}
	m, e := uint64(b&(1<<23-1)|1<<23), exponent-127-23
	at, shift := (64+e-2)/64, uint(64+e-2)%64
	word := func(i int) uint64 { return twoOverPi[i]<<shift | twoOverPi[i+1]>>1>>(63-shift) }
	high, low := bits.Mul64(m, word(at+1))
	high += m * word(at)
	q, part := high>>62, int64(high<<2|low>>62) // of a quarter turn, in 2**−64: one half and more is the next, less
	if part < 0 {
		q++
	}
	r = float64(part) * (math.Pi / 2 / (1 << 64))
	if x < 0 {
		return -q, -r
	}
	return q, r
}

// Atan returns the angle in [−π/2, π/2] whose tangent is x.
func Atan(x float32) float32 { return float32(atan(float64(x))) }

// Asin returns the angle in [−π/2, π/2] whose sine is x; NaN beyond 1.
func Asin(x float32) float32 {
	v := float64(x)
	return float32(atan(v / math.Sqrt(float64((1-v)*(1+v)))))
}

// Acos returns the angle in [0, π] whose cosine is x; NaN beyond 1.
func Acos(x float32) float32 {
	v := float64(x)
	return float32(2 * atan(math.Sqrt((1-v)/(1+v))))
}

// atan halves the angle twice, and takes the Taylor series to degree 25, whose rest is below 1e-19.
func atan(x float64) float64 {
	a := math.Abs(x)
	turned := a > 1
	if turned {
		a = 1 / a
	}
	for range 2 {
		a /= 1 + math.Sqrt(1+float64(a*a))
	}
	p := 0.0
	for n := 25; n >= 1; n -= 2 {
		c := 1 / float64(n)
		if n&2 != 0 {
			c = -c
		}
		p = float64(p*float64(a*a)) + c
	}
	if p = 4 * float64(p*a); turned {
		p = math.Pi/2 - p
	}
	return math.Copysign(p, x)
}

// Sinh returns the hyperbolic sine.
func Sinh(x float32) float32 {
	t := Expm1(math.Abs(float64(x)))
	if math.IsInf(t, 1) {
		return float32(math.Copysign(t, float64(x)))
	}
	return float32(math.Copysign((t+t/(t+1))/2, float64(x)))
}

// Cosh returns the hyperbolic cosine.
func Cosh(x float32) float32 {
	e := Exp(math.Abs(float64(x)))
	return float32((e + 1/e) / 2)
}

// Asinh returns the number whose hyperbolic sine is x.
func Asinh(x float32) float32 {
	a := math.Abs(float64(x))
	if math.IsInf(a, 1) {
		return x
	}
	return float32(math.Copysign(Log1p(a+float64(a*a)/(1+math.Sqrt(1+float64(a*a)))), float64(x)))
}

// Acosh returns the number that is not negative whose hyperbolic cosine is x; NaN below 1.
func Acosh(x float32) float32 {
	t := float64(x) - 1
	if t < 0 {
		return float32(math.NaN())
	}
	return float32(Log1p(t + math.Sqrt(float64(2*t)+float64(t*t))))
}

// Atanh returns the number whose hyperbolic tangent is x; infinite at 1, NaN beyond.
func Atanh(x float32) float32 {
	a := math.Abs(float64(x))
	if a > 1 {
		return float32(math.NaN())
	}
	return float32(math.Copysign(Log1p(2*a/(1-a))/2, float64(x)))
}
