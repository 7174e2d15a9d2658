package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pooling writes elementwise's greatest and mean elements of windows, channel by channel.
//
// Registers:
//
//	DI dst         R8  channels      R11 taps    AX c of this pixel   0  the result
//	SI src         R9  pixels left   R12 count   CX t                 1  a tap
//	BX last whole  R10 step          DX src at c R13 taps[t]          2  n
func pooling(k *kernel) {
	v, tap := k.v(0), k.v(1)
	const maxCodes = "(dst, src *byte, channels, pixels, step int, taps *int, count int"
	k.pool("maxCodes", maxCodes, 1, 4*k.lanes, func(prefix string) {
		k.maxTaps(prefix, 1, k.loadBytes, func(tapAt Mem) {
			if k.mask == nil {
				k.VPMAXUB(tapAt, v, v)
			} else {
				k.loadBytes(tapAt, tap)
				k.VPMAXUB(tap, v, v)
			}
		})
		k.bytesOut(v, at(RDI, 0).Idx(RAX, 1))
	})
	if k.lanes == avx2 { // fewer channels than a register has bytes
		k.pool("maxCodes16", maxCodes, 1, 16, func(prefix string) {
			k.maxTaps(prefix, 1, func(from Op, v Register) { k.VMOVDQU(from, x(0)) }, func(tapAt Mem) {
				k.VPMAXUB(tapAt, x(0), x(0))
			})
			k.VMOVDQU(x(0), at(RDI, 0).Idx(RAX, 1))
		})
		k.pool("maxCodes8", maxCodes, 1, 8, func(prefix string) {
			k.maxTaps(prefix, 1, func(from Op, v Register) { k.VMOVQ(from, x(0)) }, func(tapAt Mem) {
				k.VMOVQ(tapAt, x(1))
				k.VPMAXUB(x(1), x(0), x(0))
			})
			k.VMOVQ(x(0), at(RDI, 0).Idx(RAX, 1))
		})
	}
	k.pool("maxReals", "(dst, src *float32, channels, pixels, step int, taps *int, count int", 4, k.lanes, func(prefix string) {
		k.maxTaps(prefix, 4, k.load, func(tapAt Mem) {
			k.load(tapAt, tap)
			k.VMAXPS(v, tap, v) // where that is greater
		})
		k.store(v, at(RDI, 0).Idx(RAX, 4))
	})
	k.pool("meanReals", "(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32", 4, k.lanes, func(prefix string) {
		k.LEAQ(at(RSI, 0).Idx(RAX, 4), RDX)
		k.VXORPS(v, v, v)
		k.XORQ(RCX, RCX)
		k.Label(prefix + "tap")
		k.MOVQ(at(R11, 0).Idx(RCX, 8), R13)
		k.VADDPS(k.floats(at(RDX, 0).Idx(R13, 4), tap), v, v)
		k.INCQ(RCX)
		k.CMPQ(RCX, R12)
		k.JLT(LabelRef(prefix + "tap"))
		k.VDIVPS(k.v(2), v, v)
		k.store(v, at(RDI, 0).Idx(RAX, 4))
	})
}

// loadBytes and bytesOut are load and store for bytes.
func (k *kernel) loadBytes(from Op, v Register) {
	switch {
	case k.mask != nil:
		k.VMOVDQU8_Z(from, k.mask, v)
	case k.lanes == avx512:
		k.VMOVDQU8(from, v)
	default:
		k.VMOVDQU(from, v)
	}
}

func (k *kernel) bytesOut(v Register, to Op) {
	switch {
	case k.mask != nil:
		k.VMOVDQU8(v, k.mask, to)
	case k.lanes == avx512:
		k.VMOVDQU8(v, to)
	default:
		k.VMOVDQU(v, to)
	}
}

// pool is the loop over pixels and their channels, of size bytes each: window does step of them. On AVX2 pixels of dst
// are stride apart, and channels a multiple of step.
func (k *kernel) pool(name, signature string, size, step int, window func(prefix string)) {
	if k.lanes == avx2 {
		signature += ", stride int"
	}
	scale := uint8(size)
	k.function(name+k.suffix(), signature+")", 0)
	k.params(RDI, RSI, R8, R9, R10, R11, R12)
	if name == "meanReals" {
		k.VBROADCASTSS(k.param("n"), k.v(2))
	}
	k.MOVQ(R8, RBX)
	k.SUBQ(n(step), RBX)

	k.Label("pixel") // for R9 = pixels; R9 > 0; R9--
	k.XORQ(RAX, RAX)
	k.CMPQ(RAX, RBX)
	k.JGT(LabelRef("rest"))

	k.Label("whole") // for c = 0; c <= channels - step; c += step
	window("")
	k.ADDQ(n(step), RAX)
	k.CMPQ(RAX, RBX)
	k.JLE(LabelRef("whole"))

	k.Label("rest")
	dstStep := Register(R8)
	if k.lanes == avx2 {
		dstStep = R13
		k.MOVQ(k.param("stride"), R13)
	} else {
		k.CMPQ(RAX, R8)
		k.JGE(LabelRef("next"))
		k.MOVQ(R8, RCX)
		k.SUBQ(RAX, RCX)
		if size == 1 {
			k.MOVQ(I32(-1), R13)
			k.BZHIQ(RCX, R13, R13)
			k.KMOVQ(R13, K1)
			k.mask = K1
		} else {
			k.first(R13L, K1)
		}
		window("masked")
		k.mask = nil
		k.Label("next")
	}
	k.LEAQ(at(RDI, 0).Idx(dstStep, scale), RDI)
	k.LEAQ(at(RSI, 0).Idx(R10, scale), RSI)
	k.DECQ(R9)
	k.JNZ(LabelRef("pixel"))
	k.end()
}

// maxTaps loads the first tap and does the others.
func (k *kernel) maxTaps(prefix string, size uint8, load func(Op, Register), each func(tapAt Mem)) {
	k.LEAQ(at(RSI, 0).Idx(RAX, size), RDX)
	k.MOVQ(at(R11, 0), R13)
	load(at(RDX, 0).Idx(R13, size), k.v(0))
	k.MOVQ(U32(1), RCX)
	k.JMP(LabelRef(prefix + "test"))
	k.Label(prefix + "tap")
	k.MOVQ(at(R11, 0).Idx(RCX, 8), R13)
	each(at(RDX, 0).Idx(R13, size))
	k.INCQ(RCX)
	k.Label(prefix + "test")
	k.CMPQ(RCX, R12)
	k.JLT(LabelRef(prefix + "tap"))
}
