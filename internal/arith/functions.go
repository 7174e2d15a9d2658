package arith

import "math"

// Functions of reals that networks compute by the million: an input is widened to float64, what follows are additions,
// multiplications and divisions of it in one order, no product fused with a sum, without tables and branches, and the result
// is rounded once. So a processor computes several at a time with the same bits (internal/elementwise), and all are within
// 0.501 units in the last place of a float32. A NaN stays one, and a zero keeps its sign. Infinities give what a function tends to,
// but for Swish and the approximation of Gelu at −∞: they are products of it and 0 there, a NaN.

// The coefficients of these functions are minimax: what is given is the largest relative error. They are read and never written.
var (
	// ExpSeries is (2ᶠ − 1) / f for |f| ≤ 1/2, 4.5e-12, from the constant on.
	ExpSeries = [8]float64{
		0.69314718055687663, 0.24022650696489156, 0.055504109060069473, 0.0096181289425335097,
		0.0013333478814230471, 0.00015403629586383828, 1.5303609842544145e-5, 1.3215477815209392e-6,
	}
	// ErfSeries is erf(√z) / √z for z ≤ 16, 8.3e-12: numerator and denominator from the highest power on.
	ErfSeries = [2][8]float64{{
		3.0047407540855848e-9, 7.5279255783347594e-7, 2.1787868495058253e-5, 0.00051304837308652226,
		0.0049622571655705206, 0.058118724850982938, 0.20034568776154806, 1.1283791670861524,
	}, {
		7.3298808739107972e-8, 4.5192046785870095e-6, 0.000111517587961918, 0.0017152461968867481,
		0.0177191587135135, 0.12180140784840597, 0.5108850757906877, 1,
	}}
	// TailSeries is exp(a²/2)·Φ(−a) for 0 ≤ a ≤ 15, Φ being the distribution of a normal variable, 1.2e-12: numerator and
	// denominator from the highest power on.
	TailSeries = [2][8]float64{{
		0, 0.0001772869207937063, 0.0029409219688906299, 0.023159239508796483,
		0.10890594646636867, 0.32179817966669636, 0.57230748088857905, 0.5000000000005985,
	}, {
		0.00044439235165398673, 0.0073718028190544436, 0.05849582324287292, 0.28036245110116842,
		0.86373059417332322, 1.6934867349663631, 1.9424995227272754, 1,
	}}
)

// Constants of these functions.
const (
	Log2E    = log2e
	ExpMagic = 0x1.8p52 + 1023 // added to a small number it leaves the nearest integer and 1023 in the low bits
	ExpLeast = -700            // of arguments: 0 in float32
	ExpMost  = 710             // infinite
	ErfMost  = 4               // from there on erf is 1 in float32
	TailMost = 15              // from there on Φ(−x)·x is 0 in float32

	// GeluLinear and GeluCubic are −2·√(2/π) and that times 0.044715.
	GeluLinear = -2 * math.Sqrt2 / math.SqrtPi
	GeluCubic  = GeluLinear * 0.044715
)

// expParts returns 2**k and 2ᶠ − 1 with x = (k + f)·ln 2, |f| ≤ 1/2, for ExpLeast ≤ x ≤ ExpMost.
func expParts(x float64) (scale, part float64) {
	t := float64(x * Log2E)
	m := t + ExpMagic
	f := t - (m - ExpMagic)
	c, z := &ExpSeries, float64(f*f)
	low := (float64(c[1]*f) + c[0]) + float64((float64(c[3]*f)+c[2])*z)
	high := (float64(c[5]*f) + c[4]) + float64((float64(c[7]*f)+c[6])*z)
	return math.Float64frombits(math.Float64bits(m) << 52), float64(f * (low + float64(high*float64(z*z))))
}

// expOf returns e**x for ExpLeast ≤ x ≤ ExpMost.
func expOf(x float64) float64 {
	scale, part := expParts(x)
	return scale * (1 + part)
}

// limit returns x, at least least and at most most; a NaN stays one.
func limit(x, least, most float64) float64 {
	if x < least {
		return least
	}
	if x > most {
		return most
	}
	return x
}

// ratio returns the quotient of two polynomials of x, of which z is the square: even and odd powers apart, half as long a chain
// as all of them.
func ratio(c *[2][8]float64, x, z float64) float64 {
	return polynomial(&c[0], x, z) / polynomial(&c[1], x, z)
}

func polynomial(c *[8]float64, x, z float64) float64 {
	odd := float64((float64((float64(c[0]*z)+c[2])*z)+c[4])*z) + c[6]
	even := float64((float64((float64(c[1]*z)+c[3])*z)+c[5])*z) + c[7]
	return even + float64(odd*x)
}

// Exp32 returns e**x.
func Exp32(x float32) float32 { return float32(expOf(limit(float64(x), ExpLeast, ExpMost))) }

// Sigmoid32 returns 1 / (1 + e**−x).
func Sigmoid32(x float32) float32 {
	return float32(1 / (1 + expOf(limit(-float64(x), ExpLeast, ExpMost))))
}

// Swish32 returns x / (1 + e**(−alpha·x)).
func Swish32(x, alpha float32) float32 {
	v := float64(x)
	return float32(v / (1 + expOf(limit(float64(v*-float64(alpha)), ExpLeast, ExpMost))))
}

// Tanh32 returns the hyperbolic tangent: with m = e**(−2|x|) − 1 it is −m / (m + 2), with the sign of x.
func Tanh32(x float32) float32 {
	v := float64(x)
	scale, part := expParts(limit(-2*math.Abs(v), ExpLeast, ExpMost))
	m := float64(scale*part) + (scale - 1)
	return float32(math.Copysign(m/(m+2), v))
}

// Erf32 returns the error function.
func Erf32(x float32) float32 {
	v := limit(float64(x), -ErfMost, ErfMost)
	z := float64(v * v)
	return float32(float64(v * ratio(&ErfSeries, z, float64(z*z))))
}

// Gelu32 returns x·Φ(x) = max(x, 0) − |x|·Φ(−|x|), Φ being the distribution of a normal variable.
func Gelu32(x float32) float32 {
	v := float64(x)
	a := limit(math.Abs(v), 0, TailMost)
	z := float64(a * a)
	tail := float64(a * float64(ratio(&TailSeries, a, z)*expOf(float64(z*-0.5))))
	if v < 0 {
		v = 0
	}
	return float32(v - tail)
}

// GeluTanh32 returns x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which approximates Gelu32 (Hendrycks & Gimpel 2016), as
// x / (1 + e**−2u) where u is what the tanh is of.
func GeluTanh32(x float32) float32 {
	v := float64(x)
	u := float64(v * (float64(GeluCubic*float64(v*v)) + GeluLinear))
	return float32(v / (1 + expOf(limit(u, ExpLeast, ExpMost))))
}
