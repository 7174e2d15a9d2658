//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// What palette 1 offers, the only one there is.
const (
	tileCount = 8
	tileRows  = 16
	rowBytes  = 64
)

// tiles is the state of AMX in one thread.
type tiles struct {
	config [64]byte // as LDTILECFG read it; all 0 where tiles are not configured
	rows   [tileCount]int
	colsb  [tileCount]int // bytes of a row
	data   [tileCount][tileRows][rowBytes]byte
}

// registers are those of the thread that addresses are made of.
type registers interface {
	general(number int) uint64
	// following is the address of the next instruction.
	following() uint64
}

// span is memory of the program: the bytes at an address.
type span struct {
	at    uint64
	bytes []byte
}

type memory interface {
	read(spans []span) error
	write(spans []span) error
}

// do carries an instruction out. An error is what the processor would raise a fault for; nothing has changed then.
func (t *tiles) do(in *instruction, regs registers, mem memory) error {
	if in.op != loadConfig && in.op != storeConfig && in.op != release && t.config[0] == 0 {
		return errors.New("tiles are not configured")
	}
	switch in.op {
	case loadConfig:
		var config [64]byte
		if err := mem.read([]span{{in.start(regs), config[:]}}); err != nil {
			return err
		}
		return t.configure(config)
	case storeConfig:
		return mem.write([]span{{in.start(regs), t.config[:]}})
	case release:
		*t = tiles{}
		return nil
	case zero:
		if t.rows[in.dst] == 0 {
			return fmt.Errorf("tile %d is not configured", in.dst)
		}
		t.data[in.dst] = [tileRows][rowBytes]byte{}
		return nil
	case load:
		spans, err := t.spans(in, regs)
		if err != nil {
			return err
		}
		before := t.data[in.dst]
		t.data[in.dst] = [tileRows][rowBytes]byte{}
		if err := mem.read(spans); err != nil {
			t.data[in.dst] = before
			return err
		}
		return nil
	case store:
		spans, err := t.spans(in, regs)
		if err != nil {
			return err
		}
		return mem.write(spans)
	default:
		return t.dot(in)
	}
}

// start returns the address of an operand: for tiles, of its first row.
func (in *instruction) start(regs registers) uint64 {
	at := uint64(in.disp)
	switch in.base {
	case none:
	case next:
		at += regs.following()
	default:
		at += regs.general(in.base)
	}
	// For a tile the index is no part of the address but the distance of its rows.
	if in.index != none && (in.op == loadConfig || in.op == storeConfig) {
		at += regs.general(in.index) << in.shift
	}
	return at
}

// spans returns where the rows of a tile in memory are. Without an index they are all at the same address.
func (t *tiles) spans(in *instruction, regs registers) ([]span, error) {
	if t.rows[in.dst] == 0 {
		return nil, fmt.Errorf("tile %d is not configured", in.dst)
	}
	at, stride := in.start(regs), uint64(0)
	if in.index != none {
		stride = regs.general(in.index) << in.shift
	}
	spans := make([]span, t.rows[in.dst])
	for i := range spans {
		spans[i] = span{at + uint64(i)*stride, t.data[in.dst][i][:t.colsb[in.dst]]}
	}
	return spans, nil
}

// configure is LDTILECFG: byte 0 is the palette, byte 1 the row to go on from after a fault, 16 to 31 the bytes of a
// row of each tile, 48 to 55 the rows; what is not used must be 0. All tiles become 0.
func (t *tiles) configure(config [64]byte) error {
	if config[0] == 0 { // palette 0 is no tiles
		*t = tiles{}
		return nil
	}
	if config[0] != 1 {
		return fmt.Errorf("palette %d is neither 0 nor 1", config[0])
	}
	if config[1] != 0 {
		return fmt.Errorf("row %d to go on from: nothing was interrupted", config[1])
	}
	for i, v := range config {
		if v != 0 && (i > 1 && i < 16 || i >= 32 && i < 48 || i >= 56) {
			return fmt.Errorf("reserved byte %d of the configuration is %d", i, v)
		}
	}
	fresh := tiles{config: config}
	for i := range tileCount {
		rows, colsb := int(config[48+i]), int(binary.LittleEndian.Uint16(config[16+2*i:]))
		if rows > tileRows || colsb > rowBytes || (rows == 0) != (colsb == 0) {
			return fmt.Errorf("tile %d of %d rows of %d bytes", i, rows, colsb)
		}
		fresh.rows[i], fresh.colsb[i] = rows, colsb
	}
	*t = fresh
	return nil
}

// dot is TDPBSSD, TDPBSUD, TDPBUSD and TDPBUUD.
func (t *tiles) dot(in *instruction) error {
	c, a, b := in.dst, in.a, in.b
	switch {
	case c == a || c == b || a == b:
		return fmt.Errorf("tiles %d, %d and %d are not three", c, a, b)
	case t.rows[c] == 0 || t.rows[a] == 0 || t.rows[b] == 0:
		return fmt.Errorf("one of the tiles %d, %d and %d is not configured", c, a, b)
	case t.colsb[c]%4 != 0 || t.colsb[a]%4 != 0 || t.colsb[b]%4 != 0:
		return fmt.Errorf("rows of %d, %d and %d bytes are not multiples of 4", t.colsb[c], t.colsb[a], t.colsb[b])
	case t.rows[c] != t.rows[a] || t.colsb[c] != t.colsb[b] || t.colsb[a]/4 != t.rows[b]:
		return fmt.Errorf("tiles %d×%d bytes, %d×%d and %d×%d do not fit each other",
			t.rows[c], t.colsb[c], t.rows[a], t.colsb[a], t.rows[b], t.colsb[b])
	}
	left, right := widen(&t.data[a], in.aSigned), widen(&t.data[b], in.bSigned)
	columns := t.colsb[c] / 4
	for m := range t.rows[c] {
		var sums [rowBytes / 4]int32
		for n := range columns {
			sums[n] = int32(binary.LittleEndian.Uint32(t.data[c][m][4*n:]))
		}
		for k := range t.colsb[a] / 4 {
			x, y := left[m][4*k:][:4], &right[k]
			for n := range columns {
				p := y[4*n:][:4]
				sums[n] += x[0]*p[0] + x[1]*p[1] + x[2]*p[2] + x[3]*p[3]
			}
		}
		t.data[c][m] = [rowBytes]byte{}
		for n, sum := range sums {
			binary.LittleEndian.PutUint32(t.data[c][m][4*n:], uint32(sum))
		}
	}
	for m := t.rows[c]; m < tileRows; m++ {
		t.data[c][m] = [rowBytes]byte{}
	}
	return nil
}

// widen makes int32 of the bytes of a tile.
func widen(tile *[tileRows][rowBytes]byte, signed bool) (wide [tileRows][rowBytes]int32) {
	for r := range tile {
		for i, v := range tile[r] {
			wide[r][i] = int32(v)
			if signed {
				wide[r][i] = int32(int8(v))
			}
		}
	}
	return wide
}
