//go:build !purego

package gemm

import "linquant/internal/cpu"

// subtractZerosAVX2 does acc[r·width+c] -= zero[c]·sums[r] for c < width, a multiple of 8, and r < rows.
//
//go:noescape
func subtractZerosAVX2(acc *int32, width, rows int, sums, zero *int32)

// subtractZeros is subtractWeightZero, and false where it leaves that to others. What is beyond the channels that zero
// has may change.
func subtractZeros(acc []int32, width int, sums, zero []int32, tier cpu.Tier) bool {
	if tier == cpu.Generic || width%8 != 0 || width > maxWidth {
		return false
	}
	var z [maxWidth]int32
	copy(z[:width], zero)
	subtractZerosAVX2(&acc[:width*len(sums)][0], width, len(sums), &sums[0], &z[0])
	return true
}
