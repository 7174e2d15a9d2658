package quant_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

// reference is the file that testdata/make_vectors.py computes with PyTorch and exact integers.
type reference struct {
	Elements   []elementCase    `json:"elements"`
	Bias       []biasCase       `json:"bias"`
	Conv       []convCase       `json:"conv"`
	Requantize []requantizeCase `json:"requantize"`
	FixedPoint []struct {
		Multiplier float64 `json:"multiplier"`
		M0         int32   `json:"m0"`
		Shift      int     `json:"shift"`
	} `json:"fixed_point"`
}

// floats are float32 values, stored as their bits so that NaN, infinities and signed zeros survive JSON.
type floats []uint32

func (f floats) values() []float32 {
	x := make([]float32, len(f))
	for i, b := range f {
		x[i] = math.Float32frombits(b)
	}
	return x
}

func bitsOf(x []float32) floats {
	f := make(floats, len(x))
	for i, v := range x {
		f[i] = math.Float32bits(v)
	}
	return f
}

type elementCase struct {
	Scheme    string       `json:"scheme"`
	Bits      int          `json:"bits"`
	Unsigned  bool         `json:"unsigned"`
	Per       string       `json:"per"`
	Axis      int          `json:"axis"`
	Group     int          `json:"group"`
	Shape     tensor.Shape `json:"shape"`
	X         floats       `json:"x"`
	Scale     floats       `json:"scale"`
	ZeroPoint []int32      `json:"zero_point"`
	Codes     []int32      `json:"codes"`
	Back      floats       `json:"back"`
}

type biasCase struct {
	InputScale  uint32  `json:"input_scale"`
	WeightScale floats  `json:"weight_scale"`
	Bias        floats  `json:"bias"`
	Scale       floats  `json:"scale"`
	Codes       []int32 `json:"codes"`
}

type requantizeCase struct {
	Multiplier float64            `json:"multiplier"`
	Bits       int                `json:"bits"`
	Unsigned   bool               `json:"unsigned"`
	ZeroPoint  int32              `json:"zero_point"`
	Lo         int32              `json:"lo"`
	Hi         int32              `json:"hi"`
	Acc        []int32            `json:"acc"`
	Codes      map[string][]int32 `json:"codes"`
}

func TestElementVectors(t *testing.T) {
	cases := readJSON[reference](t, "testdata/vectors.json").Elements
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range cases {
		typ := quant.Type{Bits: c.Bits, Unsigned: c.Unsigned}
		t.Run(fmt.Sprintf("%d_%v_%s_%s", i, typ, c.Per, c.Scheme), func(t *testing.T) {
			p := c.params(t, typ)
			equal(t, "scale", bitsOf(p.Scale), c.Scale)
			for k, z := range c.ZeroPoint {
				if got := zeroPointOf(p, k); got != z {
					t.Errorf("zero point %d is %d, want %d", k, got, z)
				}
			}
			switch {
			case typ.Bits == 32:
				checkCodes[int32](t, c, p)
			case typ.Unsigned:
				checkCodes[uint8](t, c, p)
				checkCodes[int32](t, c, p)
			default:
				checkCodes[int8](t, c, p)
				checkCodes[int32](t, c, p)
			}
		})
	}
}

// params makes the parameters of the case by its scheme.
func (c elementCase) params(t *testing.T, typ quant.Type) quant.Params {
	t.Helper()
	per, err := quant.ParseGranularity(c.Per)
	if err != nil {
		t.Fatal(err)
	}
	layout := quant.Layout{Per: per, Axis: c.Axis, GroupSize: c.Group}
	var p quant.Params
	switch c.Scheme {
	case "given":
		return quant.Params{Type: typ, Layout: layout, Scale: c.Scale.values(), ZeroPoint: c.ZeroPoint}
	case "symmetric":
		p, err = quant.SymmetricParams(c.X.values(), c.Shape, typ, layout)
	default:
		p, err = quant.AffineParams(c.X.values(), c.Shape, typ, layout, c.Scheme == "affine with zero")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkCodes compares codes stored as Q, and the values they stand for.
func checkCodes[Q quant.Code](t *testing.T, c elementCase, p quant.Params) {
	t.Helper()
	q := make([]Q, len(c.X))
	if err := quant.Quantize(q, c.X.values(), c.Shape, p); err != nil {
		t.Fatal(err)
	}
	equal(t, fmt.Sprintf("codes as %T", q), widen(q), c.Codes)
	back := make([]float32, len(q))
	if err := quant.Dequantize(back, q, c.Shape, p); err != nil {
		t.Fatal(err)
	}
	equal(t, fmt.Sprintf("values from %T", q), bitsOf(back), c.Back)
}

func TestBiasVectors(t *testing.T) {
	saturated := 0
	for _, c := range readJSON[reference](t, "testdata/vectors.json").Bias {
		input := quant.TensorParams(quant.Int(8), float64(math.Float32frombits(c.InputScale)), 5)
		weight := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: c.WeightScale.values()}
		p, err := quant.BiasParams(input, weight)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "scale", bitsOf(p.Scale), c.Scale)
		codes := make([]int32, len(c.Bias))
		if err := quant.QuantizeBias(codes, c.Bias.values(), input, weight); err != nil {
			t.Fatal(err)
		}
		equal(t, "codes", codes, c.Codes)
		for _, q := range codes {
			if q == math.MaxInt32 || q == math.MinInt32 {
				saturated++
			}
		}
	}
	if saturated == 0 {
		t.Error("no case leaves int32")
	}
}

func TestRequantizeVectors(t *testing.T) {
	cases := readJSON[reference](t, "testdata/vectors.json").Requantize
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		typ := quant.Type{Bits: c.Bits, Unsigned: c.Unsigned}
		if len(c.Codes) != len(conventions) {
			t.Fatalf("%d conventions, want %d", len(c.Codes), len(conventions))
		}
		for name, want := range c.Codes {
			convention, err := quant.ParseConvention(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := quant.NewRequantizer(convention, []float64{c.Multiplier}, quant.TensorParams(typ, 1, c.ZeroPoint))
			if err != nil {
				t.Fatal(err)
			}
			r.Lo, r.Hi = c.Lo, c.Hi
			for i, acc := range c.Acc {
				if got := r.Code(acc, 0); got != want[i] {
					t.Errorf("%s: %d × %g + %d in %v gives %d, want %d", name, acc, c.Multiplier, c.ZeroPoint, typ, got, want[i])
				}
			}
			var got []int32
			if typ.Unsigned {
				got = requantize[uint8](t, c.Acc, r)
			} else {
				got = requantize[int8](t, c.Acc, r)
			}
			equal(t, name+" over a slice", got, want)
		}
	}
}

func TestFixedPointVectors(t *testing.T) {
	for _, c := range readJSON[reference](t, "testdata/vectors.json").FixedPoint {
		m0, shift := quant.FixedPoint(c.Multiplier)
		if c.Shift > 31 {
			c.M0, c.Shift = 0, 0 // every accumulator is less than half a step
		}
		if m0 != c.M0 || shift != c.Shift {
			t.Errorf("%g is stored as %d·2^-(31+%d), want %d·2^-(31+%d)", c.Multiplier, m0, shift, c.M0, c.Shift)
		}
	}
}

var conventions = []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}

func zeroPointOf(p quant.Params, k int) int32 {
	if p.ZeroPoint == nil {
		return 0
	}
	return p.ZeroPoint[k]
}

func widen[Q quant.Code](q []Q) []int32 {
	w := make([]int32, len(q))
	for i, v := range q {
		w[i] = int32(v)
	}
	return w
}

func requantize[Q int8 | uint8](t *testing.T, acc []int32, r *quant.Requantizer) []int32 {
	t.Helper()
	dst := make([]Q, len(acc))
	if err := quant.Requantize(dst, acc, r); err != nil {
		t.Fatal(err)
	}
	return widen(dst)
}
