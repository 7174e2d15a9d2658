package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise writes elementwise's depthwise convolutions of codes and of floats.
//
// Registers:
//
//	DI dst     AX c of this pixel   R8  channels      R12 len(taps)   0 the sums     4,5 lo, hi
//	SI src     CX t                 R9  pixels left   R14 weights     1 a tap        6,7 before, after
//	BX p       DX src at c          R10 step          R15 weight at c 2 its weights  8   mult
//	R13 …                           R11 taps                          3 zero         15  0x000000ff
//
// Four vectors at once have their sums in 0, 9, 10, 11 and their taps in 1, 2, 12, 13.
func depthwise(k *kernel) {
	k.depthwiseCodes()
	k.depthwiseReals()
}

func (k *kernel) beginDepthwise(structure string) {
	k.params(RDI, RSI, RBX)
	for _, f := range []struct {
		name string
		r    Register
	}{{"channels", R8}, {"pixels", R9}, {"step", R10}, {"taps", R11}, {"count", R12}, {"weights", R14}} {
		k.MOVQ(field(structure+"_"+f.name, RBX), f.r)
	}
	k.VBROADCASTSS(field(structure+"_lo", RBX), k.v(4))
	k.VBROADCASTSS(field(structure+"_hi", RBX), k.v(5))
}

// jumpWithin jumps as long as so many vectors of channels are left from c on, and jumpBeyond where they are not.
func (k *kernel) jumpWithin(label string, vectors int) {
	k.LEAQ(at(R8, -vectors*k.lanes), R13)
	k.CMPQ(RAX, R13)
	k.JLE(LabelRef(label))
}

func (k *kernel) jumpBeyond(label string, vectors int) {
	k.LEAQ(at(R8, -vectors*k.lanes), R13)
	k.CMPQ(RAX, R13)
	k.JGT(LabelRef(label))
}

// channels does vectors from c on, the last under a mask on AVX-512, goes to the next pixel, and ends the function.
func (k *kernel) channels(structure string, size uint8, vector func(prefix string)) {
	k.Label("whole")
	vector("")
	k.ADDQ(n(k.lanes), RAX)
	if k.lanes == avx2 {
		k.CMPQ(RAX, R8)
		k.JLT(LabelRef("whole"))
	} else {
		k.jumpWithin("whole", 1)
		k.Label("rest")
		k.MOVQ(R8, RCX)
		k.SUBQ(RAX, RCX)
		k.JLE(LabelRef("next"))
		k.first(R13L, K1)
		vector("masked")
		k.mask = nil
	}
	k.Label("next")
	k.MOVQ(field(structure+"_stride", RBX), R13)
	k.LEAQ(at(RDI, 0).Idx(R13, size), RDI)
	k.LEAQ(at(RSI, 0).Idx(R10, size), RSI)
	k.DECQ(R9)
	k.JNZ(LabelRef("pixel"))
	k.end()
}

// pointers makes DX point at the channels of src and R15 at their weights.
func (k *kernel) pointers(structure string, size uint8) {
	k.LEAQ(at(RSI, 0).Idx(RAX, size), RDX)
	k.MOVQ(field(structure+"_weight", RBX), R15)
	k.LEAQ(at(R15, 0).Idx(RAX, 4), R15)
}

// taps is for t := range taps: load reads pixels at DX + R13, multiply their weights at R15 + R13.
func (k *kernel) taps(label string, load, multiply func()) {
	k.XORQ(RCX, RCX)
	k.Label(label)
	k.MOVQ(at(R11, 0).Idx(RCX, 8), R13)
	load()
	k.MOVQ(at(R14, 0).Idx(RCX, 8), R13)
	multiply()
	k.INCQ(RCX)
	k.CMPQ(RCX, R12)
	k.JLT(LabelRef(label))
}

func (k *kernel) depthwiseCodes() {
	k.function("depthwiseCodes"+k.suffix(), "(dst *byte, src *byte, p *codeParams)", 0)
	k.beginDepthwise("codeParams")
	k.VPBROADCASTD(field("codeParams_zero", RBX), k.v(3))
	k.VBROADCASTSS(field("codeParams_before", RBX), k.v(6))
	k.VPBROADCASTD(field("codeParams_after", RBX), k.v(7))
	k.MOVQ(field("codeParams_mult", RBX), R13)
	k.VBROADCASTSS(at(R13, 0), k.v(8)) // the one multiplier, or replaced below
	k.lowBytes(15)

	k.Label("pixel") // for R9 = pixels; R9 > 0; R9--
	k.XORQ(RAX, RAX)
	k.jumpBeyond("few", 4)
	k.fourVectors()

	k.Label("few")
	if k.lanes == avx2 {
		k.CMPQ(RAX, R8)
		k.JGE(LabelRef("next"))
	} else {
		k.jumpBeyond("rest", 1)
	}
	sum, tap := k.v(0), k.v(1)
	k.channels("codeParams", 1, func(prefix string) {
		k.pointers("codeParams", 1)
		k.MOVQ(field("codeParams_bias", RBX), R13)
		k.loadInts(at(R13, 0).Idx(RAX, 4), sum)
		k.taps(prefix+"tap", func() {
			k.widen(at(RDX, 0).Idx(R13, 1), tap)
			k.VPSUBD(k.v(3), tap, tap)
		}, func() {
			k.VPMADDWD(k.ints(at(R15, 0).Idx(R13, 4), k.v(2)), tap, tap)
			k.VPADDD(tap, sum, sum)
		})
		k.VCVTDQ2PS(sum, sum)
		k.MOVQ(field("codeParams_mult", RBX), R13)
		k.CMPB(field("codeParams_single", RBX), n(0))
		k.JNE(LabelRef(prefix + "single"))
		k.load(at(R13, 0).Idx(RAX, 4), k.v(8))
		k.Label(prefix + "single")
		k.requantize(sum, k.v(8), k.v(6), k.v(4), k.v(5), k.v(7))
		k.storeBytes(0, 15, 1, at(RDI, 0).Idx(RAX, 1))
	})
}

// fourVectors does as many vectors as there are by fours.
func (k *kernel) fourVectors() {
	numbers := []int{0, 9, 10, 11}
	sums := []Register{k.v(0), k.v(9), k.v(10), k.v(11)}
	taps := []Register{k.v(1), k.v(2), k.v(12), k.v(13)}
	each := func(do func(i int)) {
		for i := range sums {
			do(i)
		}
	}
	k.Label("four") // for c = 0; c <= channels - 4 vectors; c += 4 vectors
	k.pointers("codeParams", 1)
	k.MOVQ(field("codeParams_bias", RBX), R13)
	each(func(i int) { k.loadInts(at(R13, 4*k.lanes*i).Idx(RAX, 4), sums[i]) })
	k.taps("fourTap", func() {
		each(func(i int) { k.VPMOVZXBD(at(RDX, k.lanes*i).Idx(R13, 1), taps[i]) })
	}, func() {
		each(func(i int) { k.VPSUBD(k.v(3), taps[i], taps[i]) })
		each(func(i int) { k.VPMADDWD(at(R15, 4*k.lanes*i).Idx(R13, 4), taps[i], taps[i]) })
		each(func(i int) { k.VPADDD(taps[i], sums[i], sums[i]) })
	})
	k.MOVQ(field("codeParams_mult", RBX), R13)
	k.CMPB(field("codeParams_single", RBX), n(0))
	k.JNE(LabelRef("fourSingle"))
	each(func(i int) { k.VCVTDQ2PS(sums[i], sums[i]) })
	each(func(i int) { k.VMULPS(at(R13, 4*k.lanes*i).Idx(RAX, 4), sums[i], sums[i]) })
	k.JMP(LabelRef("fourStage"))

	k.Label("fourSingle")
	each(func(i int) { k.VCVTDQ2PS(sums[i], sums[i]) })
	each(func(i int) { k.VMULPS(k.v(8), sums[i], sums[i]) })

	k.Label("fourStage")
	each(func(i int) { k.VADDPS(k.v(6), sums[i], sums[i]) })
	each(func(i int) { k.VMAXPS(k.v(4), sums[i], sums[i]) })
	each(func(i int) { k.VMINPS(k.v(5), sums[i], sums[i]) })
	each(func(i int) { k.VCVTPS2DQ(sums[i], sums[i]) })
	each(func(i int) { k.VPADDD(k.v(7), sums[i], sums[i]) })
	each(func(i int) {
		to := at(RDI, k.lanes*i).Idx(RAX, 1)
		if k.lanes == avx2 {
			k.storeBytes(numbers[i], 15, 1, to)
		} else {
			k.VPMOVDB(sums[i], to)
		}
	})
	k.ADDQ(n(4*k.lanes), RAX)
	k.jumpWithin("four", 4)
}

func (k *kernel) depthwiseReals() {
	sum, tap := k.v(0), k.v(1)
	k.function("depthwiseReals"+k.suffix(), "(dst *float32, src *float32, p *realParams)", 0)
	k.beginDepthwise("realParams")
	k.Label("pixel") // for R9 = pixels; R9 > 0; R9--
	k.XORQ(RAX, RAX)
	if k.lanes == avx512 {
		k.jumpBeyond("rest", 1)
	}
	k.channels("realParams", 4, func(prefix string) {
		k.pointers("realParams", 4)
		k.VXORPS(sum, sum, sum)
		k.taps(prefix+"tap", func() { k.load(at(RDX, 0).Idx(R13, 4), tap) }, func() {
			if k.mask == nil {
				k.VMULPS(at(R15, 0).Idx(R13, 4), tap, tap)
			} else {
				k.VMULPS_Z(at(R15, 0).Idx(R13, 4), tap, k.mask, tap)
			}
			k.VADDPS(tap, sum, sum)
		})
		k.MOVQ(field("realParams_bias", RBX), R13)
		k.TESTQ(R13, R13)
		k.JZ(LabelRef(prefix + "clamp"))
		k.load(at(R13, 0).Idx(RAX, 4), tap)
		k.VADDPS(tap, sum, sum)
		k.Label(prefix + "clamp")
		k.clamp(sum, k.v(4), k.v(5))
		k.store(sum, at(RDI, 0).Idx(RAX, 4))
	})
}
