//go:build purego || (!amd64 && !arm64)

package gemm

import "linquant/internal/cpu"

func operandTier(cpu.Tier) cpu.Tier { return cpu.Generic }

func (*Operand) panels([]byte, []byte, cpu.Tier) int8Panels              { panic("unreachable") }
func (*Operand) realPanels([]float32, []float32, cpu.Tier) float32Panels { panic("unreachable") }
