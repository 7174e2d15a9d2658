package gemm

import (
	"encoding/binary"
	"math"
)

// codePlan is an Int8Windows that is being made.
type codePlan struct {
	*Int8Windows
	channels int
	in       func(i, t int) int
	out      func(i int) int
	known    map[string]*codePattern
	biases   map[string]int
}

// add appends the tile of some output rows.
func (p *codePlan) add(rows []int) {
	for len(rows) < maxTileRows { // rows too many are the first again
		rows = append(rows[:len(rows):len(rows)], rows[0])
	}
	first, firstOut := p.origins(rows)
	pattern, absent := &codePattern{height: p.heightOf(rows)}, make([]bool, p.Int8Windows.taps)
	for k, i := range rows {
		pattern.outs[k] = int32(p.out(i) - firstOut)
	}
	for t := range absent {
		tap := codeTap{weight: 16 * t * p.depth, depth: p.depth}
		absent[t] = true
		for k, i := range rows {
			tap.rows[k] = -1
			if at := p.in(i, t); at >= 0 {
				tap.rows[k], absent[t] = int32(at-first), false
			}
		}
		if !absent[t] {
			pattern.append(tap)
		}
	}
	p.finish(pattern, absent, first, firstOut)
}

// origins returns the least offsets that rows see and have.
func (p *codePlan) origins(rows []int) (in, out int) {
	in, out = math.MaxInt, math.MaxInt
	for _, i := range rows {
		out, p.lastOut = min(out, p.out(i)), max(p.lastOut, p.out(i))
		for t := range p.Int8Windows.taps {
			if at := p.in(i, t); at >= 0 {
				in, p.lastIn = min(in, at), max(p.lastIn, at)
			}
		}
	}
	if in == math.MaxInt { // all is padding
		in = 0
	}
	if p.lastIn-in > math.MaxInt32 || p.lastOut-out > math.MaxInt32 {
		panic("gemm: the rows of windows lie more than 2 GiB apart")
	}
	return in, out
}

// finish appends a tile with that pattern, or with the one like it.
func (p *codePlan) finish(pattern *codePattern, absent []bool, in, out int) {
	pattern.bias = 4 * p.channels * p.bias(absent)
	if pattern.count = len(pattern.taps); pattern.count > 0 {
		pattern.first = &pattern.taps[0]
	}
	key := pattern.key()
	if known := p.known[key]; known != nil {
		pattern = known
	}
	p.known[key] = pattern
	p.tiles = append(p.tiles, codeTile{pattern, in, out})
}

// key is the same for patterns that are.
func (c *codePattern) key() string {
	key := binary.LittleEndian.AppendUint64(nil, uint64(c.height)<<32+uint64(c.bias))
	list := func(offsets [maxTileRows]int32) {
		for _, v := range offsets {
			key = binary.LittleEndian.AppendUint32(key, uint32(v))
		}
	}
	list(c.outs)
	for i := range c.taps {
		key = binary.LittleEndian.AppendUint64(key, uint64(c.taps[i].weight))
		key = binary.LittleEndian.AppendUint64(key, uint64(c.taps[i].depth))
		list(c.taps[i].rows)
	}
	return string(key)
}

// bias returns the number of the bias where those taps are left out.
func (p *codePlan) bias(absent []bool) int {
	bits := make([]byte, len(absent))
	for t, missing := range absent {
		if missing {
			bits[t] = 1
		}
	}
	key := string(bits)
	i, ok := p.biases[key]
	if !ok {
		i = len(p.absent)
		p.biases[key] = i
		p.absent = append(p.absent, absent)
	}
	return i
}

// append adds a tap: to the one before it, where all rows go on there.
func (c *codePattern) append(tap codeTap) {
	if n := len(c.taps); n > 0 {
		last := &c.taps[n-1]
		if last.weight+16*last.depth == tap.weight && follow(last.rows[:], tap.rows[:], int64(last.depth)) {
			last.depth += tap.depth
			return
		}
	}
	c.taps = append(c.taps, tap)
}

// heightOf returns the height of the kernel for rows, the last of which may be copies of the first.
func (p *codePlan) heightOf(rows []int) int {
	k := &p.kernels.codeWindows
	for _, i := range rows[4:] {
		if i != rows[0] {
			k.tall.Get()
			return k.rows
		}
	}
	k.low.Get()
	return 4
}
