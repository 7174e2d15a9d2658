//go:build !purego

package gemm

import (
	"linquant/internal/kernel"
	"linquant/quant"
)

// fixedTable holds the integer multipliers of a panel's channels as vectors want them. A 64-bit product has room for
// every other channel only, hence the even and the odd ones apart.
type fixedTable struct {
	m0 [maxWidth]int32

	// Fixed: (acc·m0 + round) >> shift, an arithmetic shift of 64 bits. AVX2 has only the logical one; it gives the
	// same after 2^63 was added, which round includes and unbias, 2^63 >> shift, takes away.
	round, shift [2][maxWidth / 2]uint64
	unbias       [maxWidth]uint32

	// FixedDouble: the second shift, the mask of what it drops, and half of that.
	second, mask, half [maxWidth]int32

	// Bounds before the zero point, as it stands in after, is added.
	lo, hi, after int32
}

// fill makes the table for n channels from j on. It fails where a multiplier is 1 or more, which no vector kernel
// takes.
func (t *fixedTable) fill(r *quant.Requantizer, flip byte, j, n int) bool {
	perChannel := min(r.Channels()-1, 1) // 0 where there is one multiplier
	for c := range n {
		m0, shift := r.FixedMultiplier((j + c) * perChannel)
		if shift < 0 {
			return false
		}
		t.m0[c] = m0
		t.round[c%2][c/2] = 1<<63 + 1<<(30+shift)
		t.shift[c%2][c/2] = uint64(31 + shift)
		t.unbias[c] = uint32(uint64(1<<32) >> shift)
		t.second[c] = int32(shift)
		t.mask[c] = 1<<shift - 1
		t.half[c] = t.mask[c] >> 1
	}
	t.lo, t.hi, t.after = r.Lo-r.ZeroPoint, r.Hi-r.ZeroPoint, r.ZeroPoint+int32(flip)
	return true
}

// The stages fill dst[r·ldd+c] with byte(clamp(f(acc[r·width+c] + bias[c]), t.lo, t.hi) + t.after) for r < rows and
// c < n, where f multiplies and rounds as Fixed and FixedDouble do. AVX2 takes only multiples of 8 for n.

//go:noescape
func stageFixedAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)

//go:noescape
func stageFixedDoubleAVX512(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)

//go:noescape
func stageFixedAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)

//go:noescape
func stageFixedDoubleAVX2(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)

// fixed is scaled for them.
func fixed(run func(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable), step int,
) kernel.Func[codeStage] {
	return kernel.Of(func(s *Stage, dst []byte, ldd int, acc []int32, width, rows, j, n int) int {
		var t fixedTable
		if n &^= step - 1; n == 0 || !t.fill(s.Requant, s.Flip, j, n) {
			return 0
		}
		run(&dst[0], ldd, &acc[0], width, rows, n, &s.Bias[j], kernel.NoEscape(&t))
		return n
	})
}
