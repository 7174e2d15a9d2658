//go:build !purego

package gemm

import (
	"slices"

	"linquant/internal/kernel"
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

// scaledKernel is one of the kernels above.
type scaledKernel = func(
	dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams,
)

// scaled returns the stage of a kernel that takes multiples of step channels.
func scaled(run scaledKernel, step int) kernel.Func[codeStage] {
	return kernel.Of(func(s *Stage, dst []byte, ldd int, acc []int32, width, rows, j, n int) int {
		p := newStageParams(s.Requant, s.Flip)
		return s.scaled(run, dst, ldd, acc, width, rows, j, n&^(step-1), &p)
	})
}

// scaledAVX2 is scaled for AVX2.
func scaledAVX2(s *Stage, dst []byte, ldd int, acc []int32, width, rows, j, n int) int {
	p := newStageParams(s.Requant, s.Flip)
	done := n &^ 15
	mult := s.Requant.Multipliers()
	if len(mult) > 1 {
		mult = mult[j:][:n]
	}
	if done > 0 && p.whole(mult) {
		s.scaled(wholeStageAVX2, dst, ldd, acc, width, rows, j, done, &p)
	} else {
		done = 0
	}
	if n&^7 > done {
		done += s.scaled(stageAVX2, dst[done:], ldd, acc[done:], width, rows, j+done, n&^7-done, &p)
	}
	return done
}

// scaled runs the kernel for n channels from j on, and returns n.
func (s *Stage) scaled(run scaledKernel, dst []byte, ldd int, acc []int32, width, rows, j, n int, p *stageParams) int {
	if n == 0 {
		return 0
	}
	mult := s.Requant.Multipliers()
	single := len(mult) == 1
	if !single {
		mult = mult[j:]
	}
	run(&dst[0], ldd, &acc[0], width, rows, n, &s.Bias[j], &mult[0], single, kernel.NoEscape(p))
	return n
}

// wholeStageAVX2 is stageAVX2 for multiples of 16 channels, where p.before is 0, p.lo and p.hi plus p.after are 0 and 255,
// and multipliers are less than 1, so that no product leaves int32.
//
//go:noescape
func wholeStageAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)

// whole reports whether codes have the whole range of a byte, and no sum times a multiplier leaves int32.
func (p *stageParams) whole(mult []float32) bool {
	after := float32(p.after)
	return p.before == 0 && p.lo+after == 0 && p.hi+after == 255 && slices.Max(mult) < 1
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
