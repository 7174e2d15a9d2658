package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gather writes elementwise's copying of windows: of each pixel so many lines. On AVX2 a line has at least the bytes of a
// vector, 32 or 8, and its last vector begins where it ends with the line.
//
// Registers:
//
//	DI dst of this pixel   R8  p.Length      AX at this line of dst   CX lines left
//	SI src of this pixel   R9  pixels left   DX at this line of src   R13 bytes of the line copied
//	BX p                   R10 p.DstLine     R11 p.SrcLine            R12 where the last vector begins
//	0  a vector            K1  the bytes of the last one
func gather(k *kernel) {
	if k.lanes == avx512 {
		k.gather("gatherAVX512", 64, Z0)
		return
	}
	k.gather("gatherAVX2x32", 32, Y0)
	k.gather("gatherAVX2x8", 8, X0)
}

func (k *kernel) gather(name string, size int, v Register) {
	masked := k.lanes == avx512
	load, store := k.loadBytes, k.bytesOut
	if size == 8 {
		load, store = func(m Op, v Register) { k.VMOVQ(m, v) }, func(v Register, m Op) { k.VMOVQ(v, m) }
	}
	k.function(name, "(dst, src *byte, p *Gather)", 0)
	k.params(RDI, RSI, RBX)
	if masked {
		k.MOVQ(field("Gather_Length", RBX), R8)
	} else {
		k.MOVQ(field("Gather_Length", RBX), R12)
		k.SUBQ(n(size), R12)
	}
	k.MOVQ(field("Gather_Pixels", RBX), R9)
	k.MOVQ(field("Gather_DstLine", RBX), R10)
	k.MOVQ(field("Gather_SrcLine", RBX), R11)
	if masked {
		k.MOVQ(R8, RCX)
		k.DECQ(RCX)
		k.ANDQ(n(63), RCX)
		k.INCQ(RCX) // 1 to 64 bytes are left for the last vector
		k.MOVQ(R8, R12)
		k.SUBQ(RCX, R12)
		k.MOVQ(I32(-1), R13)
		k.BZHIQ(RCX, R13, R13)
		k.KMOVQ(R13, K1)
	}
	k.inBoth("pixel", "line", "Gather_Lines", func() {
		k.XORQ(R13, R13)
		if masked {
			k.TESTQ(R12, R12)
			k.JZ(LabelRef("last"))
		} else {
			k.CMPQ(R13, R12)
			k.JGE(LabelRef("last"))
		}
		k.Label("whole") // for R13 = 0; R13 < R12; R13 += size
		load(at(RDX, 0).Idx(R13, 1), v)
		store(v, at(RAX, 0).Idx(R13, 1))
		k.ADDQ(n(size), R13)
		k.CMPQ(R13, R12)
		k.JLT(LabelRef("whole"))
		k.Label("last")
		last := Register(R12)
		if masked {
			last, k.mask = R13, K1
		}
		load(at(RDX, 0).Idx(last, 1), v)
		store(v, at(RAX, 0).Idx(last, 1))
		k.mask = nil
		k.ADDQ(R10, RAX)
		k.ADDQ(R11, RDX)
	}, "Gather_DstStep", "Gather_SrcStep")
}

// inBoth is a loop over R9 with another inside, over CX of as many as count says, and ends the function.
func (k *kernel) inBoth(outer, inner, count string, body func(), dstStep, srcStep string) {
	k.Label(outer)
	k.MOVQ(field(count, RBX), RCX)
	k.MOVQ(RDI, RAX)
	k.MOVQ(RSI, RDX)
	k.Label(inner)
	body()
	k.DECQ(RCX)
	k.JNZ(LabelRef(inner))
	k.ADDQ(field(dstStep, RBX), RDI)
	k.ADDQ(field(srcStep, RBX), RSI)
	k.DECQ(R9)
	k.JNZ(LabelRef(outer))
	k.end()
}

// gatherTwo writes that for lines of one vector to two, which are the first and the last bytes of the line.
//
// Registers:
//
//	DI dst of this line   R8  p.DstStep   AX at this pixel of dst   CX pixels left
//	SI src of this line   R9  lines left  DX at this pixel of src   0,1 the line's first and last bytes
//	BX p                  R10 p.SrcStep   R12 p.Length less a vector
func gatherTwo(k *kernel) {
	for _, f := range []struct {
		size  int
		v     [2]Register
		lanes int
	}{{16, [2]Register{X0, X1}, avx2}, {32, [2]Register{Y0, Y1}, avx2}, {64, [2]Register{Z0, Z1}, avx512}} {
		k.function(fmt.Sprint("gatherTwo", f.size), "(dst, src *byte, p *Gather)", 0)
		k.params(RDI, RSI, RBX)
		k.MOVQ(field("Gather_Length", RBX), R12)
		k.SUBQ(n(f.size), R12)
		k.MOVQ(field("Gather_Lines", RBX), R9)
		k.MOVQ(field("Gather_DstStep", RBX), R8)
		k.MOVQ(field("Gather_SrcStep", RBX), R10)
		move := k.VMOVDQU
		if f.lanes == avx512 {
			move = func(a, b Op) { k.VMOVDQU64(a, b) }
		}
		k.inBoth("line", "pixel", "Gather_Pixels", func() {
			move(at(RDX, 0), f.v[0])
			move(at(RDX, 0).Idx(R12, 1), f.v[1])
			move(f.v[0], at(RAX, 0))
			move(f.v[1], at(RAX, 0).Idx(R12, 1))
			k.ADDQ(R8, RAX)
			k.ADDQ(R10, RDX)
		}, "Gather_DstLine", "Gather_SrcLine")
	}
}
