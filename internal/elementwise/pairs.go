package elementwise

import (
	"encoding/binary"
	"math"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// pairs are for VPMADDUBSW, which multiplies unsigned bytes by signed ones and adds two products in int16. It would saturate
// where both are far from 0 on one side. There the code of one of the two taps is complemented, and its weight negated:
//
//	w·x = -w·(255 - x) + 255·w
//
// so that one product is at least 0 and the other at most, and every sum is exact. What is constant goes to the bias.
//
// Blocks are of 32 channels, the last of the last 32.
type pairs struct {
	packed
	second   bool // of some pairs the second tap is complemented, which the kernel for nine taps does not do
	channels int  // with those of repeat neighbouring pixels side by side
	repeat   int  // more than 1 where a pixel has fewer channels than a block
}

const (
	pairBlock  = 32
	pairGroup  = 8 * pairBlock // bytes of four taps of a block: which bits are complemented [4][32], weights [32][4]
	pairHeader = 8 * pairBlock // bytes of bias [32] and multipliers [32]
	mostRepeat = 8
)

// newPairs packs the weights, which are bytes. It returns nil where some cannot be packed, or there are too few channels.
func (d *Depthwise) newPairs(taps, channels int) *pairs {
	q := &pairs{packed: newPacked(taps, pairHeader, pairGroup, 4*pairBlock), channels: channels, repeat: 1}
	if channels < pairBlock {
		// As many pixels side by side as leave the fewest channels of a block to be computed twice.
		least := math.Inf(1)
		for n := 1; n <= mostRepeat; n++ {
			blocks := (n*channels + pairBlock - 1) / pairBlock
			if waste := float64(blocks*pairBlock) / float64(n*channels); n*channels >= pairBlock && waste < least {
				q.repeat, least = n, waste
			}
		}
		if q.channels *= q.repeat; q.channels < pairBlock {
			return nil
		}
	}
	count := (q.channels + pairBlock - 1) / pairBlock
	q.blocks = make([]byte, count*q.size)
	for i := range count {
		block := q.blocks[i*q.size:][:q.size]
		first := min(i*pairBlock, q.channels-pairBlock)
		for c := range pairBlock {
			if !q.put(block, c, d, (first+c)%channels, channels) {
				return nil
			}
		}
	}
	return q
}

// put packs channel c of d as channel at of a block, and reports whether that can be.
//
//	bias [32]int32, multipliers [32]float32
//	of each group of four taps: masks [4][32], weights [32][4]
//	of a single tap: weights [32]int32
//
// All but the masks are in the order of the kernel.
func (q *pairs) put(block []byte, at int, d *Depthwise, c, channels int) bool {
	place := at%16/4*8 + at/16*4 + at%4 // unpacking leaves 4 channels of each 128 bits in each of four registers
	bias := d.Bias[c]
	weight := func(t int) int32 {
		if t >= q.taps {
			return 0
		}
		return int32(int16(d.Weight[t*channels+c]))
	}
	for t := 0; t < 4*q.groups; t += 2 {
		w := [2]int32{weight(t), weight(t + 1)}
		bias -= d.Zero * (w[0] + w[1])
		group := block[pairHeader+t/4*pairGroup:][:pairGroup]
		if s := w[0] + w[1]; w[0]^w[1] >= 0 && (s > 128 || s < -128) { // 255·128 fits int16
			which := 0
			if w[0] == math.MinInt8 { // which cannot be negated
				which, q.second = 1, true
			}
			if w[which] == math.MinInt8 {
				return false
			}
			bias += 255 * w[which]
			w[which] = -w[which]
			group[(t%4+which)*pairBlock+at] = 255
		}
		weights := group[4*pairBlock+4*place+t%4:]
		weights[0], weights[1] = byte(w[0]), byte(w[1])
	}
	if q.single {
		w := weight(q.taps - 1)
		bias -= d.Zero * w
		binary.LittleEndian.PutUint32(block[pairHeader+q.groups*pairGroup+4*place:], uint32(uint16(w)))
	}
	binary.LittleEndian.PutUint32(block[4*place:], uint32(bias))
	mult := d.Requant.Multipliers()
	binary.LittleEndian.PutUint32(block[4*pairBlock+4*place:], math.Float32bits(mult[min(c, len(mult)-1)]))
	return true
}

// fits reports whether the windows are for the kernels.
func (q *pairs) fits(w *Windows) bool {
	return w.Pixels >= q.repeat && (q.repeat == 1 || w.Step == w.Channels) && (w.Pixels-1)*w.Step+w.Channels <= len(q.padding)
}

// kernel returns the one for the weights.
func (q *pairs) kernel(tier cpu.Tier) func(p *quadParams) {
	k := kernelsOf(tier)
	if q.taps == 9 && !q.second {
		return k.nine.Get()
	}
	return k.pairs.Get()
}

// codesOfPairs is Codes, and false where it leaves that to others.
func (d *Depthwise) codesOfPairs(dst, src []byte, w *Windows, tier cpu.Tier) bool {
	q := d.pairs
	if !q.fits(w) {
		return false
	}
	var taps tapPlaces
	slots := taps[:q.slots()]
	q.place(slots, src, w)
	pixels := [1]int{w.Pixels}
	if q.repeat > 1 {
		pixels[0] /= q.repeat
	}
	left := w.Pixels - pixels[0]*q.repeat
	p := q.params
	p.dst, p.taps = unsafe.Pointer(&dst[0]), unsafe.Pointer(kernel.NoEscape(&taps))
	p.runs, p.pixels = 1, unsafe.Pointer(kernel.NoEscape(&pixels))
	p.channels, p.step, p.stride = q.channels, q.repeat*w.Step, q.channels
	run := q.kernel(tier)
	run(kernel.NoEscape(&p))
	if left > 0 { // the last pixels, of which some are there already
		pixels[0] = 1
		p.move(w.Pixels-q.repeat, slots, w)
		run(kernel.NoEscape(&p))
	}
	return true
}

// A Line collects windows whose outputs follow each other, so that the edges of a picture take no calls of their own.
// The zero Line is empty.
type Line struct {
	taps   [mostPlaces]unsafe.Pointer
	pixels [mostRuns]int
	runs   int
	dst    []byte // from the outputs of the first on
	n      int    // elements
	step   int
}

const (
	mostRuns   = 8
	mostPlaces = 160 // taps of all runs, which 5 of 5×5 have
)

// Add is Codes, which may wait until Flush.
func (d *Depthwise) Add(l *Line, dst, src []byte, w *Windows, sums []int32, tier cpu.Tier) {
	q := d.pairs
	if q == nil || q.repeat > 1 || !q.fits(w) {
		d.Codes(dst, src, w, sums, tier)
		return
	}
	w.check(len(dst), len(src), 0)
	d.check(w)
	slots := q.slots()
	follows := l.n < len(l.dst) && &l.dst[l.n] == &dst[0] && l.step == w.Step
	if l.runs == mostRuns || (l.runs+1)*slots > mostPlaces || !follows {
		d.Flush(l, tier)
	}
	if l.runs == 0 {
		l.dst, l.step = dst, w.Step
	}
	q.place(l.taps[l.runs*slots:][:slots], src, w)
	l.pixels[l.runs] = w.Pixels
	l.runs++
	l.n += w.Pixels * w.Channels
}

// Reset has nothing wait, whatever a panic left.
func (l *Line) Reset() { l.runs, l.n, l.dst = 0, 0, nil }

// Flush computes what waits.
func (d *Depthwise) Flush(l *Line, tier cpu.Tier) {
	if l.runs == 0 {
		return
	}
	q := d.pairs
	p := q.params
	p.dst, p.taps, p.pixels = unsafe.Pointer(&l.dst[0]), unsafe.Pointer(&l.taps), unsafe.Pointer(&l.pixels)
	p.runs, p.next, p.channels, p.step, p.stride = l.runs, 8*q.slots(), q.channels, l.step, q.channels
	q.kernel(tier)(kernel.NoEscape(&p))
	l.Reset()
}
