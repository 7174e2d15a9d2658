package quant_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
	"linquant/tensor"
)

func TestPackKnownBytes(t *testing.T) {
	codes := []byte{1, 0xFF, 2, 0xFC} // 1, -1, 2, -4
	tests := []struct {
		name    string
		typ     quant.Type
		shape   tensor.Shape
		packing quant.Packing
		codes   []byte
		want    []byte
	}{
		// 001, 111, 010, 100, from the lowest bit up.
		{"3 bits", quant.Int(3), tensor.Shape{4}, quant.Packed, codes, []byte{0b10_111_001, 0b0000_100_0}},
		{"rows of 3 bits", quant.Int(3), tensor.Shape{2, 2}, quant.PackedRows, codes, []byte{0b00_111_001, 0b00_100_010}},
		{"a scalar", quant.Int(3), tensor.Shape{}, quant.PackedRows, codes[1:2], []byte{0b111}},
		{"8 bits", quant.Int(8), tensor.Shape{2, 2}, quant.PackedRows, codes, codes},
		// onnx.proto: two 4-bit elements a byte, the first in the low nibble.
		{"4 bits unsigned", quant.Uint(4), tensor.Shape{3}, quant.Packed, []byte{1, 15, 7}, []byte{0xF1, 0x07}},
		{"nothing", quant.Int(4), tensor.Shape{0, 3}, quant.PackedRows, []byte{}, []byte{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := quant.Codes{Params: quant.Params{Type: tt.typ}, Shape: tt.shape, Data: tt.codes}
			packed, err := c.Pack(tt.packing)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "packed", packed.Data, tt.want)
			back, err := packed.Unpack()
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "unpacked", back.Data, tt.codes)
		})
	}
}

// TestPackRoundTrip packs random codes of every type and compares the bits of the stream with those that a big integer
// shift would give: code i of a row stands at bit i·bits of it.
func TestPackRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := quant.Type{Bits: rapid.IntRange(2, 8).Draw(t, "bits"), Unsigned: rapid.Bool().Draw(t, "unsigned")}
		shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(0, 5), 0, 3).Draw(t, "shape"))
		to := rapid.SampledFrom([]quant.Packing{quant.Unpacked, quant.PackedRows, quant.Packed}).Draw(t, "packing")
		n, err := shape.Elements()
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := typ.Range()
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rapid.Int32Range(lo, hi).Draw(t, "code"))
		}
		c := quant.Codes{Params: quant.Params{Type: typ, Scale: []float32{1}}, Shape: shape, Data: data}
		packed, err := c.Pack(to)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := to.Len(typ, shape); err != nil || len(packed.Data) != want {
			t.Fatalf("%d bytes, Len says %d, %v", len(packed.Data), want, err)
		}
		if err := packed.Check(); err != nil {
			t.Fatal(err)
		}
		back, err := packed.Unpack()
		if err != nil || !bytes.Equal(back.Data, data) || back.Packing != quant.Unpacked {
			t.Fatalf("% x became % x, %v", data, back.Data, err)
		}
		if to == quant.Unpacked || n == 0 {
			return
		}
		rows, bits := 1, typ.Bits
		if to == quant.PackedRows && len(shape) > 0 {
			rows = shape[0]
		}
		row := len(packed.Data) / rows
		for i, code := range data {
			r, at := i/(n/rows), i%(n/rows)
			for b := range bits {
				bit := at*bits + b
				if packed.Data[r*row+bit/8]>>(bit%8)&1 != code>>b&1 {
					t.Fatalf("bit %d of code %d of row %d is wrong in % x", b, at, r, packed.Data)
				}
			}
		}
	})
}

func TestCodesRefuse(t *testing.T) {
	one := func(typ quant.Type, shape tensor.Shape, p quant.Packing, data ...byte) quant.Codes {
		return quant.Codes{Params: quant.Params{Type: typ, Scale: []float32{1}}, Shape: shape, Packing: p, Data: data}
	}
	tests := map[string]struct {
		codes quant.Codes
		want  string
	}{
		"a code too large":    {one(quant.Int(3), tensor.Shape{2}, quant.Unpacked, 3, 4), "element 1 is 4, outside"},
		"a code too small":    {one(quant.Int(2), tensor.Shape{1}, quant.Unpacked, 0xFD), "element 0 is -3, outside"},
		"an unsigned code":    {one(quant.Uint(4), tensor.Shape{1}, quant.Unpacked, 16), "element 0 is 16, outside"},
		"too few bytes":       {one(quant.Int(4), tensor.Shape{3}, quant.Packed, 0), "3 codes of 4 bits take 2 bytes, not 1"},
		"too many bytes":      {one(quant.Int(8), tensor.Shape{1}, quant.Unpacked, 0, 0), "1 codes of 8 bits take 1 bytes, not 2"},
		"9 bits":              {one(quant.Int(9), tensor.Shape{1}, quant.Packed, 0, 0), "9-bit codes are not supported"},
		"32 bits packed":      {one(quant.Int(32), tensor.Shape{1}, quant.Packed, 0, 0, 0, 0), "32-bit codes cannot be packed"},
		"an unknown packing":  {one(quant.Int(8), tensor.Shape{1}, 7, 0), "Packing(7)"},
		"a negative shape":    {one(quant.Int(8), tensor.Shape{-1}, quant.Unpacked), "negative dimension"},
		"bytes beyond an int": {one(quant.Int(32), tensor.Shape{1 << 30, 1 << 30, 4}, quant.Unpacked), "more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := tt.codes.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check: %v, want %q", err, tt.want)
			}
			if _, err := tt.codes.Pack(quant.Packed); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Pack: %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := one(quant.Int(3), tensor.Shape{2, 2}, quant.Unpacked, 0, 0, 0, 4).Pack(quant.PackedRows); err == nil || !strings.Contains(err.Error(), "element 3 is 4, outside int3's range [-4, 3]") {
		t.Errorf("a code in the second row: %v", err)
	}
	if err := one(quant.Int(8), tensor.Shape{2}, quant.Unpacked, 1, 2).Dequantize(make([]float32, 1)); err == nil {
		t.Error("2 codes were dequantized into 1 real")
	}
	bad := one(quant.Int(8), tensor.Shape{1}, quant.Unpacked, 1)
	bad.Scale = []float32{0}
	if err := bad.Check(); err == nil || !strings.Contains(err.Error(), "scale 0: 0 is no usable scale") {
		t.Errorf("a scale of 0: %v", err)
	}
}

// TestCodesOfEveryType holds what Codes stand for to scale × (code − zero point) worked out here.
func TestCodesOfEveryType(t *testing.T) {
	reals := []float32{-1, -0.25, 0, 0.5, 0.75, 1}
	for _, typ := range []quant.Type{quant.Int(8), quant.Uint(8), quant.Int(5), quant.Uint(5), quant.Int(32)} {
		for _, packing := range []quant.Packing{quant.Unpacked, quant.PackedRows, quant.Packed} {
			if packing != quant.Unpacked && typ.Bits > 8 {
				continue
			}
			p := quant.Params{
				Type: typ, Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{0.25, 0.125}, ZeroPoint: []int32{3, 1},
			}
			x, err := quant.Encode(reals, tensor.Shape{2, 3}, p)
			if err != nil {
				t.Fatal(err)
			}
			if x.DType != typ.Storage() {
				t.Fatalf("%v is stored as %v", typ, x.DType)
			}
			c, err := p.Of(x).Pack(packing)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, len(reals))
			if err := c.Dequantize(got); err != nil {
				t.Fatal(err)
			}
			codes, err := quant.Widen(x)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi := typ.Range()
			for i, x := range reals {
				k := i / 3
				code := min(max(int32(x/p.Scale[k])+p.ZeroPoint[k], lo), hi) // all quotients are whole
				if want := float32(code-p.ZeroPoint[k]) * p.Scale[k]; codes[i] != code || got[i] != want {
					t.Errorf("%v, packing %d: %v became %d and %v, want %d and %v", typ, packing, x, codes[i], got[i], code, want)
				}
			}
		}
	}
}

func TestParamsEqual(t *testing.T) {
	p := quant.Params{Type: quant.Int(4), Layout: quant.Layout{Per: quant.PerChannel, Axis: 1}, Scale: []float32{1, 2}}
	same := p
	same.ZeroPoint = []int32{0, 0}
	if !p.Equal(same) || !same.Equal(p) {
		t.Error("zero points that are all 0 differ from none")
	}
	for name, change := range map[string]func(*quant.Params){
		"type":       func(p *quant.Params) { p.Type.Unsigned = true },
		"axis":       func(p *quant.Params) { p.Axis = 0 },
		"scale":      func(p *quant.Params) { p.Scale = []float32{1, 3} },
		"scales":     func(p *quant.Params) { p.Scale = p.Scale[:1] },
		"zero point": func(p *quant.Params) { p.ZeroPoint = []int32{0, 1} },
	} {
		q := p
		q.Scale = slices.Clone(p.Scale)
		change(&q)
		if p.Equal(q) || q.Equal(p) {
			t.Errorf("another %s is no difference", name)
		}
	}
}

// A stream of n codes takes ceil(n·bits/8) bytes, whatever the type.
func TestPackedBytesOfAllLengths(t *testing.T) {
	for bits := 2; bits <= 8; bits++ {
		for n := range 70 {
			got, err := quant.Packed.Len(quant.Int(bits), tensor.Shape{n})
			if want := (n*bits + 7) / 8; err != nil || got != want {
				t.Errorf("%d codes of %d bits take %d bytes, %v; want %d", n, bits, got, err, want)
			}
		}
	}
}
