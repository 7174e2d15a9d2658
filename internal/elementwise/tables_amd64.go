//go:build !purego

package elementwise

import (
	"math"
	"unsafe"

	xcpu "golang.org/x/sys/cpu"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// tables has a table for every tier that has vectors of its own. Those of tiers that have the same are copies, so that
// each is counted for itself.
var tables = kernel.Tables[kernels]{
	cpu.Generic:    {},
	cpu.AVX2:       kernels256(),
	cpu.AVXVNNI:    kernels256(),
	cpu.AVX512VNNI: kernels512(),
	cpu.AMX:        kernels512(),
}

func kernels256() *kernels {
	k := &kernels{
		reals: 8,

		addCodes: kernel.Of(addCodesAVX2), mulCodes: kernel.Of(mulCodesAVX2),
		sums: kernel.Of(add256), sums256: kernel.Of(sumCodesAVX2),
		quantize: kernel.Of(quantizeAVX2),
		addReals: kernel.Of(addRealsAVX2), mulReals: kernel.Of(mulRealsAVX2), clampReals: kernel.Of(clampRealsAVX2),
		subReals: kernel.Of(subRealsAVX2), divReals: kernel.Of(divRealsAVX2),
		maxCodes: [3]codesKernel{{32, kernel.Of(maxCodesAVX2)}, {16, kernel.Of(maxCodes16AVX2)}, {8, kernel.Of(maxCodes8AVX2)}},
		maxReals: kernel.Of(maxRealsAVX2), meanReals: kernel.Of(meanRealsAVX2),
		depthwiseCodes: kernel.Of(depthwiseCodesAVX2), depthwiseReals: kernel.Of(depthwiseRealsAVX2),
		pairs: kernel.Of(depthwisePairsAVX2), nine: kernel.Of(depthwiseNineAVX2),
		gather: [4]gatherKernel{
			{32, 64, kernel.Of(gatherTwo32)},
			{16, 32, kernel.Of(gatherTwo16)},
			{64, math.MaxInt, kernel.Of(gatherAVX2x32)},
			{8, 16, kernel.Of(gatherAVX2x8)},
		},
	}
	k.waitForMemory()
	return k
}

// waitForMemory puts in the kernels that have 256 bits on every tier.
func (k *kernels) waitForMemory() {
	k.extremes, k.centred = kernel.Of(extremesAVX2), kernel.Of(centredAVX2)
	k.dequantize = kernel.Of(dequantizeAVX2)
	k.colours, k.mulRows = kernel.Of(coloursAVX2), kernel.Of(mulRowsAVX2)
	k.scaled, k.gate = kernel.Of(scaledAVX2), kernel.Of(gateRealsAVX2)
	k.functions = [...]kernel.Func[func(dst, src *float32, n int, alpha float32, c *constants)]{
		Exp: kernel.Of(expRealsAVX2), Sigmoid: kernel.Of(sigmoidRealsAVX2), Swish: kernel.Of(swishRealsAVX2),
		Tanh: kernel.Of(tanhRealsAVX2), Erf: kernel.Of(erfRealsAVX2), Gelu: kernel.Of(geluRealsAVX2),
		GeluTanh: kernel.Of(geluTanhRealsAVX2),
	}
	k.most, k.expSum, k.narrow = kernel.Of(mostAVX2), kernel.Of(expSumAVX2), kernel.Of(narrowAVX2)
	k.depthwiseSums = kernel.Of(depthwiseSumsAVX2)
	k.lookup = lookupKernel{16, kernel.Of(lookupAVX2)}
	k.sum, k.squares, k.scale = kernel.Of(sumAVX2), kernel.Of(squaresAVX2), kernel.Of(scaleAVX2)
	k.transposeCodes = transposer[byte]{8, 16, kernel.Of(transposeCodesAVX2), 16, kernel.Of(interleaveCodesAVX2)}
	k.transposeReals = transposer[float32]{8, 8, kernel.Of(transposeRealsAVX2), 4, kernel.Of(interleaveRealsAVX2)}
}

func kernels512() *kernels {
	k := &kernels{
		reals: 1,

		addCodes: kernel.Of(addCodesAVX512), mulCodes: kernel.Of(mulCodesAVX512),
		sums: kernel.Of(add512), sums512: kernel.Of(sumCodesAVX512),
		quantize: kernel.Of(quantizeAVX512),
		addReals: kernel.Of(addRealsAVX512), mulReals: kernel.Of(mulRealsAVX512), clampReals: kernel.Of(clampRealsAVX512),
		subReals: kernel.Of(subRealsAVX512), divReals: kernel.Of(divRealsAVX512),
		maxCodes: [3]codesKernel{{1, unstrided(maxCodesAVX512)}}, maxReals: unstrided(maxRealsAVX512),
		meanReals: kernel.Of(func(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32, _ int) {
			meanRealsAVX512(dst, src, channels, pixels, step, taps, count, n)
		}),
		depthwiseCodes: kernel.Of(depthwiseCodesAVX512), depthwiseReals: kernel.Of(depthwiseRealsAVX512),
		quads: kernel.Of(depthwiseQuadsAVX512),
		gather: [4]gatherKernel{
			{64, 128, kernel.Of(gatherTwo64)},
			{32, 64, kernel.Of(gatherTwo32)},
			{16, 32, kernel.Of(gatherTwo16)},
			{1, math.MaxInt, kernel.Of(gatherAVX512)},
		},
	}
	k.waitForMemory()
	if xcpu.X86.HasAVX512VBMI { // which Cascade Lake and Cooper Lake lack
		k.lookup = lookupKernel{1, kernel.Of(lookupRowsVBMI)}
	}
	return k
}

// unstrided adapts the kernels that take all channels, so that these are the stride.
func unstrided[T any](run func(dst, src *T, channels, pixels, step int, taps *int, count int)) kernel.Func[maxKernel[T]] {
	return kernel.Of(func(dst, src *T, channels, pixels, step int, taps *int, count, _ int) {
		run(dst, src, channels, pixels, step, taps, count)
	})
}

// lookupRowsVBMI is lookupVBMI for rows.
func lookupRowsVBMI(dst, src *byte, rows, n, dstStep, srcStep int, table *[256]byte) {
	if dstStep == n && srcStep == n {
		rows, n = 1, rows*n
	}
	for i := range rows {
		lookupVBMI((*byte)(unsafe.Add(unsafe.Pointer(dst), i*dstStep)), (*byte)(unsafe.Add(unsafe.Pointer(src), i*srcStep)), n, table)
	}
}
