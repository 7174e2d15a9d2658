//go:build purego || !amd64

package calib

import "linquant/internal/cpu"

// Without assembly the plain loop does everything.

func findBins(cpu.Tier, []uint16, []float32, float32, int32) (n, zeros int) { return 0, 0 }
