//go:build purego || !amd64

package elementwise

import "linquant/internal/cpu"

func sumLookupVector([]float64, []byte, []float64, *[4]float64, cpu.Tier) int { return 0 }

func divideVector([]float32, []float64, float64, cpu.Tier) int { return 0 }

func normalizeVector(_, _, _, _ []float32, _ float64, _ bool, _ cpu.Tier) bool { return false }
