//go:build purego || !amd64

package gemm

import "linquant/internal/cpu"

// No tier has kernels for windows of codes, and the rest is not reached.

func codeLimitsOf(cpu.Tier) codeLimits { return codeLimits{} }

func (w *Int8) mulWindows([]byte, []byte, *Int8Windows, []int32, *Stage, int, int, int) {
	panic("unreachable")
}
