//go:build !purego

package gemm

import "linquant/internal/cpu"

// panelWidth returns the number of channels in the panel that begins at channel j of n: 32, or where no more than 16
// are left, 16.
func panelWidth(j, n int, tier cpu.Tier) int {
	if tier == cpu.AVX512VNNI && n-j > 16 {
		return 32
	}
	return 16
}

// has512 reports whether a tier has vectors of 512 bits.
func has512(t cpu.Tier) bool { return t == cpu.AVX512VNNI || t == cpu.AMX }
