//go:build purego || !amd64

package elementwise

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

var tables = kernel.Tables[kernels]{cpu.Generic: {}}
