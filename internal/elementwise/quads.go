package elementwise

import (
	"encoding/binary"
	"math"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// packed are weights of a depthwise product for a kernel that takes four taps of a channel at once. The zero point of the
// input is folded into the bias: taps in the padding are of a line of zero points.
type packed struct {
	taps, groups int
	single       bool       // the last tap is alone
	size         int        // bytes of a block of channels
	blocks       []byte     // of channels
	padding      []byte     // zero points
	params       quadParams // what does not depend on the windows
}

// newPacked returns the frame for so many taps, of which a block takes so many bytes besides header and groups.
func newPacked(taps, header, group, single int) packed {
	q := packed{taps: taps, groups: (taps + 3) / 4}
	if taps%4 == 1 {
		q.single = true
		q.groups--
		header += single
	}
	q.size = header + q.groups*group
	return q
}

// tapPlaces are where taps are, four for each group and one for a single one.
type tapPlaces [mostTaps + 3]unsafe.Pointer

// slots returns how many taps a window has, some of them there for the number's sake.
func (q *packed) slots() int {
	if q.single {
		return 4*q.groups + 1
	}
	return 4 * q.groups
}

// place fills slots with where the taps of the first window are.
func (q *packed) place(slots []unsafe.Pointer, src []byte, w *Windows) {
	for i := range slots {
		slots[i] = unsafe.Pointer(&q.padding[0])
	}
	slot, first := 0, 0 // whose weights begin there; they come in their order, and no division is needed
	for t, at := range w.Taps {
		if w.Weights[t] < first {
			slot, first = 0, 0
		}
		for ; first < w.Weights[t]; first += w.Channels {
			slot++
		}
		slots[slot] = unsafe.Pointer(&src[at])
	}
}

// finish puts in what Pack knows: the zero points of a line, and the output stage.
func (q *packed) finish(padding []byte, r *quant.Requantizer, flip byte) {
	q.padding = padding
	q.params = quadParams{
		block: unsafe.Pointer(&q.blocks[0]), groups: q.groups, size: q.size,
		after: int16(flip), lo: byte(r.Lo + int32(flip)), hi: byte(r.Hi + int32(flip)),
	}
	if q.single {
		q.params.single = 1
	}
	if r.Convention == quant.Torch { // which adds its zero point before it rounds
		q.params.before = float32(r.ZeroPoint)
	} else {
		q.params.after += int16(r.ZeroPoint)
	}
}

// move has p and the taps begin so many pixels later.
func (p *quadParams) move(pixels int, slots []unsafe.Pointer, w *Windows) {
	for i := range slots {
		slots[i] = unsafe.Add(slots[i], pixels*w.Step)
	}
	p.dst = unsafe.Add(p.dst, pixels*w.Channels)
}

// quads have four taps of a channel side by side, for instructions that multiply and add four bytes at once. Their blocks,
// [⌈channels/64⌉], are bias [64], multipliers [64], weights [groups][64][4], in the kernel's order.
type quads struct{ packed }

const quadBlock = 64

// newQuads packs the weights.
func (d *Depthwise) newQuads(taps, channels int) *quads {
	q := &quads{newPacked(taps, 8*quadBlock, 4*quadBlock, 4*quadBlock)}
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

// quadParams are what the kernels of packed weights need.
type quadParams struct {
	dst, block, taps unsafe.Pointer
	channels, pairs  int // pairs of pixels, or
	runs, next       int // how many runs of pixels, and the bytes from the taps of one to those of the next
	pixels           unsafe.Pointer
	step, stride     int // between neighbours, in the input and in the output
	groups, size     int
	single, second   int // 1 if the last tap is alone, and if second taps of pairs are complemented
	before           float32
	after            int16
	lo, hi           byte
}

// codesOfQuads is Codes, and false where it leaves that to others.
func (d *Depthwise) codesOfQuads(dst, src []byte, w *Windows, tier cpu.Tier) bool {
	q := d.quads
	if (w.Pixels-1)*w.Step+w.Channels > len(q.padding) {
		return false
	}
	run := kernelsOf(tier).quads.Get()
	var taps tapPlaces
	slots := taps[:q.slots()]
	q.place(slots, src, w)
	p := q.params
	p.dst, p.taps = unsafe.Pointer(&dst[0]), unsafe.Pointer(kernel.NoEscape(&taps))
	p.channels, p.pairs, p.step, p.stride = w.Channels, w.Pixels/2, w.Step, w.Channels
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
		p.move(w.Pixels-2, slots, w)
	}
	run(kernel.NoEscape(&p))
	return true
}
