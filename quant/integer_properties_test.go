package quant_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
	"linquant/tensor"
)

// drawRequantizer returns an output stage with one multiplier that float32 holds.
func drawRequantizer(t *rapid.T) (r *quant.Requantizer, multiplier float64) {
	typ := drawType(t)
	c := rapid.SampledFrom(conventions).Draw(t, "convention")
	exponent := rapid.IntRange(-40, 8).Draw(t, "exponent")
	multiplier = float64(float32(math.Ldexp(rapid.Float64Range(0.5, 1).Draw(t, "fraction"), exponent)))
	r, err := quant.NewRequantizer(c, []float64{multiplier}, quant.TensorParams(typ, 1, drawZeroPoint(t, typ)))
	must(t, err)
	return r, multiplier
}

// drawAccumulator favours accumulators whose code is not clamped.
func drawAccumulator(t *rapid.T, multiplier float64) int32 {
	if rapid.Bool().Draw(t, "any") {
		return rapid.Int32().Draw(t, "acc")
	}
	v := rapid.Float64Range(-300, 300).Draw(t, "steps") / multiplier
	return int32(max(math.MinInt32, min(math.MaxInt32, v)))
}

// TestRequantizeNearReal: every convention is within one step of the real value (its two roundings cost at most 3/4 of
// one, and the multiplier's own rounding next to nothing).
func TestRequantizeNearReal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, m := drawRequantizer(t)
		acc := drawAccumulator(t, m)
		exact := float64(acc)*m + float64(r.ZeroPoint)
		exact = max(float64(r.Lo), min(float64(r.Hi), exact))
		got := r.Code(acc, 0)
		if got < r.Lo || got > r.Hi {
			t.Fatalf("code %d outside [%d, %d]", got, r.Lo, r.Hi)
		}
		if e := math.Abs(float64(got) - exact); e >= 1 {
			t.Fatalf("%v: %d × %g gives %d, exactly %g", r.Convention, acc, m, got, exact)
		}
	})
}

func TestRequantizeMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, m := drawRequantizer(t)
		var acc []int32
		for range 10 {
			a := drawAccumulator(t, m)
			acc = append(acc, a, int32(min(int64(a)+1, math.MaxInt32)))
		}
		slices.Sort(acc)
		codes := make([]int32, len(acc))
		for i, a := range acc {
			codes[i] = r.Code(a, 0)
		}
		if !slices.IsSorted(codes) {
			t.Fatalf("%v × %g: accumulators %v have the codes %v", r.Convention, m, acc, codes)
		}
	})
}

func TestFixedPointIsClose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := math.Ldexp(rapid.Float64Range(0.5, 1).Draw(t, "fraction"), rapid.IntRange(-31, 100).Draw(t, "exponent"))
		m0, shift := quant.FixedPoint(m)
		if m0 < 1<<30 || shift > 31 {
			t.Fatalf("%g is stored as %d, %d", m, m0, shift)
		}
		if e := math.Abs(math.Ldexp(float64(m0), -31-shift) - m); e > m*0x1p-31 {
			t.Fatalf("%g is stored as %d·2^-(31+%d), %g away", m, m0, shift, e)
		}
	})
}

// TestFoldZeroPoint is the identity Σ(qx − zx)·qw + b = Σ qx·qw + folded.
func TestFoldZeroPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 20).Draw(t, "depth")
		w := rapid.SliceOfN(rapid.Int8(), depth, depth).Draw(t, "w")
		x := rapid.SliceOfN(rapid.Uint8(), depth, depth).Draw(t, "x")
		bias := []int32{rapid.Int32Range(-1e9, 1e9).Draw(t, "bias")}
		z := rapid.Int32Range(-128, 255).Draw(t, "zero point")
		folded := make([]int32, 1)
		must(t, quant.FoldZeroPoint(folded, bias, w, z))
		centred, raw := int64(bias[0]), int64(folded[0])
		for i := range w {
			centred += (int64(x[i]) - int64(z)) * int64(w[i])
			raw += int64(x[i]) * int64(w[i])
		}
		if centred != raw {
			t.Fatalf("centred %d, folded %d", centred, raw)
		}
	})
}

// TestLinearMatchesDefinition computes the accumulators in int64, from inputs less their zero point.
func TestLinearMatchesDefinition(t *testing.T) {
	t.Run("int8 to int8", rapid.MakeCheck(linearProperty[int8, int8]))
	t.Run("int8 to uint8", rapid.MakeCheck(linearProperty[int8, uint8]))
	t.Run("uint8 to int8", rapid.MakeCheck(linearProperty[uint8, int8]))
	t.Run("uint8 to uint8", rapid.MakeCheck(linearProperty[uint8, uint8]))
}

func typeOf[Q int8 | uint8]() quant.Type { return quant.Type{Bits: 8, Unsigned: ^Q(0) > 0} }

func linearProperty[X, Y int8 | uint8](t *rapid.T) {
	in, out := rapid.IntRange(1, 9).Draw(t, "in"), rapid.IntRange(1, 4).Draw(t, "out")
	batch := rapid.IntRange(0, 3).Draw(t, "batch")
	input := quant.TensorParams(typeOf[X](), 0.02, drawZeroPoint(t, typeOf[X]()))
	output := quant.TensorParams(typeOf[Y](), 0.7, drawZeroPoint(t, typeOf[Y]()))
	wp := quant.Params{Type: quant.Int(8), Scale: []float32{0.03}}
	if rapid.Bool().Draw(t, "per channel") {
		wp.Per = quant.PerChannel
		wp.Scale = rapid.SliceOfN(rapid.Float32Range(0.01, 0.1), out, out).Draw(t, "scales")
	}
	w := rapid.SliceOfN(rapid.Int8(), in*out, in*out).Draw(t, "w")
	bias := rapid.SliceOfN(rapid.Float32Range(-9, 9), out, out).Draw(t, "bias")
	c := rapid.SampledFrom(conventions).Draw(t, "convention")
	l, err := quant.NewLinear(w, tensor.Shape{out, in}, wp, bias, input, output, c)
	must(t, err)

	x := make([]X, batch*in)
	for i := range x {
		x[i] = X(rapid.Uint8().Draw(t, "x"))
	}
	got := make([]Y, batch*out)
	must(t, quant.Forward(l, got, x))

	biasCodes := make([]int32, out)
	must(t, quant.QuantizeBias(biasCodes, bias, input, wp))
	for b := range batch {
		for o := range out {
			sw := wp.Scale[o%len(wp.Scale)]
			r, err := quant.NewRequantizer(c, []float64{c.Multiplier(input.Scale[0], sw, output.Scale[0])}, output)
			must(t, err)
			acc := int64(biasCodes[o])
			for i := range in {
				acc += (int64(x[b*in+i]) - int64(input.ZeroPoint[0])) * int64(w[o*in+i])
			}
			if want := r.Code(int32(acc), 0); int32(got[b*out+o]) != want {
				t.Fatalf("output [%d, %d] is %d, want %d from the accumulator %d", b, o, got[b*out+o], want, acc)
			}
		}
	}
}
