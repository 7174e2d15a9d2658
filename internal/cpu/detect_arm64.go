//go:build !purego

package cpu

import "golang.org/x/sys/cpu"

func detect() []Tier {
	tiers := []Tier{NEON}
	if cpu.ARM64.HasASIMDDP {
		tiers = append(tiers, DotProd)
		if cpu.ARM64.HasI8MM {
			tiers = append(tiers, I8MM)
		}
	}
	return tiers
}
