//go:build !purego

package gemm

import (
	"math"

	"linquant/internal/kernel"
	"linquant/quant"
)

// amxStageTask is what the kernel with an output stage reads, which knows where the fields are, and changes.
type amxStageTask struct {
	amxTask           // acc is one of two tiles
	otherAcc *int32   // and this the other
	dst      *byte    // at the first panel's first channel
	dstStep  int      // from a tile to the next
	bias     *int32   // of the first panel
	mult     *float32 // one for each channel
	biasStep int      // from a tile to the next, in bytes
	multStep int
	outs     *int32 // [rows] where each begins in dst; negative for those that are dropped
	outsStep int    // from a tile to the next, in bytes
	rows     int    // of a tile
	perStep  int    // rows of codes that are made in a step
	params   stageParams
	mask     uint32 // a bit for each channel that exists
	accApart int    // rows of acc from the first of a register to the first of the next
}

// int8AMXStage2x32 computes the sums of each tile as int8AMX2x32 does, and stores what stageAVX512 makes of them:
//
//	for i := range tiles {
//		for r := range rows {
//			if out := outs[i*outsStep/4+r]; out >= 0 {
//				dst[i*dstStep+out:] = stage(sums of row r of tile i, bias[i*biasStep/4:], mult[i*multStep/4:])
//			}
//		}
//	}
//
//go:noescape
func int8AMXStage2x32(t *amxStageTask)

// amxStageCode returns where the machine code of int8AMXStage2x32 is, so that a test can read the encodings.
func amxStageCode() *byte

// amxRowsAtMost bounds a block of rows with an output stage.
const amxRowsAtMost = 1024

// amxCodes is an output stage for the kernel.
type amxCodes struct {
	*output
	params stageParams
	mult   []float32
	single [amxWidth]float32 // what mult is where there is one multiplier
	outs   [amxRowsAtMost]int32
}

// inKernel reports whether the kernel has the output stage.
func (o *output) inKernel() bool {
	return o.stage != nil && len(o.codes) <= math.MaxInt32 &&
		(o.stage.Requant.Convention == quant.ONNX || o.stage.Requant.Convention == quant.Torch)
}

func (c *amxCodes) begin() {
	c.params = newStageParams(c.stage.Requant, c.stage.Flip)
	if c.mult = c.stage.Requant.Multipliers(); len(c.mult) == 1 {
		for i := range c.single {
			c.single[i] = c.mult[0]
		}
	}
}

// amxRowTiles is tiles of rows of which some may lie elsewhere.
type amxRowTiles struct {
	tiles    int
	rows     int // of a tile
	high     int // rows of a register
	apart    int // rows of a from the first of a register to the first of the next
	accApart int // the same of the sums
	step     int // rows of a from a tile to the next
}

// rowTiles returns tiles of so many rows, one after the other.
func rowTiles(tiles, rows int) amxRowTiles {
	apart := rows / 2
	return amxRowTiles{tiles, rows, rows - apart, apart, apart, rows}
}

// mulCodes is mul with the output stage in the kernel.
func (p *amxPanels) mulCodes(k *kernels, o *output, a []byte, lda, m int) {
	var room [2*amxTile + amxBytes/4]int32
	acc := aligned(kernel.NoEscape(&room)[:])
	c := amxCodes{output: o}
	c.begin()
	if o.pitch != 0 && o.width%amxRows == 0 && (p.n+amxChannels-1)/amxWidth*amxWidth >= p.n {
		p.mulLines(k, &c, acc, a, lda, (m+o.pitch-o.width)/o.pitch)
		return
	}
	block := min(p.block(lda), amxRowsAtMost)
	for i := 0; i < m; i += block {
		a, rows := a[i*lda:], min(block, m-i)
		c.place(i, rows)
		whole := rows / amxHigh * amxHigh
		j := 0
		if whole > 0 {
			j = p.mulTiles(k, &c, acc, a, lda, c.outs[:], rowTiles(whole/amxHigh, amxHigh))
		}
		if whole < rows {
			j = p.mulTiles(k, &c, acc, a[whole*lda:], lda, c.outs[whole:], rowTiles(1, rows-whole))
		}
		if j < p.n {
			p.mulDown(k, o, acc, a, lda, i, rows, j)
		}
	}
}

// place finds where rows from the first on are stored.
func (c *amxCodes) place(first, rows int) {
	outs := c.outs[:rows]
	if c.pitch == 0 {
		for r := range outs {
			outs[r] = int32((first + r) * c.ldd)
		}
		return
	}
	y, x := first/c.pitch, first%c.pitch
	for r := range outs {
		outs[r] = -1
		if x < c.width {
			outs[r] = int32((y*c.width + x) * c.ldd)
		}
		if x++; x == c.pitch {
			y, x = y+1, 0
		}
	}
}

// mulLines is mulCodes for lines that are whole registers: tiles are 32 rows of a line, or 16 of each of two lines,
// and no row is computed to be dropped.
func (p *amxPanels) mulLines(k *kernels, c *amxCodes, acc []int32, a []byte, lda, lines int) {
	const most = amxRowsAtMost / amxHigh
	for x := 0; x < c.width; x += amxHigh {
		for y := 0; y < lines; {
			n := min(lines-y, most)
			t := amxRowTiles{n, amxHigh, amxRows, amxRows, amxRows, c.pitch}
			if c.width-x == amxRows {
				if n /= 2; n > 0 {
					t, n = amxRowTiles{n, amxHigh, amxRows, c.pitch, amxRows, 2 * c.pitch}, 2*n
				} else {
					t, n = rowTiles(1, amxRows), 1
				}
			}
			columns := min(amxHigh, c.width-x)
			for i := range n * columns {
				c.outs[i] = int32(((y+i/columns)*c.width + x + i%columns) * c.ldd)
			}
			p.mulTiles(k, c, acc, a[(y*c.pitch+x)*lda:], lda, c.outs[:], t)
			y += n
		}
	}
}

// mulTiles stores the codes of all panels of 32 channels, and returns the channel after them.
func (p *amxPanels) mulTiles(k *kernels, c *amxCodes, acc []int32, a []byte, lda int, outs []int32, t amxRowTiles) (j int) {
	panels, full := (p.n+amxChannels-1)/amxWidth, p.n/amxWidth
	if p.acrossPays(t.tiles*amxHigh, panels) && full > 0 {
		one := t
		one.tiles = 1
		for i := range t.tiles {
			p.codes32(k, c, acc, a[i*t.step*lda:], lda, outs[i*t.rows:], one, 0, full)
		}
		j = full * amxWidth
	}
	for ; j < panels*amxWidth; j += amxWidth {
		p.codes32(k, c, acc, a, lda, outs, t, j, 1)
	}
	return j
}

// codes32 stores the codes of tiles of rows, or of one tile and panels of 32 channels from the one at channel j on.
func (p *amxPanels) codes32(
	k *kernels, c *amxCodes, acc []int32, a []byte, lda int, outs []int32, rows amxRowTiles, j, panels int,
) {
	t := amxStageTask{amxTask: p.task(lda, amxWidth, j), params: c.params, mask: math.MaxUint32}
	t.config.fill(amxWidth, rows.high, p.depth)
	t.acc, t.otherAcc, t.a, t.tiles = &acc[0], &acc[amxTile], &a[0], rows.tiles*panels
	t.apart, t.accApart, t.rows = rows.apart, rows.accApart, rows.rows
	t.perStep = (t.rows + t.steps - 1) / t.steps
	t.dst, t.bias, t.outs = &c.codes[j], &c.stage.Bias[j], &outs[0]
	t.mult = &c.single[0]
	if len(c.mult) > 1 {
		t.mult = &c.mult[j]
	}
	if n := p.n - j; n < amxWidth {
		t.mask = 1<<n - 1
	}
	if panels > 1 {
		t.wStep, t.dstStep, t.biasStep = p.offset(amxWidth), amxWidth, 4*amxWidth
		if len(c.mult) > 1 {
			t.multStep = 4 * amxWidth
		}
	} else {
		t.aStep, t.outsStep = rows.step*lda, 4*rows.rows
	}
	k.codes.tiles.amxStage.Get()(kernel.NoEscape(&t))
}
