//go:build purego || !amd64

package elementwise

import "linquant/internal/cpu"

// Without assembly nothing is done in vectors.

func (*Pair) vector([]byte, []byte, []byte, cpu.Tier) int                       { return 0 }
func (*Quantizer) vector([]byte, []float32, cpu.Tier) int                       { return 0 }
func addVector([]float32, []float32, []float32, float32, float32, cpu.Tier) int { return 0 }
func mulVector([]float32, []float32, []float32, float32, float32, cpu.Tier) int { return 0 }
func clampVector([]float32, []float32, float32, float32, cpu.Tier) int          { return 0 }
func (*Windows) maxCodes([]byte, []byte, cpu.Tier) int                          { return 0 }
func (*Windows) maxReals([]float32, []float32, cpu.Tier) int                    { return 0 }
func (*Windows) meanReals([]float32, []float32, float32, cpu.Tier) int          { return 0 }
func (*Depthwise) vector([]byte, []byte, *Windows, cpu.Tier) int                { return 0 }
func (*Gather) vector([]byte, []byte, cpu.Tier) bool                            { return false }

func depthwiseVector(_, _, _, _ []float32, _, _ float32, _ *Windows, _ cpu.Tier) int { return 0 }
