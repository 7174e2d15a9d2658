//go:build !purego

package gemm

import "linquant/internal/kernel"

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

// scaledStageAVX512 and scaledStageAVX2 fill dst[r·ldd+c] with
//
//	float32(acc[r·width+c]+s.Start[c])·s.Scale[c] + s.Bias[c]
//
// made s.Lo where it is less and s.Hi where it is greater, for r < rows and c < n. AVX2 takes only multiples of 8 for n.
//
//go:noescape
func scaledStageAVX512(dst *float32, ldd int, acc *int32, width, rows, n int, s *RealStage)

//go:noescape
func scaledStageAVX2(dst *float32, ldd int, acc *int32, width, rows, n int, s *RealStage)

// subtractZerosAVX2 is a subtractKernel.
//
//go:noescape
func subtractZerosAVX2(acc *int32, width, rows int, sums, zero *int32)

// scaled returns the stage of a kernel that takes multiples of step channels.
func scaled(run func(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams),
	step int,
) kernel.Func[codeStage] {
	return kernel.Of(func(s *Stage, dst []byte, ldd int, acc []int32, width, rows, j, n int) int {
		if n &^= step - 1; n == 0 {
			return 0
		}
		p := newStageParams(s.Requant, s.Flip)
		mult := s.Requant.Multipliers()
		single := len(mult) == 1
		if !single {
			mult = mult[j:]
		}
		run(&dst[0], ldd, &acc[0], width, rows, n, &s.Bias[j], &mult[0], single, kernel.NoEscape(&p))
		return n
	})
}

// scaledReals is scaled for floats.
func scaledReals(run func(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32), step int,
) kernel.Func[realStage] {
	return kernel.Of(func(s *floatStage, dst []float32, ldd int, acc []float32, width, rows, n int) int {
		if n &^= step - 1; n > 0 {
			run(&dst[0], ldd, &acc[0], width, rows, n, &s.bias[0], s.lo, s.hi)
		}
		return n
	})
}
