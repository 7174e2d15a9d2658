package gemm

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Where both operands of a product are computed, as in attention, one of them is packed each time. That has to be
// quick, and must not allocate: it goes into memory of the caller's.

// An Operand is where a matrix [N, K] that is to be packed lies: element [j, k] at j·StepN + k·StepK.
type Operand struct {
	N, K, StepN, StepK int

	// Zero is what is subtracted from stored codes as they are packed: 128, or on tiers that take it any (AnyZero).
	Zero byte
}

// AnyZero reports whether the tier packs codes less any zero point.
func AnyZero(tier cpu.Tier) bool { return kernelsOf(tier).computed.anyZero }

func (o *Operand) check(src int) {
	last := src - 1
	fits := o.N > 0 && o.K > 0 && o.StepN >= 0 && o.StepK >= 0 && last >= 0
	if fits && o.N > 1 {
		fits = o.StepN <= last/(o.N-1)
	}
	if fits && o.K > 1 {
		fits = o.StepK <= (last-(o.N-1)*o.StepN)/(o.K-1)
	}
	if !fits {
		panic(fmt.Sprintf("gemm: an operand %+v does not fit a slice of %d", *o, src))
	}
}

const cacheLine = 64

// CodesRoom is how many bytes PackCodes needs.
func (o *Operand) CodesRoom() int {
	n, k := (o.N+31)/32*32, (o.K+7)/8*8
	return n*(2*k+4) + 2*cacheLine // of words on AVX2; with sums, on some processors
}

// RealsRoom is how many floats PackReals needs.
func (o *Operand) RealsRoom() int { return (o.N+31)/32*32*o.K + cacheLine }

// PackCodes packs w[j,k] = src[j·StepN+k·StepK] − Zero, of the stored codes, into room, which the result refers to. It fills sums[j] with
// Σ_k w[j,k], unless sums is nil.
func (o *Operand) PackCodes(room, src []byte, sums []int32, tier cpu.Tier) Int8 {
	o.check(len(src))
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(room))) % cacheLine)
	room = room[skip:][:o.CodesRoom()-cacheLine]
	w := Int8{N: o.N, K: o.K, kernels: kernelsOf(tier)}
	w.own = &w.computed
	if o.Zero != 128 && !w.own.anyZero {
		panic(fmt.Sprintf("gemm: codes less %d on %v, which takes 128", o.Zero, tier))
	}
	w.panels = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(room))), len(room))
	l := &w.own.panelLayout
	switch {
	case w.own.packOperand.Has():
		w.own.packOperand.Get()(w.own, kernel.NoEscape(o), room, src)
	case l.run == 4:
		for first := 0; first < o.N; first += l.width(first, o.N) {
			o.fours(room[l.offset(first, o.K):], src, first, l.width(first, o.N))
		}
	default:
		o.place(room, src, l)
	}
	switch {
	case sums == nil:
	case w.own.sumOperand.Has():
		w.own.sumOperand.Get()(w.own, kernel.NoEscape(o), sums[:o.N], room)
	default:
		o.sum(sums[:o.N], src)
	}
	w.overflow = l.pairs // to look for sums that are too large would take too long
	if !l.starts {
		return w
	}
	w.starts = unsafe.Slice((*int32)(unsafe.Pointer(&room[l.size(o.N, o.K)+l.ahead])), l.channels(o.N))
	clear(w.starts)
	o.sum(w.starts[:o.N], src)
	for j := range w.starts {
		w.starts[j] *= 128
	}
	return w
}

// place packs codes less 128 into panels.
func (o *Operand) place(panels, src []byte, l *panelLayout) {
	clear(panels[:l.size(o.N, o.K)])
	for first := 0; first < o.N; {
		panel, width := panels[l.offset(first, o.K):], l.width(first, o.N)
		for k := range o.K {
			to, at := panel[k/l.run*l.run*width+k%l.run:], first*o.StepN+k*o.StepK
			for c := range min(width, o.N-first) {
				to[c*l.run] = src[at] ^ 0x80
				at += o.StepN
			}
		}
		first += width
	}
}

// sum fills sums[j] = Σ_k w[j,k].
func (o *Operand) sum(sums []int32, src []byte) {
	if o.StepK == 1 {
		for j := range sums {
			sums[j] = byteSum(src[j*o.StepN:][:o.K]) - 128*int32(o.K)
		}
		return
	}
	for j := range sums {
		sums[j] = -128 * int32(o.K)
	}
	for k := range o.K {
		at := k * o.StepK
		if o.StepN == 1 {
			for j, u := range src[at:][:len(sums)] {
				sums[j] += int32(u)
			}
			continue
		}
		for j := range sums {
			sums[j] += int32(src[at])
			at += o.StepN
		}
	}
}

// fours fills panel with steps of 4 k of channels first ≤ j < first+width: [⌈K/4⌉][width][4] codes less 128, what is
// missing 0.
func (o *Operand) fours(panel, src []byte, first, width int) {
	n, whole := min(width, o.N-first), o.K/4
	if n < width {
		clear(panel[:(o.K+3)/4*4*width])
	}
	src = src[first*o.StepN:]
	switch {
	case o.StepK == 1:
		for j := range n {
			row := src[j*o.StepN:][:o.K]
			to := panel[4*j:]
			for x := range whole {
				binary.LittleEndian.PutUint32(to[x*4*width:], binary.LittleEndian.Uint32(row[4*x:])^0x80808080)
			}
		}
	case o.StepN == 1:
		for x := range whole {
			at := 4 * x * o.StepK
			a, b, c, d := src[at:][:n], src[at+o.StepK:][:n], src[at+2*o.StepK:][:n], src[at+3*o.StepK:][:n]
			to := panel[x*4*width:][:4*n]
			for j := range a {
				v := uint32(a[j]) | uint32(b[j])<<8 | uint32(c[j])<<16 | uint32(d[j])<<24
				binary.LittleEndian.PutUint32(to[4*j:][:4], v^0x80808080)
			}
		}
	default:
		for j := range n {
			for k := range 4 * whole {
				panel[k/4*4*width+4*j+k%4] = src[j*o.StepN+k*o.StepK] ^ 0x80
			}
		}
	}
	if o.K%4 == 0 {
		return
	}
	rest := panel[whole*4*width:][:4*width]
	clear(rest)
	for j := range n {
		for k := 4 * whole; k < o.K; k++ {
			rest[4*j+k%4] = src[j*o.StepN+k*o.StepK] ^ 0x80
		}
	}
}

// PackReals packs src[j·StepN+k·StepK] into room, which the result refers to.
func (o *Operand) PackReals(room, src []float32, tier cpu.Tier) Float32 {
	o.check(len(src))
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(room)))%cacheLine) / 4
	room = room[skip:][:o.RealsRoom()-cacheLine]
	w := Float32{N: o.N, K: o.K, kernels: kernelsOf(tier), panels: room}
	l := &w.kernels.reals.panelLayout
	for first := 0; first < o.N; first += l.width(first, o.N) {
		o.reals(room[l.offset(first, o.K):], src, first, l.width(first, o.N))
	}
	return w
}

// reals fills panel [K][width] with channels first ≤ j < first+width, what is missing 0.
func (o *Operand) reals(panel, src []float32, first, width int) {
	n := min(width, o.N-first)
	if n < width {
		clear(panel[:o.K*width])
	}
	src = src[first*o.StepN:]
	if o.StepN == 1 {
		for k := range o.K {
			copy(panel[k*width:][:n], src[k*o.StepK:])
		}
		return
	}
	for j := range n {
		at := j * o.StepN
		for k := range o.K {
			panel[k*width+j] = src[at]
			at += o.StepK
		}
	}
}
