//go:build purego || !amd64

package gemm

import "linquant/internal/cpu"

// No tier has kernels for windows, and none of what follows is reached.

func windowHeight(cpu.Tier, int) int { return 0 }

func (w *Float32) windowPanels() int { panic("unreachable") }
func (w *Float32) mulWindows([]float32, []float32, *Windows, []float32, float32, float32, int, int) {
	panic("unreachable")
}
