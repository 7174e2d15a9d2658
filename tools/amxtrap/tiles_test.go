//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

// machine is registers and memory, which begins at address 1000.
type machine struct {
	regs [16]uint64
	ram  []byte
}

const ramStart = 1000

func (m *machine) general(number int) uint64 { return m.regs[number] }
func (m *machine) following() uint64         { return ramStart }
func (m *machine) read(s []span) error       { return m.move(s, func(ram, tile []byte) { copy(tile, ram) }) }

func (m *machine) write(s []span) error { return m.move(s, func(ram, tile []byte) { copy(ram, tile) }) }

func (m *machine) move(spans []span, move func(ram, tile []byte)) error {
	for _, s := range spans {
		if s.at < ramStart || s.at-ramStart+uint64(len(s.bytes)) > uint64(len(m.ram)) {
			return fmt.Errorf("no memory at %d", s.at)
		}
		move(m.ram[s.at-ramStart:][:len(s.bytes)], s.bytes)
	}
	return nil
}

// shapes is a configuration of tiles of so many rows and bytes each.
func shapes(tiles ...[2]int) (config [64]byte) {
	config[0] = 1
	for i, shape := range tiles {
		config[48+i] = byte(shape[0])
		binary.LittleEndian.PutUint16(config[16+2*i:], uint16(shape[1]))
	}
	return config
}

// A product of two matrices is what it says: C[m][n] += Σ_k A[m][k]·B[k][n], where B[k][n] is byte 4·n + k%4 of row
// k/4.
func TestDot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 16).Draw(t, "rows")
		depth := 4 * rapid.IntRange(1, 16).Draw(t, "k/4")
		columns := rapid.IntRange(1, 16).Draw(t, "columns")
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "tiles")
		in := instruction{op: dot, dst: order[0], a: order[1], b: order[2]}
		in.aSigned, in.bSigned = rapid.Bool().Draw(t, "a is signed"), rapid.Bool().Draw(t, "b is signed")
		shape := make([][2]int, 8)
		shape[in.dst], shape[in.a] = [2]int{rows, 4 * columns}, [2]int{rows, depth}
		shape[in.b] = [2]int{depth / 4, 4 * columns}
		var got tiles
		if err := got.configure(shapes(shape...)); err != nil {
			t.Fatal(err)
		}
		random := rapid.SliceOfN(rapid.Byte(), 64, 64)
		for _, tile := range []int{in.dst, in.a, in.b} {
			for r := range 16 {
				copy(got.data[tile][r][:], random.Draw(t, "row")) // of parts that take no part, too
			}
		}
		before := got.data
		number := func(b byte, signed bool) int {
			if signed && b > 127 {
				return int(b) - 256
			}
			return int(b)
		}
		if err := got.do(&in, nil, nil); err != nil {
			t.Fatal(err)
		}
		for m := range 16 {
			for n := range 16 {
				want := 0
				if m < rows && n < columns {
					want = int(int32(binary.LittleEndian.Uint32(before[in.dst][m][4*n:])))
					for k := range depth {
						want += number(before[in.a][m][k], in.aSigned) * number(before[in.b][k/4][4*n+k%4], in.bSigned)
					}
				}
				if sum := int32(binary.LittleEndian.Uint32(got.data[in.dst][m][4*n:])); sum != int32(want) {
					t.Fatalf("[%d, %d] is %d, want %d", m, n, sum, int32(want))
				}
			}
		}
	})
}

// Rows lie as far apart as the index says; what is not configured becomes 0 on loading and is not stored.
func TestLoadStore(t *testing.T) {
	m := &machine{ram: make([]byte, 500)}
	for i := range m.ram {
		m.ram[i] = byte(i)
	}
	m.regs[3], m.regs[9] = ramStart+20, 25
	var x tiles
	if err := x.configure(shapes([2]int{3, 8})); err != nil {
		t.Fatal(err)
	}
	x.data[0][9][9], x.data[0][2][8] = 1, 1
	if err := x.do(&instruction{op: load, base: 3, index: 9, shift: 1, disp: -4}, m, m); err != nil {
		t.Fatal(err)
	}
	for r := range 16 {
		for i, v := range x.data[0][r] {
			want := byte(0)
			if r < 3 && i < 8 {
				want = byte(16 + 50*r + i)
			}
			if v != want {
				t.Errorf("byte %d of row %d is %d, want %d", i, r, v, want)
			}
		}
	}
	before := string(m.ram)
	if err := x.do(&instruction{op: store, base: 3, index: 9, shift: 2}, m, m); err != nil {
		t.Fatal(err)
	}
	for i, v := range m.ram {
		want := before[i]
		if r := (i - 20) / 100; i >= 20 && r < 3 && (i-20)%100 < 8 {
			want = byte(16 + 50*r + (i-20)%100)
		}
		if v != want {
			t.Errorf("%d at %d after storing, want %d", v, i, want)
		}
	}
}

func TestFaults(t *testing.T) {
	good := shapes([2]int{2, 8}, [2]int{2, 12}, [2]int{3, 8}, [2]int{16, 64}, [2]int{2, 6}, [2]int{3, 64})
	with := func(at int, v byte) [64]byte {
		config := good
		config[at] = v
		return config
	}
	m := &machine{ram: make([]byte, 64)}
	for _, tc := range []struct {
		problem string
		config  [64]byte
		in      instruction
	}{
		{"", good, instruction{op: dot, dst: 0, a: 1, b: 2}},
		{"not configured", [64]byte{}, instruction{op: dot, dst: 0, a: 1, b: 2}},
		{"not configured", [64]byte{}, instruction{op: zero}},
		{"tile 7 is not configured", good, instruction{op: zero, dst: 7}},
		{"tile 7 is not configured", good, instruction{op: load, dst: 7, base: none, index: none, disp: ramStart}},
		{"one of the tiles 0, 1 and 7", good, instruction{op: dot, dst: 0, a: 1, b: 7}},
		{"are not three", good, instruction{op: dot, dst: 3, a: 3, b: 2}},
		{"are not three", good, instruction{op: dot, dst: 3, a: 2, b: 3}},
		{"are not three", good, instruction{op: dot, dst: 2, a: 3, b: 3}},
		{"do not fit", good, instruction{op: dot, dst: 3, a: 1, b: 2}}, // rows of the sums
		{"do not fit", good, instruction{op: dot, dst: 0, a: 1, b: 3}}, // the depth
		{"do not fit", good, instruction{op: dot, dst: 0, a: 1, b: 5}}, // columns
		{"multiples of 4", good, instruction{op: dot, dst: 4, a: 1, b: 2}},
		{"palette 2", with(0, 2), instruction{}},
		{"row 1 to go on from", with(1, 1), instruction{}},
		{"reserved byte 2", with(2, 1), instruction{}},
		{"reserved byte 15", with(15, 1), instruction{}},
		{"reserved byte 32", with(32, 1), instruction{}},
		{"reserved byte 47", with(47, 1), instruction{}},
		{"reserved byte 63", with(63, 1), instruction{}},
		{"tile 3 of 17 rows", with(51, 17), instruction{}},
		{"tile 3 of 16 rows of 65", with(22, 65), instruction{}},
		{"tile 3 of 16 rows of 320", with(23, 1), instruction{}},
		{"tile 3 of 16 rows of 0", with(22, 0), instruction{}},
		{"tile 3 of 0 rows", with(51, 0), instruction{}},
		{"no memory at 1060", good, instruction{op: load, base: none, index: none, disp: ramStart + 60}},
		{"no memory at 1060", good, instruction{op: loadConfig, base: none, index: none, disp: ramStart + 60}},
	} {
		var x tiles
		err := x.configure(tc.config)
		if tc.in.op != 0 {
			if err != nil {
				t.Fatal(err)
			}
			err = x.do(&tc.in, m, m)
		}
		if tc.problem == "" && err != nil || tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)) {
			t.Errorf("%+v: error %v, want one with %q", tc.in, err, tc.problem)
		}
	}
}
