//go:build !purego

package gemm

// fixedTable holds the constants of an output stage that computes in integers, for the channels of a panel. Shifts are
// negative, as those to the right are.
type fixedTable struct {
	lo, hi, after, _ int32 // bounds before the zero point, as it stands in after, is added

	bias   [panelWidth]int32
	m0     [panelWidth]int32
	second [panelWidth]int32 // FixedDouble: the second shift
	wide   [panelWidth]int64 // Fixed: the shift of 64 bits
}

// fill makes the table for n channels from j on. It fails where a multiplier is 1 or more, which the vector kernels
// do not take.
func (t *fixedTable) fill(s *Stage, j, n int) bool {
	r := s.Requant
	perChannel := min(r.Channels()-1, 1) // 0 where there is one multiplier
	for c := range n {
		m0, shift := r.FixedMultiplier((j + c) * perChannel)
		if shift < 0 {
			return false
		}
		t.m0[c], t.second[c], t.wide[c] = m0, -int32(shift), -int64(31+shift)
	}
	copy(t.bias[:], s.Bias[j:j+n])
	t.lo, t.hi, t.after = r.Lo-r.ZeroPoint, r.Hi-r.ZeroPoint, r.ZeroPoint+int32(s.Flip)
	return true
}

// The stages fill dst[r·ldd+c] with byte(clamp(f(acc[r·16+c] + t.bias[c]), t.lo, t.hi) + t.after) for r < rows and all
// 16 channels c of a panel, where f multiplies and rounds as Fixed and FixedDouble do: with one rounding shift of the
// 64-bit product, or with SQRDMULH, which is the first rounding of FixedDouble, and a shift.

//go:noescape
func stageFixedNEON(dst *byte, ldd int, acc *int32, rows int, t *fixedTable)

//go:noescape
func stageFixedDoubleNEON(dst *byte, ldd int, acc *int32, rows int, t *fixedTable)
