package quant

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
	_ "linquant/internal/testing/seeds"
	"linquant/tensor"
)

// checkColumns quantizes rows of x with one scale an element and the other way, and compares with one element at a time.
func checkColumns[Q int8 | uint8](t rapid.TB, v vectors, x, scale []float32, zero []int32, offset int, typ Type) {
	t.Helper()
	qmin, qmax := typ.Range()
	codes, reals := make([]Q, len(x)), make([]float32, len(x))
	for i := range x {
		c := i % len(scale)
		quantizeGeneric(codes[i:i+1], x[i:i+1], scale[c], at(zero, c), qmin, qmax)
		dequantizeGeneric(reals[i:i+1], codes[i:i+1], scale[c], at(zero, c))
	}
	gotCodes, intact := kerneltest.Guarded(len(x), offset, Q(0x55))
	quantizeColumns(v.tier, gotCodes, x, scale, zero, qmin, qmax)
	if err := intact(); err != nil {
		t.Fatalf("%d elements of %d channels: %v", len(x), len(scale), err)
	}
	for i := range codes {
		if c := i % len(scale); gotCodes[i] != codes[i] {
			t.Fatalf("%v, scale %v, zero point %d, element %d of %d with %d channels, %v: code %d, want %d",
				typ, scale[c], at(zero, c), i, len(x), len(scale), x[i], gotCodes[i], codes[i])
		}
	}
	gotReals, intact := kerneltest.Guarded(len(x), offset, float32(-12345.5))
	dequantizeColumns(v.tier, gotReals, codes, scale, zero)
	if err := intact(); err != nil {
		t.Fatalf("%d elements of %d channels: %v", len(x), len(scale), err)
	}
	for i := range reals {
		if c := i % len(scale); math.Float32bits(gotReals[i]) != math.Float32bits(reals[i]) {
			t.Fatalf("%v, scale %v, zero point %d, element %d of %d with %d channels, code %d: %v, want %v",
				typ, scale[c], at(zero, c), i, len(x), len(scale), codes[i], gotReals[i], reals[i])
		}
	}
}

func TestRowsHaveKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		x, q, scale := make([]float32, 64), make([]byte, 64), slices.Repeat([]float32{1}, 64)
		want := 0
		if v.tier != cpu.Generic && runtime.GOARCH == "amd64" {
			want = 64
		}
		if n := quantizeRow(v.tier, q, x, scale, nil, &quantizer{}); n != want {
			t.Errorf("quantizeRow did %d of 64 elements, want %d", n, want)
		}
		if n := dequantizeRow(v.tier, x, q, scale, nil, &dequantizer{}); n != want {
			t.Errorf("dequantizeRow did %d of 64 elements, want %d", n, want)
		}
	})
}

// Scales of every size stand beside each other, and zero points at both ends and between.
func TestColumns(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(7)
		for channels := 1; channels <= 130; channels++ {
			scale, signed, unsigned := make([]float32, channels), make([]int32, channels), make([]int32, channels)
			x := make([]float32, 3*channels)
			for c := range scale {
				scale[c] = 0.37
				if next()%4 == 0 {
					scale[c] = math.Float32frombits(uint32(next()%(0x7f800000-0x00800000)) + 0x00800000)
				}
				unsigned[c] = []int32{0, 255, 128, int32(next() % 256)}[next()%4]
				signed[c] = unsigned[c] - 128
				for row := range 3 {
					x[row*channels+c] = values(1, scale[c], next)[0]
				}
			}
			offset := channels % 64
			checkColumns[int8](t, v, x, scale, nil, offset, Int(8))
			checkColumns[int8](t, v, x, scale, signed, offset, Int(8))
			checkColumns[uint8](t, v, x, scale, unsigned, offset, Uint(8))
			checkColumns[uint8](t, v, x, scale, nil, offset, Uint(3))
		}
	})
}

// Parameters, codes and reals of a transposed tensor with its channels first are those of the tensor with them last.
func TestLastAxisIsFirstOfTransposed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, channels := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 40).Draw(t, "channels")
		last := rapid.SliceOfN(rapid.Float32Range(-100, 100), rows*channels, rows*channels).Draw(t, "x")
		first := transposed(last, rows, channels)
		lastShape, firstShape := tensor.Shape{rows, channels}, tensor.Shape{channels, rows}
		byLast, byFirst := Layout{Per: PerChannel, Axis: 1}, Layout{Per: PerChannel}
		for _, affine := range []bool{false, true} {
			quantize := func(x []float32, shape tensor.Shape, l Layout) ([]int8, []float32, Params) {
				q, y := make([]int8, len(x)), make([]float32, len(x))
				var p Params
				var err error
				if affine {
					p, err = QuantizeAffine(q, x, shape, Int(8), l, false)
				} else {
					p, err = QuantizeSymmetric(q, x, shape, Int(8), l)
				}
				if err == nil {
					err = Dequantize(y, q, shape, p)
				}
				if err != nil {
					t.Fatal(err)
				}
				return q, y, p
			}
			q1, y1, p1 := quantize(last, lastShape, byLast)
			q2, y2, p2 := quantize(first, firstShape, byFirst)
			if !slices.Equal(p1.Scale, p2.Scale) || !slices.Equal(p1.ZeroPoint, p2.ZeroPoint) {
				t.Fatalf("%v, %v along the last axis; %v, %v along the first", p1.Scale, p1.ZeroPoint, p2.Scale, p2.ZeroPoint)
			}
			if !slices.Equal(transposed(q1, rows, channels), q2) || !slices.Equal(transposed(y1, rows, channels), y2) {
				t.Fatalf("%v, %v along the last axis; %v, %v along the first", q1, y1, q2, y2)
			}
		}
	})
}

func transposed[T any](x []T, rows, columns int) []T {
	y := make([]T, len(x))
	for i := range x {
		y[i%columns*rows+i/columns] = x[i]
	}
	return y
}
