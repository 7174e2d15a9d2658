package elementwise

import (
	"encoding/binary"
	"math"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// quads are the weights of a depthwise product with four taps of a channel side by side, for instructions that multiply
// and add four bytes at once. The zero point of the input is folded into the bias: taps in the padding are of a line of
// zero points.
type quads struct {
	taps, groups int
	single       bool   // the last tap is alone
	size         int    // bytes of a block of 64 channels
	blocks       []byte // [⌈channels/64⌉]: bias [64], multipliers [64], weights [groups][64][4], in the kernel's order
	padding      []byte // zero points
}

const (
	quadBlock = 64
	mostTaps  = 64
)

// Pack lays out the weights, of so many taps one after the other, for a faster kernel, if the tier has one for them.
// What it depends on must not change afterwards. A run of windows takes up to span elements of a line.
func (d *Depthwise) Pack(taps, channels, span int, tier cpu.Tier) {
	r := d.Requant
	if !kernelsOf(tier).quads.Has() || taps > mostTaps || r.Convention != quant.ONNX && r.Convention != quant.Torch {
		return
	}
	for _, m := range r.Multipliers() {
		if !(m <= 0.5) { // so that every product of an int32 fits an int32
			return
		}
	}
	for _, w := range d.Weight {
		if v := int16(w); v != int16(int8(v)) {
			return
		}
	}
	d.quads = d.newQuads(taps, channels)
	d.quads.padding = make([]byte, span)
	for i := range d.quads.padding {
		d.quads.padding[i] = byte(d.Zero)
	}
}

// newQuads packs the weights.
func (d *Depthwise) newQuads(taps, channels int) *quads {
	q := &quads{taps: taps, groups: (taps + 3) / 4}
	if taps%4 == 1 {
		q.single = true
		q.groups--
	}
	slots := (taps + 3) / 4 * 4
	q.size = 8*quadBlock + quadBlock*slots
	q.blocks = make([]byte, (channels+quadBlock-1)/quadBlock*q.size)
	mult := d.Requant.Multipliers()
	for c := range channels {
		block, at := q.blocks[c/quadBlock*q.size:][:q.size], quadPlace(c%quadBlock)
		bias := d.Bias[c]
		for t := range taps {
			w := int16(d.Weight[t*channels+c])
			block[8*quadBlock+t/4*4*quadBlock+4*at+t%4] = byte(w)
			bias -= d.Zero * int32(w)
		}
		binary.LittleEndian.PutUint32(block[4*at:], uint32(bias))
		binary.LittleEndian.PutUint32(block[4*quadBlock+4*at:], math.Float32bits(mult[min(c, len(mult)-1)]))
	}
	return q
}

// quadPlace returns where the kernel has channel c of a block: 16 by 16 in four registers, of each 128 bits of which it
// is in the first, the second, …
func quadPlace(c int) int { return c%16/4*16 + c/16*4 + c%4 }

// quadParams are what depthwiseQuadsAVX512 needs.
type quadParams struct {
	dst, block, taps unsafe.Pointer
	channels, pairs  int
	step, stride     int // between neighbours, in the input and in the output
	groups, size     int
	single           int
	before           float32
	after            int16
	lo, hi           byte
}

// codesOfQuads is Codes, and false where it leaves that to others.
func (d *Depthwise) codesOfQuads(dst, src []byte, w *Windows, tier cpu.Tier) bool {
	q := d.quads
	if q == nil || (w.Pixels-1)*w.Step+w.Channels > len(q.padding) {
		return false
	}
	run := kernelsOf(tier).quads.Get()
	var taps [mostTaps + 3]unsafe.Pointer
	slots := taps[:4*q.groups]
	if q.single {
		slots = taps[:4*q.groups+1]
	}
	for i := range slots {
		slots[i] = unsafe.Pointer(&q.padding[0])
	}
	for t, at := range w.Taps {
		slots[w.Weights[t]/w.Channels] = unsafe.Pointer(&src[at])
	}
	r := d.Requant
	p := quadParams{
		dst: unsafe.Pointer(&dst[0]), block: unsafe.Pointer(&q.blocks[0]), taps: unsafe.Pointer(kernel.NoEscape(&taps[0])),
		channels: w.Channels, pairs: w.Pixels / 2, step: w.Step, stride: w.Channels, groups: q.groups, size: q.size,
		after: int16(d.Flip), lo: byte(r.Lo + int32(d.Flip)), hi: byte(r.Hi + int32(d.Flip)),
	}
	if q.single {
		p.single = 1
	}
	if r.Convention == quant.Torch { // which adds its zero point before it rounds
		p.before = float32(r.ZeroPoint)
	} else {
		p.after += int16(r.ZeroPoint)
	}
	if p.pairs > 0 {
		run(kernel.NoEscape(&p))
	}
	if w.Pixels%2 == 0 {
		return true
	}
	p.pairs = 1
	if w.Pixels == 1 { // twice the same pixel
		p.step, p.stride = 0, 0
	} else { // the last two, of which one is there already
		first := w.Pixels - 2
		for i := range slots {
			slots[i] = unsafe.Add(slots[i], first*w.Step)
		}
		p.dst = unsafe.Pointer(&dst[first*w.Channels])
	}
	run(kernel.NoEscape(&p))
	return true
}
