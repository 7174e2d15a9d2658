package elementwise

import "linquant/internal/cpu"

// Table returns the kernels of a tier.
func Table(tier cpu.Tier) any { return kernelsOf(tier) }
