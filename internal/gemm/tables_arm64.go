//go:build !purego

package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// tables has a table for every tier with kernels of its own. Each begins as the one that the tier is based on.
var tables = kernel.Tables[kernels]{
	cpu.Generic: genericKernels(),
	cpu.NEON:    neonKernels(),
	cpu.DotProd: dotprodKernels(),
	cpu.I8MM:    i8mmKernels(),
}

func neonKernels() *kernels {
	k := &kernels{tier: cpu.NEON, realStage: kernel.Of(realsNEON)}
	k.codes = codeKernels{
		panelLayout: panelLayout{wide: 16, narrow: 16, run: 2, group: 4, ahead: readAhead, starts: true, pairs: true},
		sums:        kernel.Of(sumsOf16),
	}
	k.codes.tiles.wide = twoTiles(4, int8NEONWide4x16, int8NEONWide1x16)
	k.computed = k.codes
	k.codes.tiles.tiles = twoTiles(4, int8NEON4x16, int8NEON1x16)

	k.reals.panelLayout = panelLayout{wide: 16, narrow: 16, run: 1, group: 1, ahead: readAhead / 4}
	k.reals.narrowTiles = newTiles(6, float32NEON6x16, 4, float32NEON4x16, float32NEON1x16)
	k.stages[quant.ONNX], k.stages[quant.Torch] = kernel.Of(wholePanel(scaledNEON)), kernel.Of(wholePanel(scaledNEON))
	k.stages[quant.Fixed] = kernel.Of(wholePanel(fixed(stageFixedNEON)))
	k.stages[quant.FixedDouble] = kernel.Of(wholePanel(fixed(stageFixedDoubleNEON)))
	return k
}

func dotprodKernels() *kernels {
	k := neonKernels()
	k.tier = cpu.DotProd
	k.codes.panelLayout = panelLayout{wide: 16, narrow: 16, run: 4, group: 4, ahead: readAhead, starts: true}
	k.codes.tiles = codeTiles{tiles: newTiles(6, int8DotProd6x16, 4, int8DotProd4x16, int8DotProd1x16)}
	k.computed = k.codes
	return k
}

func i8mmKernels() *kernels {
	k := neonKernels()
	k.tier = cpu.I8MM
	k.codes.panelLayout = panelLayout{wide: 16, narrow: 16, run: 8, group: 8, ahead: readAhead}
	k.codes.tiles = codeTiles{tiles: newTiles(6, unsigned(int8I8MM6x16), 4, unsigned(int8I8MM4x16), unsigned(int8I8MM1x16))}
	k.computed = k.codes
	return k
}
