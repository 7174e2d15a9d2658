//go:build !purego

package gemm

import (
	"linquant/internal/cpu"
	"linquant/quant"
)

// stageAVX512 and stageAVX2 fill dst[r·ldd+c] with
//
//	byte(RNE(clamp(float32(acc[r·width+c]+bias[c])·mult[c] + p.before, p.lo, p.hi)) + p.after)
//
// for r < rows and c < n, all products and sums rounded to float32; mult[0] for all c if single. AVX2 takes only
// multiples of 8 for n.
//
//go:noescape
func stageAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)

//go:noescape
func stageAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)

// floatStageAVX512 and floatStageAVX2 fill dst[r·ldd+c] with acc[r·width+c] + bias[c], made lo where it is less and hi
// where it is greater, for r < rows and c < n. AVX2 takes only multiples of 8 for n.
//
//go:noescape
func floatStageAVX512(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32)

//go:noescape
func floatStageAVX2(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32)

// applyVector is apply, and returns how many of the n channels it did.
func (s *Stage) applyVector(dst []byte, ldd int, acc []int32, width, rows, j, n int, tier cpu.Tier) int {
	if c := s.Requant.Convention; c == quant.Fixed || c == quant.FixedDouble {
		return s.applyFixed(dst, ldd, acc, width, rows, j, n, tier)
	}
	p := newStageParams(s.Requant, s.Flip)
	mult := s.Requant.Multipliers()
	single := len(mult) == 1
	if !single {
		mult = mult[j:]
	}
	if has512(tier) {
		stageAVX512(&dst[0], ldd, &acc[0], width, rows, n, &s.Bias[j], &mult[0], single, &p)
		return n
	}
	n &^= 7
	if n > 0 {
		stageAVX2(&dst[0], ldd, &acc[0], width, rows, n, &s.Bias[j], &mult[0], single, &p)
	}
	return n
}

// applyVector is apply, and returns how many of the n channels it did.
func (s *floatStage) applyVector(dst []float32, ldd int, acc []float32, width, rows, n int, tier cpu.Tier) int {
	if tier == cpu.AVX512VNNI {
		floatStageAVX512(&dst[0], ldd, &acc[0], width, rows, n, &s.bias[0], s.lo, s.hi)
		return n
	}
	n &^= 7
	if n > 0 {
		floatStageAVX2(&dst[0], ldd, &acc[0], width, rows, n, &s.bias[0], s.lo, s.hi)
	}
	return n
}
