package tensor

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

// decode is the definition of a binary floating-point format: the value of a code without its special cases.
func decode(code, expBits, mantBits, bias int) float64 {
	exp := code >> mantBits & (1<<expBits - 1)
	fraction := float64(code&(1<<mantBits-1)) / float64(int(1)<<mantBits)
	v := (1 + fraction) * math.Pow(2, float64(exp-bias))
	if exp == 0 {
		v = fraction * math.Pow(2, float64(1-bias))
	}
	if code>>(expBits+mantBits)&1 == 1 {
		return math.Copysign(v, -1)
	}
	return v
}

// same reports whether a and b are the same value: the sign of zero counts, and any NaN is like another.
func same(a, b float64) bool {
	return a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b)
}

// half16 is the definition of binary16, with infinities and NaNs in the top exponent.
func half16(h uint16) float64 {
	if h&0x7fff > 0x7c00 {
		return math.NaN()
	}
	if h&0x7fff == 0x7c00 {
		return math.Inf(1 - 2*int(h>>15))
	}
	return decode(int(h), 5, 10, 15)
}

func bfloat16(h uint16) float64 {
	if h&0x7fff > 0x7f80 {
		return math.NaN()
	}
	if h&0x7fff == 0x7f80 {
		return math.Inf(1 - 2*int(h>>15))
	}
	return decode(int(h), 8, 7, 127)
}

var narrow = []struct {
	name     string
	value    func(uint16) float64
	widen    func(uint16) float32
	round    func(float32) uint16 // nil where nothing is rounded to the type
	infinity uint16
	beyond   float64 // what would follow the largest finite value
}{
	{"float16", half16, Float16ToFloat32, Float32ToFloat16, 0x7c00, 0x1p16},
	{"bfloat16", bfloat16, bfloat16ToFloat32, nil, 0x7f80, 0x1p128},
}

func TestHalvesExhaustively(t *testing.T) {
	for _, f := range narrow {
		for h := range 1 << 16 {
			h := uint16(h)
			wide := f.widen(h)
			if !same(float64(wide), f.value(h)) {
				t.Fatalf("%s %#04x widens to %v, want %v", f.name, h, wide, f.value(h))
			}
			if f.round == nil {
				continue
			}
			back := f.round(wide)
			if nan := h&0x7fff > f.infinity; nan && back&0x7fff <= f.infinity || !nan && back != h {
				t.Fatalf("%s %#04x widens to %v, which rounds to %#04x", f.name, h, wide, back)
			}
		}
	}
}

// nearest searches the codes of values for the one nearest to |v|; of two as near, the even one.
func nearest(v float64, values []float64) uint16 {
	sign := uint16(0)
	if math.Signbit(v) {
		sign, v = 0x8000, -v
	}
	best := 0
	for code, value := range values {
		d, least := math.Abs(value-v), math.Abs(values[best]-v)
		if d < least || d == least && code%2 == 0 {
			best = code
		}
	}
	return sign | uint16(best)
}

func TestRoundingIsNearestEven(t *testing.T) {
	for _, f := range narrow[:1] {
		values := make([]float64, f.infinity+1) // of the codes that are not negative
		for code := range f.infinity {
			values[code] = f.value(code)
		}
		values[f.infinity] = f.beyond // rounding treats infinity as the next value, as IEEE 754 does
		check := func(t interface{ Errorf(string, ...any) }, v float32) {
			want := nearest(float64(v), values)
			if math.IsInf(float64(v), 0) {
				want = f.infinity | uint16(math.Float32bits(v)>>16&0x8000)
			}
			if got := f.round(v); got != want {
				t.Errorf("%s of %v (%#08x) is %#04x, want %#04x", f.name, v, math.Float32bits(v), got, want)
			}
		}
		t.Run(f.name, func(t *testing.T) {
			for _, v := range []float32{
				0, math.Float32frombits(1 << 31), math.MaxFloat32, -math.MaxFloat32, 65504, 65519.996, 65520,
				0x1p-24, 0x1p-25, 0x1.000002p-25, 0x1.fffffep-26, 0x1p-14, 0x1.ffep-15, 0x1.fffffep-15, math.SmallestNonzeroFloat32,
				float32(math.Inf(1)), float32(math.Inf(-1)), 0x1.fefffep127, 0x1.ffp127,
			} {
				check(t, v)
			}
			rapid.Check(t, func(t *rapid.T) {
				// Values near and at the middle between two codes are where rounding goes wrong.
				code := uint16(rapid.Uint16Range(0, f.infinity-1).Draw(t, "code"))
				middle := math.Float32bits(float32(values[code]/2 + values[code+1]/2))
				near := int64(middle) + rapid.Int64Range(-2, 2).Draw(t, "ulps")
				check(t, math.Float32frombits(uint32(max(near, 0))))
				if v := rapid.Float32().Draw(t, "v"); v == v {
					check(t, v)
				}
			})
		})
		for _, nan := range []uint32{0x7f800001, 0xffc00000, 0x7fffffff} {
			if got := f.round(math.Float32frombits(nan)); got&0x7fff <= f.infinity {
				t.Errorf("%s of NaN %#x is %#04x", f.name, nan, got)
			}
		}
	}
}

func TestFloat8Exhaustively(t *testing.T) {
	for _, f := range []struct {
		dtype                   DType
		expBits, mantBits, bias int
		special                 map[int]float64 // by code
	}{
		{Float8E4M3FN, 4, 3, 7, map[int]float64{0x7f: math.NaN(), 0xff: math.NaN()}},
		{Float8E5M2, 5, 2, 15, map[int]float64{
			0x7c: math.Inf(1), 0xfc: math.Inf(-1), 0x7d: math.NaN(), 0x7e: math.NaN(),
			0x7f: math.NaN(), 0xfd: math.NaN(), 0xfe: math.NaN(), 0xff: math.NaN(),
		}},
		{Float8E4M3FNUZ, 4, 3, 8, map[int]float64{0x80: math.NaN()}},
		{Float8E5M2FNUZ, 5, 2, 16, map[int]float64{0x80: math.NaN()}},
	} {
		data := make([]byte, 256)
		for i := range data {
			data[i] = byte(i)
		}
		v, err := Tensor{f.dtype, Shape{256}, data}.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for code, got := range v {
			want, ok := f.special[code]
			if !ok {
				want = decode(code, f.expBits, f.mantBits, f.bias)
			}
			if !same(float64(got), want) {
				t.Errorf("%v %#02x is %v, want %v", f.dtype, code, got, want)
			}
		}
	}
	// The largest finite values of the OCP specification, Table 1, and of the fnuz types.
	for dtype, c := range map[DType]struct {
		code byte
		want float32
	}{Float8E4M3FN: {0x7e, 448}, Float8E5M2: {0x7b, 57344}, Float8E4M3FNUZ: {0x7f, 240}, Float8E5M2FNUZ: {0x7f, 57344}} {
		if v, _ := (Tensor{dtype, Shape{1}, []byte{c.code}}).Float32s(); v[0] != c.want {
			t.Errorf("%v: largest value %v, want %v", dtype, v[0], c.want)
		}
	}
}

// roundBig rounds an integer to float32 with arbitrary precision in between.
func roundBig(x *big.Int) float32 {
	v, _ := new(big.Float).SetInt(x).Float32()
	return v
}

func TestIntegersRoundOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// All ones after a leading one would round twice if they went through float64.
		i := rapid.Int64().Draw(t, "i")
		u := rapid.Uint64().Draw(t, "u")
		shift := rapid.IntRange(26, 63).Draw(t, "shift")
		ints := []int64{i, math.MaxInt64, math.MinInt64, 1<<62 + 1<<38 + 1, 1<<62 + 1<<38 - 1, i >> (shift - 26)}
		uints := []uint64{u, math.MaxUint64, 1<<63 + 1<<39 + 1, 1<<63 + 1<<39, 1<<shift + 1<<(shift-24) + 1}
		x, _ := Of(Shape{len(ints)}, ints)
		y, _ := Of(Shape{len(uints)}, uints)
		fi, _ := x.Float32s()
		fu, _ := y.Float32s()
		for k, v := range ints {
			if want := roundBig(big.NewInt(v)); fi[k] != want {
				t.Errorf("int64 %d gives %v, want %v", v, fi[k], want)
			}
		}
		for k, v := range uints {
			if want := roundBig(new(big.Int).SetUint64(v)); fu[k] != want {
				t.Errorf("uint64 %d gives %v, want %v", v, fu[k], want)
			}
		}
	})
}

func convert[T Element](t *testing.T, in []T, want ...float32) {
	t.Helper()
	x, err := Of(Shape{len(in)}, in)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Float32s(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v gives %v, %v; want %v", x.DType, in, got, err, want)
	}
}

func TestFloat32s(t *testing.T) {
	convert(t, []float64{1.5, 1 + 0x1p-24, 1 + 0x1.8p-23, 1e300}, 1.5, 1, 1+0x1p-22, float32(math.Inf(1)))
	convert(t, []float32{1.5, -0.25}, 1.5, -0.25)
	convert(t, []int32{math.MinInt32, 1<<24 + 1}, -0x1p31, 1<<24)
	convert(t, []int16{-32768, 32767}, -32768, 32767)
	convert(t, []int8{-128, 127}, -128, 127)
	convert(t, []uint32{math.MaxUint32}, 0x1p32)
	convert(t, []uint16{65535}, 65535)
	convert(t, []uint8{255}, 255)
	convert(t, []bool{true, false}, 1, 0)
	convert(t, []int64{})
	if v, _ := (Tensor{Bool, Shape{2}, []byte{0, 7}}).Float32s(); !slices.Equal(v, []float32{0, 1}) {
		t.Errorf("bool bytes 0 and 7 give %v", v)
	}
	if _, err := (Tensor{Complex64, Shape{1}, make([]byte, 8)}).Float32s(); err == nil {
		t.Error("a complex tensor gave floats")
	}
	if err := (Tensor{Int8, Shape{1}, make([]byte, 1)}).ReadFloat32s(make([]float32, 2)); err == nil {
		t.Error("a destination of the wrong length was filled")
	}
}
