//go:build purego || (!amd64 && !arm64)

package gemm

import "linquant/internal/cpu"

// Without assembly every tier is served by the plain kernels, and none of what follows is reached.

func int8Tier(cpu.Tier) cpu.Tier    { return cpu.Generic }
func float32Tier(cpu.Tier) cpu.Tier { return cpu.Generic }

type (
	int8Panels    struct{}
	float32Panels struct{}
)

func packInt8Panels([]int8, int, int, cpu.Tier) (p int8Panels)          { return p }
func packFloat32Panels([]float32, int, int, cpu.Tier) (p float32Panels) { return p }

func (int8Panels) accumulate([]int32, []byte, int, int, int) int         { panic("unreachable") }
func (float32Panels) accumulate([]float32, []float32, int, int, int) int { panic("unreachable") }
func (*Stage) applyVector([]byte, int, []int32, int, int, int, int, cpu.Tier) int {
	panic("unreachable")
}

func (*floatStage) applyVector([]float32, int, []float32, int, int, int, cpu.Tier) int {
	panic("unreachable")
}
