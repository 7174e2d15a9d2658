package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stages writes gemm's output stages that multiply in floating point, and that of floats.
//
// Registers:
//
//	DI  dst, of these channels     0  the values     5  p.before
//	SI  acc, of these channels     1  bias           6  p.after
//	R8  ldd     R9  4·width        2  mult           7  0x000000ff
//	R10 bias    R11 mult           3  lo             K1 the channels that exist
//	R12 channels left              4  hi
//	AX,BX at this row              CX rows
func stages(k *kernel) {
	v := k.vs(0, 8)
	k.function("stage"+k.suffix(), "(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)", 0)
	k.params(RDI, R8, RSI, R9, nil, R12, R10, R11, nil, RDX)
	k.SHLQ(n(2), R9)
	k.VBROADCASTSS(field("stageParams_lo", RDX), v[3])
	k.VBROADCASTSS(field("stageParams_hi", RDX), v[4])
	k.VBROADCASTSS(field("stageParams_before", RDX), v[5])
	k.VPBROADCASTD(field("stageParams_after", RDX), v[6])
	k.lowBytes(7)
	k.VBROADCASTSS(at(R11, 0), v[2]) // the one multiplier, or replaced below
	k.panel(func() {
		k.channelMask()
		k.loadInts(at(R10, 0), v[1])
		k.CMPB(k.param("single"), n(0))
		k.JNE(LabelRef("begin"))
		k.load(at(R11, 0), v[2])
		k.Label("begin")
	}, func() {
		k.VPADDD(at(RBX, 0), v[1], v[0])
		k.VCVTDQ2PS(v[0], v[0])
		k.requantize(v[0], v[2], v[5], v[3], v[4], v[6])
		k.storeBytes(0, 7, 8, at(RAX, 0))
	}, pointer{RDI, 1}, pointer{RSI, 4}, pointer{R10, 4}, pointer{R11, 4})

	k.function("floatStage"+k.suffix(), "(dst *float32, ldd int, acc *float32, width, rows, n int, bias *float32, lo, hi float32)", 0)
	k.params(RDI, R8, RSI, R9, nil, R12, R10)
	k.SHLQ(n(2), R8)
	k.SHLQ(n(2), R9)
	k.limits()
	k.panel(func() {
		k.channelMask()
		k.load(at(R10, 0), v[1])
	}, func() {
		k.VADDPS(at(RBX, 0), v[1], v[0])
		k.clamp(v[0], v[3], v[4])
		k.store(v[0], at(RAX, 0))
	}, pointer{RDI, 4}, pointer{RSI, 4}, pointer{R10, 4})

	k.scaledStage()
	if k.lanes == avx2 {
		k.wholeStage()
	}
}

// wholeStage writes the output stage for codes that have the whole range of a byte, of which 32 or 16 channels are done at once:
// packing to words and bytes, which saturates, is their clamp.
//
// Registers: Y0 … Y3 the values, Y4 … Y7 bias, Y8 … Y11 mult, Y14 an order of dwords, Y15 p.after; others as above.
func (k *kernel) wholeStage() {
	v, bias, mult := k.vs(0, 4), k.vs(4, 4), k.vs(8, 4)
	order := k.constants("stageOrder", 0, 4, 1, 5, 2, 6, 3, 7)
	k.function("wholeStageAVX2", "(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, mult *float32, single bool, p *stageParams)", 0)
	k.params(RDI, R8, RSI, R9, nil, R12, R10, R11, nil, RDX)
	k.SHLQ(n(2), R9)
	k.VPBROADCASTW(field("stageParams_after", RDX), Y15)
	k.VMOVDQU(order, Y14)
	for i := range mult {
		k.VBROADCASTSS(at(R11, 0), mult[i]) // the one multiplier, or replaced below
	}

	k.SUBQ(n(32), R12)
	k.JL(LabelRef("half"))
	k.Label("channels") // for R12 = n - 32; R12 >= 0; R12 -= 32
	k.wholeChannels("", v, bias, mult)
	k.SUBQ(n(32), R12)
	k.JGE(LabelRef("channels"))
	k.Label("half") // 16 channels more
	k.CMPQ(R12, n(-16))
	k.JNE(LabelRef("done"))
	k.wholeChannels("half", v[:2], bias, mult)
	k.Label("done")
	k.end()
}

// wholeChannels does a vector of channels for each of v, and goes to the next.
func (k *kernel) wholeChannels(name string, v, bias, mult []Register) {
	begin, row := name+"begin", name+"row"
	for i := range v {
		k.VMOVDQU(at(R10, 32*i), bias[i])
	}
	k.CMPB(k.param("single"), n(0))
	k.JNE(LabelRef(begin))
	for i := range v {
		k.VMOVUPS(at(R11, 32*i), mult[i])
	}
	k.Label(begin)
	k.MOVQ(RDI, RAX)
	k.MOVQ(RSI, RBX)
	k.MOVQ(k.param("rows"), RCX)
	k.Label(row) // for CX = rows; CX > 0; CX--
	for i := range v {
		k.VPADDD(at(RBX, 32*i), bias[i], v[i])
	}
	for i := range v {
		k.VCVTDQ2PS(v[i], v[i])
		k.VMULPS(mult[i], v[i], v[i])
		k.VCVTPS2DQ(v[i], v[i])
	}
	for i := 0; i < len(v); i += 2 {
		k.VPACKSSDW(v[i+1], v[i], v[i])
		k.VPADDSW(Y15, v[i], v[i])
	}
	k.VPACKUSWB(v[len(v)-2], v[0], v[0])
	k.VPERMD(v[0], Y14, v[0])
	if len(v) == 4 {
		k.VMOVDQU(v[0], at(RAX, 0))
	} else {
		k.VMOVDQU(asX(v[0]), at(RAX, 0))
	}
	k.ADDQ(R8, RAX)
	k.ADDQ(R9, RBX)
	k.DECQ(RCX)
	k.JNZ(LabelRef(row))
	for _, p := range []pointer{{RDI, 1}, {RSI, 4}, {R10, 4}, {R11, 4}} {
		k.ADDQ(n(8*len(v)*p.size), p.Register)
	}
}

// scaledStage writes gemm's output stage for scales that are known only when a network runs.
func (k *kernel) scaledStage() {
	v := k.vs(0, 6)
	k.function("scaledStage"+k.suffix(), "(dst *float32, ldd int, acc *int32, width, rows, n int, s *RealStage)", 0)
	k.params(RDI, R8, RSI, R9, nil, R12, RDX)
	k.SHLQ(n(2), R8)
	k.SHLQ(n(2), R9)
	k.VBROADCASTSS(field("RealStage_Lo", RDX), v[3])
	k.VBROADCASTSS(field("RealStage_Hi", RDX), v[4])
	k.MOVQ(field("RealStage_Start", RDX), R10)
	k.MOVQ(field("RealStage_Scale", RDX), R11)
	k.MOVQ(field("RealStage_Bias", RDX), R13)
	k.panel(func() {
		k.channelMask()
		k.loadInts(at(R10, 0), v[1])
		k.load(at(R11, 0), v[2])
		k.load(at(R13, 0), v[5])
	}, func() {
		k.VPADDD(at(RBX, 0), v[1], v[0])
		k.VCVTDQ2PS(v[0], v[0])
		k.VMULPS(v[2], v[0], v[0])
		k.VADDPS(v[5], v[0], v[0])
		k.clamp(v[0], v[3], v[4])
		k.store(v[0], at(RAX, 0))
	}, pointer{RDI, 4}, pointer{RSI, 4}, pointer{R10, 4}, pointer{R11, 4}, pointer{R13, 4})
}

// panel is the loop over channels, a vector at a time, and their rows, and ends the function.
func (k *kernel) panel(channels, row func(), pointers ...pointer) {
	k.Label("channels") // for R12 = n; R12 > 0; R12 -= lanes
	channels()
	k.MOVQ(RDI, RAX)
	k.MOVQ(RSI, RBX)
	k.MOVQ(k.param("rows"), RCX)
	k.Label("row") // for CX = rows; CX > 0; CX--
	row()
	k.ADDQ(R8, RAX)
	k.ADDQ(R9, RBX)
	k.DECQ(RCX)
	k.JNZ(LabelRef("row"))
	for _, p := range pointers {
		k.ADDQ(n(p.size*k.lanes), p.Register)
	}
	k.SUBQ(n(k.lanes), R12)
	k.JG(LabelRef("channels"))
	k.end()
}

// channelMask sets K1 to the first R12 elements of a vector, where there are masks.
func (k *kernel) channelMask() {
	if k.lanes == avx2 {
		return
	}
	k.MOVL(U32(0xffff), EAX)
	k.existing(R12, K1)
}

// fixedStages writes gemm's output stages in fixed point.
//
// Registers:
//
//	DI  dst, of these channels     0  even values, then all   5-10 more of t
//	SI  acc, of these channels     1  odd values              12 t.lo  13 t.hi  14 t.after
//	R8  ldd     R9  4·width        2  bias                    15 0x000000ff, or -1 where there are masks
//	R10 bias    R11 t.m0           3  t.m0, even              K1 the channels that exist
//	R12 channels left              4  t.m0, odd               K2 odd dwords
//	R13 t.round[0], of these       AX,BX at this row          K3 where to round up
//	    channels                   CX rows
func fixedStages(k *kernel) {
	k.stageFixed()
	k.stageFixedDouble()
}

func (k *kernel) beginFixed(name string) {
	k.function(name+k.suffix(), "(dst *byte, ldd int, acc *int32, width, rows, n int, bias *int32, t *fixedTable)", 0)
	k.params(RDI, R8, RSI, R9, nil, R12, R10, R11)
	k.MOVQ(R11, R13)
	k.SHLQ(n(2), R9)
	k.VPBROADCASTD(field("fixedTable_lo", R11), k.v(12))
	k.VPBROADCASTD(field("fixedTable_hi", R11), k.v(13))
	k.VPBROADCASTD(field("fixedTable_after", R11), k.v(14))
	k.lowBytes(15)
	if k.lanes == avx512 {
		k.VPTERNLOGD(n(0xff), Z15, Z15, Z15)
		k.MOVL(U32(0xaaaa), EAX)
		k.KMOVW(EAX, K2)
	}
}

// fixedChannels loads the bias and the multipliers.
func (k *kernel) fixedChannels() {
	if k.lanes == avx512 {
		k.MOVL(U32(16), ECX)
		k.CMPQ(R12, RCX)
		k.CMOVQLT(R12, RCX)
		k.first(EAX, K1)
	}
	k.loadInts(at(R10, 0), k.v(2))
	k.mask = nil
	k.loadInts(field("fixedTable_m0", R11), k.v(3))
	k.VPSRLQ(n(32), k.v(3), k.v(4))
}

// products makes the 64-bit products of the accumulators with their multipliers.
func (k *kernel) products() {
	k.VPADDD(at(RBX, 0), k.v(2), k.v(0))
	k.VPSRLQ(n(32), k.v(0), k.v(1))
	k.VPMULDQ(k.v(3), k.v(0), k.v(0))
	k.VPMULDQ(k.v(4), k.v(1), k.v(1))
}

// together takes the odd dwords of 1 to 0.
func (k *kernel) together() {
	if k.lanes == avx2 {
		k.VPBLENDD(n(0xaa), Y1, Y0, Y0)
	} else {
		k.VMOVDQA32(Z1, K2, Z0)
	}
}

func (k *kernel) storeFixed() {
	k.VPMAXSD(k.v(12), k.v(0), k.v(0))
	k.VPMINSD(k.v(13), k.v(0), k.v(0))
	k.VPADDD(k.v(14), k.v(0), k.v(0))
	if k.lanes == avx512 {
		k.mask = K1
	}
	k.storeBytes(0, 15, 1, at(RAX, 0))
	k.mask = nil
}

// fixedPointers are those that panel moves.
var fixedPointers = []pointer{{RDI, 1}, {RSI, 4}, {R10, 4}, {R11, 4}, {R13, 4}}

// stageFixed is (acc·m0 + round) >> shift.
func (k *kernel) stageFixed() {
	v := k.vs(0, 10)
	load := k.VMOVDQU
	if k.lanes == avx512 {
		load = func(from, to Op) { k.VMOVDQU64(from, to) }
	}
	k.beginFixed("stageFixed")
	k.panel(func() {
		k.fixedChannels()
		load(field("fixedTable_round", R13), v[5])
		load(field("fixedTable_round", R13).Offset(128), v[6])
		load(field("fixedTable_shift", R13), v[7])
		load(field("fixedTable_shift", R13).Offset(128), v[8])
		k.loadInts(field("fixedTable_unbias", R11), v[9])
	}, func() {
		k.products()
		k.VPADDQ(v[5], v[0], v[0])
		k.VPADDQ(v[6], v[1], v[1])
		k.VPSRLVQ(v[7], v[0], v[0]) // in the low dwords
		k.VPSRLVQ(v[8], v[1], v[1])
		k.VPSLLQ(n(32), v[1], v[1])
		k.together()
		k.VPSUBD(v[9], v[0], v[0])
		k.storeFixed()
	}, fixedPointers...)
}

// stageFixedDouble is high >> second, rounded to nearest and ties away from 0, of high = (acc·m0 + 2^30) >> 31.
func (k *kernel) stageFixedDouble() {
	v := k.vs(0, 10)
	half, second, dropped, threshold := v[5], v[6], v[7], v[8]
	k.beginFixed("stageFixedDouble")
	k.MOVQ(U32(1<<30), RAX)
	if k.lanes == avx2 {
		k.VMOVQ(RAX, X5)
		k.VPBROADCASTQ(X5, half)
	} else {
		k.VPBROADCASTQ(RAX, half)
	}
	k.panel(func() {
		k.fixedChannels()
		k.loadInts(field("fixedTable_second", R11), second)
		k.loadInts(field("fixedTable_mask", R11), dropped)
		k.loadInts(field("fixedTable_half", R11), threshold)
	}, func() {
		k.products()
		k.VPADDQ(half, v[0], v[0])
		k.VPADDQ(half, v[1], v[1])
		k.VPSRLQ(n(31), v[0], v[0]) // in the low dwords
		k.VPADDQ(v[1], v[1], v[1])  // in the high dwords
		k.together()
		k.VPSRAD(n(31), v[0], v[1])
		k.VPSUBD(v[1], threshold, v[1]) // threshold = half, + 1 if high < 0
		if k.lanes == avx2 {
			k.VPAND(dropped, v[0], Y10)
			k.VPCMPGTD(v[1], Y10, Y10)
			k.VPSRAVD(second, v[0], v[0])
			k.VPSUBD(Y10, v[0], v[0])
		} else {
			k.VPANDD(dropped, v[0], v[9])
			k.VPCMPGTD(v[1], v[9], K3)
			k.VPSRAVD(second, v[0], v[0])
			k.VPSUBD(Z15, v[0], K3, v[0])
		}
		k.storeFixed()
	}, fixedPointers...)
}
