//go:build !purego

package cpu

import "golang.org/x/sys/cpu"

// detect relies on x/sys/cpu, which reports AVX and AVX-512 only where the operating system saves their registers.
func detect() []Tier {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA || !x.HasF16C {
		return nil
	}
	tiers := []Tier{AVX2}
	if x.HasAVXVNNI {
		tiers = append(tiers, AVXVNNI)
	}
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL || !x.HasAVX512VNNI {
		return tiers
	}
	tiers = append(tiers, AVX512VNNI)
	if x.HasAMXTile && x.HasAMXInt8 && amxGranted() || amxTrapped() {
		tiers = append(tiers, AMX)
	}
	return tiers
}
