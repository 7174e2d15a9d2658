//go:build purego || !amd64

package tensor

import "linquant/internal/cpu"

// Without assembly the functions for one element do everything.

func widenFloat16Vector(cpu.Tier, []float32, []byte) int  { return 0 }
func widenBFloat16Vector(cpu.Tier, []float32, []byte) int { return 0 }
