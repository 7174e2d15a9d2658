package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Tier returns the tier whose kernels read the weights.
func (w *Int8) Tier() cpu.Tier    { return w.tier }
func (w *Float32) Tier() cpu.Tier { return w.tier }

// Unused returns the kernels of a tier's table that did not run.
func Unused(tier cpu.Tier) []string { return kernel.Unused(kernelsOf(tier)) }
