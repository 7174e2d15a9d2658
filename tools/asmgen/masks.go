package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The two tiers have one source where they differ only in what they do with the end of a row: AVX-512 leaves elements
// that do not exist out by a mask, AVX2 has whole vectors alone, or never sees the others.

// existing sets mask to the first elements of a vector, of as many as are left. AX is all of them.
func (k *kernel) existing(left, mask Register) {
	k.CMPQ(left, n(avx512))
	k.JGE(LabelRef("whole"))
	if left != RCX {
		k.MOVQ(left, RCX)
	}
	k.MOVL(U32(1), EAX)
	k.SHLL(CL, EAX)
	k.DECL(EAX) // 1<<CX - 1
	k.Label("whole")
	k.KMOVW(EAX, mask)
	k.mask = mask
}

// vectors is for CX = n; CX > 0; CX -= lanes, and the end of the function. AVX2 does not begin a vector that is not whole.
func (k *kernel) vectors(body func()) {
	if k.lanes == avx2 {
		k.SUBQ(n(avx2), RCX)
		k.JL(LabelRef("done"))
	} else {
		k.MOVL(U32(0xffff), EAX)
	}
	k.Label("vector")
	if k.lanes == avx512 {
		k.existing(RCX, K5)
	}
	body()
	k.next()
	k.Label("done")
	k.end()
}

// rest does as many vectors as are left after steps of block elements, of which CX is short.
func (k *kernel) rest(block int, prepare, body func()) {
	k.Label("rest")
	if k.lanes == avx2 {
		k.ADDQ(n(block-avx2), RCX)
		k.JL(LabelRef("done"))
	} else {
		k.ADDQ(n(block), RCX)
		k.JE(LabelRef("done"))
		prepare()
	}
	k.Label("vector")
	if k.lanes == avx512 {
		k.MOVL(U32(0xffff), EAX)
		k.existing(RCX, K5)
	}
	body()
	k.next()
	k.Label("done")
}

func (k *kernel) next() {
	k.SUBQ(n(k.lanes), RCX)
	if k.lanes == avx2 {
		k.JGE(LabelRef("vector"))
	} else {
		k.JG(LabelRef("vector"))
	}
}

// elements is for CX = n; CX >= lanes; CX -= lanes, with pointers that move by as many elements of so many bytes, and on
// AVX-512 then once more for what is left. It ends the function.
func (k *kernel) elements(mask Register, body func(), pointers ...pointer) {
	k.SUBQ(n(k.lanes), RCX)
	k.JLT(LabelRef("rest"))
	k.Label("whole")
	body()
	for _, p := range pointers {
		k.ADDQ(n(p.size*k.lanes), p.Register)
	}
	k.SUBQ(n(k.lanes), RCX)
	k.JGE(LabelRef("whole"))
	k.Label("rest")
	if k.lanes == avx512 {
		k.ADDQ(n(avx512), RCX)
		k.JLE(LabelRef("done"))
		k.first(EAX, mask)
		body()
		k.Label("done")
	}
	k.end()
}

// A pointer is a register that points at elements of size bytes.
type pointer struct {
	Register
	size int
}

// first sets mask to the first CX elements of a vector.
func (k *kernel) first(scratch, mask Register) {
	k.MOVL(U32(1), scratch)
	k.SHLL(CL, scratch)
	k.DECL(scratch) // 1<<CX - 1
	k.KMOVW(scratch, mask)
	k.mask = mask
}

// load, loadInts and store move those elements of a vector that exist.
func (k *kernel) load(from Op, v Register) {
	if k.mask == nil {
		k.VMOVUPS(from, v)
	} else {
		k.VMOVUPS_Z(from, k.mask, v)
	}
}

func (k *kernel) loadInts(from Op, v Register) {
	switch {
	case k.mask != nil:
		k.VMOVDQU32_Z(from, k.mask, v)
	case k.lanes == avx512:
		k.VMOVDQU32(from, v)
	default:
		k.VMOVDQU(from, v)
	}
}

func (k *kernel) store(v Register, to Op) {
	if k.mask == nil {
		k.VMOVUPS(v, to)
	} else {
		k.VMOVUPS(v, k.mask, to)
	}
}

// floats and ints are what an instruction can read: memory, or scratch where some elements of it do not exist.
func (k *kernel) floats(from Mem, scratch Register) Op {
	if k.mask == nil {
		return from
	}
	k.load(from, scratch)
	return scratch
}

func (k *kernel) ints(from Mem, scratch Register) Op {
	if k.mask == nil {
		return from
	}
	k.loadInts(from, scratch)
	return scratch
}

// widen loads bytes that exist, one a dword.
func (k *kernel) widen(from Mem, v Register) {
	if k.mask == nil {
		k.VPMOVZXBD(from, v)
	} else {
		k.VPMOVZXBD_Z(from, k.mask, v)
	}
}

// merging are operands of an instruction that leaves elements of its result as they are where none exist.
func (k *kernel) merging(a, b, to Op) []Op {
	if k.mask == nil {
		return []Op{a, b, to}
	}
	return []Op{a, b, k.mask, to}
}
