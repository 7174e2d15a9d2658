package elementwise

import (
	"linquant/internal/cpu"
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
	if !hasQuads(tier) || taps > mostTaps || r.Convention != quant.ONNX && r.Convention != quant.Torch {
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
