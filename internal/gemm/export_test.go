package gemm

import "linquant/internal/cpu"

// Tier returns the tier whose kernels read the weights.
func (w *Int8) Tier() cpu.Tier    { return w.tier }
func (w *Float32) Tier() cpu.Tier { return w.tier }

// Table returns the kernels of a tier.
func Table(tier cpu.Tier) any { return kernelsOf(tier) }

// OverflowsPairs is what kernels that add products in pairs ask of weights.
func OverflowsPairs(w []int8, k int) bool { return overflowsPairs(w, k) }
