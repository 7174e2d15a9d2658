//go:build !purego

package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// tables has a table for every tier with kernels of its own. Each begins as the one that the tier is based on.
var tables = kernel.Tables[kernels]{
	cpu.Generic:    genericKernels(),
	cpu.AVX2:       avx2Kernels(),
	cpu.AVXVNNI:    avxvnniKernels(),
	cpu.AVX512VNNI: avx512vnniKernels(),
	cpu.AMX:        amxKernels(),
}

func avx2Kernels() *kernels {
	k := &kernels{tier: cpu.AVX2, subtract: kernel.Of(subtractZerosAVX2), realStage: scaledReals(floatStageAVX2, 8)}
	k.scaledStage, k.scaledStep = kernel.Of(scaledStageAVX2), 8
	k.codes.pack, k.codes.packRuns, k.codes.sums = kernel.Of(packAVX2), kernel.Of(packAVX2Runs), kernel.Of(sumsAVX2)
	k.codes.tiles.taps = newTiles(8, int8AVX2x8x8, 4, int8AVX2x4x8, int8AVX2x1x8)
	k.codes.runsPay = runsPayAVX2
	k.long.sums, k.long.tiles.long = kernel.Of(sumsLong), twoTiles(4, int8LongAVX2x4x16, int8LongAVX2x1x16)
	k.computed.packOperand, k.computed.sums = kernel.Of(packWords), kernel.Of(sumsOfWords)
	k.computed.mul, k.computed.sumOperand, k.computed.anyZero = kernel.Of(mulWords), kernel.Of(sumWords), true
	k.computed.tiles.wordRows, k.computed.tiles.wordColumns = kernel.Of(packWordRowsAVX2), kernel.Of(packWordColumnsAVX2)
	k.computed.tiles.widened, k.computed.tiles.widenRows = kernel.Of(int8WidenedAVX2x6x16), kernel.Of(widenRowsAVX2)

	k.reals.panelLayout = panelLayout{wide: 16, narrow: 16, run: 1, group: 1}
	k.reals.narrowTiles = newTiles(6, float32AVX2x6x16, 4, float32AVX2x4x16, float32AVX2x1x16)
	k.reals.finished = [2]kernel.Func[finishedTile]{kernel.Of(float32FinishedAVX2x6x16), kernel.Of(float32FinishedAVX2x4x16)}
	k.windows.narrow[6], k.windows.narrow[4] = kernel.Of(windowsAVX2x6x16), kernel.Of(windowsAVX2x4x16)
	k.windows.whole = true
	k.stages[quant.ONNX], k.stages[quant.Torch] = kernel.Of(scaledAVX2), scaled(stageAVX2, 8)
	k.stages[quant.Fixed], k.stages[quant.FixedDouble] = fixed(stageFixedAVX2, 8), fixed(stageFixedDoubleAVX2, 8)

	k.codeWindows = codeWindowKernels{depth: leastAVX2Depth, rows: 8, mul: kernel.Of(codeWindowsAVX2), tall: plan, low: plan}
	return k
}

func avxvnniKernels() *kernels {
	k := avx2Kernels()
	k.tier = cpu.AVXVNNI
	k.codes = codeKernels{
		panelLayout: panelLayout{wide: 16, narrow: 16, run: 4, group: 4},
		sums:        kernel.Of(sums256), mulInt32: kernel.Of(mulInt32Of256),
	}
	k.codes.tiles.tiles256 = newTiles(6, int8AVXVNNI6x16, 4, int8AVXVNNI4x16, int8AVXVNNI1x16)
	k.computed, k.long = k.codes, codeKernels{}
	k.codeWindows = codeWindowKernels{
		depth: 4, rows: 6, lineChannels: 16, mul: kernel.Of(codeWindows256), tall: plan, low: plan, lines: plan,
	}
	return k
}

func avx512vnniKernels() *kernels {
	k := &kernels{tier: cpu.AVX512VNNI, subtract: kernel.Of(subtractZerosAVX2), realStage: scaledReals(floatStageAVX512, 1)}
	k.scaledStage, k.scaledStep = kernel.Of(scaledStageAVX512), 1
	k.codes = codeKernels{
		panelLayout: panelLayout{wide: 32, narrow: 16, run: 4, group: 4},
		sums:        kernel.Of(sumsOf512), mulInt32: kernel.Of(mulInt32Of512),
	}
	k.codes.tiles.wide512 = newTiles(8, int8VNNI8x32, 4, int8VNNI4x32, int8VNNI1x32)
	k.codes.tiles.narrow512 = newTiles(16, int8VNNI16x16, 8, int8VNNI8x16, int8VNNI1x16)
	k.computed = k.codes
	t := &k.codes.tiles
	t.wideWindows[8], t.wideWindows[4] = kernel.Of(codeWindows8x32), kernel.Of(codeWindows4x32)
	t.narrowWindows[8], t.narrowWindows[4] = kernel.Of(codeWindows8x16), kernel.Of(codeWindows4x16)
	t.narrowWindows[lineRows] = kernel.Of(codeLines16x16)
	k.codeWindows = codeWindowKernels{
		depth: 4, rows: 8, lineChannels: 16, mul: kernel.Of(codeWindows512), tall: plan, low: plan, lines: plan,
	}

	k.reals.panelLayout = panelLayout{wide: 32, narrow: 16, run: 1, group: 1}
	k.reals.wideTiles = newTiles(8, float32AVX512x8x32, 4, float32AVX512x4x32, float32AVX512x1x32)
	k.reals.narrowTiles = newTiles(16, float32AVX512x16x16, 8, float32AVX512x8x16, float32AVX512x1x16)
	k.windows.wide[8], k.windows.wide[4] = kernel.Of(windowsAVX512x8x32), kernel.Of(windowsAVX512x4x32)
	k.windows.narrow[12], k.windows.narrow[8] = kernel.Of(windowsAVX512x12x16), kernel.Of(windowsAVX512x8x16)
	k.windows.narrow[4] = kernel.Of(windowsAVX512x4x16)
	k.stages[quant.ONNX], k.stages[quant.Torch] = scaled(stageAVX512, 1), scaled(stageAVX512, 1)
	k.stages[quant.Fixed], k.stages[quant.FixedDouble] = fixed(stageFixedAVX512, 1), fixed(stageFixedDoubleAVX512, 1)
	return k
}

// amxKernels: an Operand is multiplied as on AVX-512, since packing for AMX takes longer than it saves.
func amxKernels() *kernels {
	k := avx512vnniKernels()
	k.tier = cpu.AMX
	k.codes = codeKernels{
		pack: kernel.Of(packAMXRows), packRuns: kernel.Of(packAMXRuns),
		sums: kernel.Of(sumsAMX), mul: kernel.Of(mulAMX), mulInt32: kernel.Of(mulInt32AMX), tileRows: amxHigh,
	}
	k.codes.tiles.amx = [2]kernel.Func[func(*amxTask)]{kernel.Of(int8AMX2x32), kernel.Of(int8AMX4x16)}
	k.codes.tiles.amxStage = kernel.Of(int8AMXStage2x32)
	k.codeWindows = codeWindowKernels{} // rows of runs are faster
	return k
}

var plan = kernel.Of(struct{}{})
