package quant_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
	"linquant/tensor"
)

// must stops the property at an error.
func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// codesOf quantizes a tensor into the narrowest storage of its type.
func codesOf(t *rapid.T, x []float32, shape tensor.Shape, p quant.Params) []int32 {
	t.Helper()
	if p.Type.Unsigned {
		q := make([]uint8, len(x))
		must(t, quant.Quantize(q, x, shape, p))
		return widen(q)
	}
	q := make([]int8, len(x))
	must(t, quant.Quantize(q, x, shape, p))
	return widen(q)
}

func valuesOf(t *rapid.T, q []int32, p quant.Params) []float32 {
	t.Helper()
	x := make([]float32, len(q))
	must(t, quant.Dequantize(x, q, nil, p))
	return x
}

func same[T comparable](t *rapid.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// drawParams returns parameters with one scale of ordinary size.
func drawParams(t *rapid.T) quant.Params {
	typ := drawType(t)
	scale := rapid.Float64Range(1e-6, 1e6).Draw(t, "scale")
	return quant.TensorParams(typ, scale, drawZeroPoint(t, typ))
}

func TestCodesMatchDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := drawType(t)
		scale := rapid.Float32Range(0x1p-126, math.MaxFloat32).Draw(t, "scale")
		p := quant.TensorParams(typ, float64(scale), drawZeroPoint(t, typ))
		x := rapid.SliceOf(anyFloats).Draw(t, "x")
		x = append(x, scale*0.5, scale*1.5, scale*-2.5, scale*3)
		lo, hi := typ.Range()
		for i, got := range codesOf(t, x, nil, p) {
			if got < lo || got > hi {
				t.Fatalf("%g has code %d, outside [%d, %d]", x[i], got, lo, hi)
			}
			if want := naive(x[i], scale, p.ZeroPoint[0], typ); got != want {
				t.Fatalf("%g has code %d, want %d", x[i], got, want)
			}
		}
	})
}

// TestError: within the range that the codes represent, a value comes back within half a step and an ulp.
func TestError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		scale, z := float64(p.Scale[0]), float64(p.ZeroPoint[0])
		lo, hi := p.Type.Range()
		step := rapid.Float64Range(float64(lo)-z, float64(hi)-z).Draw(t, "steps")
		x := float32(step * scale)
		back := valuesOf(t, codesOf(t, []float32{x}, nil, p), p)[0]
		ulp := float64(math.Nextafter32(float32(math.Abs(float64(x))), math.MaxFloat32)) - math.Abs(float64(x))
		if e := math.Abs(float64(back) - float64(x)); e > scale/2+ulp {
			t.Fatalf("%g comes back as %g: %g away with scale %g", x, back, e, scale)
		}
	})
}

func TestMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		x := rapid.SliceOfN(rapid.Float32(), 2, 20).Draw(t, "x")
		for i := range 8 {
			x = append(x, p.Scale[0]*(float32(i)-3.5))
		}
		slices.Sort(x)
		if q := codesOf(t, x, nil, p); !slices.IsSorted(q) {
			t.Fatalf("%v has the codes %v", x, q)
		}
	})
}

func TestEveryCodeSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		var codes []int32
		lo, hi := p.Type.Range()
		for q := lo; q <= hi; q++ {
			codes = append(codes, q)
		}
		same(t, "codes", codesOf(t, valuesOf(t, codes, p), nil, p), codes)
	})
}

// TestIncludeZero: with zero in the range, zero comes back as zero and no element is clipped by more than the half step
// that rounding the zero point costs. Without it, a range far from zero is clipped.
func TestIncludeZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := drawType(t)
		x := rapid.SliceOfN(rapid.Float32Range(-1e4, 1e4), 1, 30).Draw(t, "x")
		p, err := quant.AffineParams(x, nil, typ, quant.Layout{}, true)
		must(t, err)
		x = append(x, 0)
		back := valuesOf(t, codesOf(t, x, nil, p), p)
		if zero := back[len(back)-1]; zero != 0 {
			t.Fatalf("0 comes back as %g", zero)
		}
		for i, v := range back {
			scale := float64(p.Scale[0])
			if e := math.Abs(float64(v) - float64(x[i])); e > scale*0.501 {
				t.Fatalf("%g comes back as %g: scale %g", x[i], v, scale)
			}
		}
	})
}

// drawTensor returns a tensor of three dimensions.
func drawTensor(t *rapid.T) ([]float32, tensor.Shape) {
	size := rapid.IntRange(1, 5)
	shape := tensor.Shape{size.Draw(t, "d0"), size.Draw(t, "d1"), size.Draw(t, "d2")}
	n := shape[0] * shape[1] * shape[2]
	return rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), n, n).Draw(t, "x"), shape
}

// paramsOf makes affine parameters, or symmetric ones.
func paramsOf(t *rapid.T, affine bool, x []float32, shape tensor.Shape, typ quant.Type, l quant.Layout) quant.Params {
	t.Helper()
	var p quant.Params
	var err error
	if affine {
		p, err = quant.AffineParams(x, shape, typ, l, false)
	} else {
		p, err = quant.SymmetricParams(x, shape, typ, l)
	}
	must(t, err)
	return p
}

// TestChannelsAreTensors: quantizing per channel is quantizing each slice along the axis as a tensor of its own, and a
// group as long as the channel changes nothing. Groups of a channel are its consecutive elements.
func TestChannelsAreTensors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, shape := drawTensor(t)
		typ, affine := drawType(t), rapid.Bool().Draw(t, "affine")
		axis := rapid.IntRange(0, 2).Draw(t, "axis")
		depth := len(x) / shape[axis]
		size := rapid.IntRange(1, depth+1).Draw(t, "group size")

		channels := make([][]int, shape[axis])
		for i := range x {
			index := [3]int{i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]}
			channels[index[axis]] = append(channels[index[axis]], i)
		}
		check := func(l quant.Layout, size int) {
			p := paramsOf(t, affine, x, shape, typ, l)
			codes := codesOf(t, x, shape, p)
			k := 0
			for _, channel := range channels {
				for part := range slices.Chunk(channel, size) {
					slice, got := make([]float32, len(part)), make([]int32, len(part))
					for j, i := range part {
						slice[j], got[j] = x[i], codes[i]
					}
					alone := paramsOf(t, affine, slice, nil, typ, quant.Layout{})
					if alone.Scale[0] != p.Scale[k] || affine && alone.ZeroPoint[0] != p.ZeroPoint[k] {
						t.Fatalf("part %d has the parameters %v %v, alone %v", k, p.Scale[k], p.ZeroPoint, alone)
					}
					same(t, "codes", got, codesOf(t, slice, nil, alone))
					k++
				}
			}
			if k != len(p.Scale) {
				t.Fatalf("%d scales for %d parts", len(p.Scale), k)
			}
		}
		check(quant.Layout{Per: quant.PerChannel, Axis: axis}, depth)
		check(quant.Layout{Per: quant.PerGroup, Axis: axis, GroupSize: size}, size)
		check(quant.Layout{Per: quant.PerGroup, Axis: axis, GroupSize: math.MaxInt}, depth)
	})
}

func TestOneGroupIsPerTensor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, _ := drawTensor(t)
		shape := tensor.Shape{1, len(x)}
		typ, affine := drawType(t), rapid.Bool().Draw(t, "affine")
		whole := paramsOf(t, affine, x, nil, typ, quant.Layout{})
		one := paramsOf(t, affine, x, shape, typ, quant.Layout{Per: quant.PerGroup, GroupSize: len(x)})
		same(t, "scales", one.Scale, whole.Scale)
		same(t, "zero points", one.ZeroPoint, whole.ZeroPoint)
		same(t, "codes", codesOf(t, x, shape, one), codesOf(t, x, nil, whole))
	})
}
