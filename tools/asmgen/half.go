package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// half writes tensor's conversions from both formats of 16 bits to float32, for whole vectors.
//
// Registers:
//
//	DI  dst    SI  src    CX  elements left    0  the values
func half(k *kernel) {
	v := k.v(0)
	k.halves("widenFloat16", func() {
		k.VCVTPH2PS(at(RSI, 0), v)
		k.VMOVUPS(v, at(RDI, 0))
	})
	k.halves("widenBFloat16", func() {
		k.VPMOVZXWD(at(RSI, 0), v)
		k.VPSLLD(n(16), v, v) // src[i..] << 16
		k.VMOVUPS(v, at(RDI, 0))
	})
}

// halves is for CX = n; CX > 0; CX -= lanes.
func (k *kernel) halves(name string, vector func()) {
	k.function(name+k.suffix(), "(dst *float32, src *byte, n int)", 0)
	k.params(RDI, RSI, RCX)
	k.Label("loop")
	vector()
	k.ADDQ(n(k.lanes*2), RSI)
	k.ADDQ(n(k.lanes*4), RDI)
	k.SUBQ(n(k.lanes), RCX)
	k.JG(LabelRef("loop"))
	k.end()
}
