package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// genericKernels are those in plain Go, which define what all others do.
func genericKernels() *kernels {
	k := &kernels{tier: cpu.Generic}
	fours := panelLayout{wide: 4, narrow: 4, run: 1, group: 1}
	k.codes = codeKernels{panelLayout: fours, sums: kernel.Of(genericSums)}
	k.computed = k.codes
	k.computed.packOperand = kernel.Of(packFours)
	k.reals = realKernels{panelLayout: fours, narrowTiles: twoTiles(2, genericReals(2), genericReals(1))}
	return k
}
