//go:build purego || (!amd64 && !arm64)

package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

var tables = kernel.Tables[kernels]{cpu.Generic: genericKernels()}

type codeTiles struct{}
