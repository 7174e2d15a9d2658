package integer

import "linquant/quant"

// The operators of the domain com.microsoft, QLinearAdd, QLinearMul, QLinearAveragePool and QLinearGlobalAveragePool, as
// ONNX Runtime 1.32 computes them where there is AVX2 (qladd_avx2.cpp, qlmul.cpp, qlgavgpool.cpp, qlinear_pool.cc): with
// other roundings than those of the operators on reals between DequantizeLinear and QuantizeLinear.

// Ratios are the operands' scales in steps of the sum, and all three zero points as one number:
//
//	A = Sa/Sy    B = Sb/Sy    Constant = zy − fma(A, za, B·zb)
//
// every step rounded to float32.
type Ratios struct{ A, B, Constant float32 }

// NewRatios returns those of operands with one scale each.
func NewRatios(a, b, out quant.Params) Ratios {
	r := Ratios{A: a.Scale[0] / out.Scale[0], B: b.Scale[0] / out.Scale[0]}
	r.Constant = float32(out.ZeroPointOf(0)) - fused(r.A, float32(a.ZeroPointOf(0)), float32(r.B*float32(b.ZeroPointOf(0))))
	return r
}

// Sum returns fma(qa, A, fma(qb, B, Constant)), which rounds to the code.
func (r *Ratios) Sum(qa, qb int32) float32 {
	return fused(float32(qa), r.A, fused(float32(qb), r.B, r.Constant))
}

// fused returns x·y + z rounded once. The product of a code and a float32 is exact in a float64, and so is the sum but
// where the two are 2^20 apart.
func fused(x, y, z float32) float32 { return float32(float64(float64(x)*float64(y)) + float64(z)) }

// QLinearAdd returns clamp(RNE(fma(qa, Sa/Sy, fma(qb, Sb/Sy, constant)))), see Ratios. The operands are not alike:
// ONNX Runtime exchanges them where the first is one number for a row of the second.
func QLinearAdd(a, b, out quant.Params) (func(qa, qb int32) int32, error) {
	if err := checkOperands(a, b, out); err != nil {
		return nil, err
	}
	r := NewRatios(a, b, out)
	lo, hi := out.Type.Range()
	return func(qa, qb int32) int32 { return Nearest(r.Sum(qa, qb), 0, lo, hi) }, nil
}

// QLinearMul returns clamp(RNE((qa−za)·(qb−zb)·(Sa·Sb/Sy) + zy)), every step rounded to float32.
func QLinearMul(a, b, out quant.Params) (func(qa, qb int32) int32, error) {
	if err := checkOperands(a, b, out); err != nil {
		return nil, err
	}
	ratio := float32(a.Scale[0]*b.Scale[0]) / out.Scale[0]
	za, zb, zero := a.ZeroPointOf(0), b.ZeroPointOf(0), float32(out.ZeroPointOf(0))
	lo, hi := out.Type.Range()
	return func(qa, qb int32) int32 {
		return Nearest(float32(float32((qa-za)*(qb-zb))*ratio)+zero, 0, lo, hi)
	}, nil
}

// QLinearGlobalAverage is Average with the multiplier Sx/(Sy·n), each step rounded to float32.
func QLinearGlobalAverage(in, out quant.Params, n int) (*quant.Requantizer, error) {
	if err := checkAverage(in, out, n); err != nil {
		return nil, err
	}
	m := in.Scale[0] / float32(out.Scale[0]*float32(n))
	return quant.NewRequantizer(quant.ONNX, []float64{float64(m)}, out)
}

// QLinearAverage returns clamp(RNE(sum/n/Sy + zy)) for the sum of what n codes stand for, every step rounded to float32.
// The sum is that of Real, one after the other in the order in which they lie.
func QLinearAverage(out quant.Params) func(sum float32, n int) int32 {
	lo, hi := out.Type.Range()
	scale, zero := out.Scale[0], float32(out.ZeroPointOf(0))
	return func(sum float32, n int) int32 { return Nearest(float32(sum/float32(n))/scale+zero, 0, lo, hi) }
}
