//go:build purego || !amd64

package elementwise

import "linquant/internal/cpu"

func extremesVector([]float32, cpu.Tier) (done int, lo, hi float32) { return 0, 0, 0 }
func (*Scaled) vector([]float32, []int32, int32, cpu.Tier) int      { return 0 }
func (*Quantizer) centredVector([]float32, []float32, cpu.Tier) int { return 0 }
