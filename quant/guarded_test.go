package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// eachTier runs test once for each tier of this machine.
func eachTier(t *testing.T, test func(t *testing.T, v vectors)) {
	for _, tier := range cpu.Available() {
		t.Run(tier.String(), func(t *testing.T) { test(t, vectors{tier: tier}) })
	}
}

// specials are floats where something may go wrong: NaNs of both signs, quiet and not, infinities, zeros, subnormals,
// and the largest.
var specials = []float32{
	math.Float32frombits(0x7fc00000), math.Float32frombits(0xffc00000), math.Float32frombits(0x7f800001),
	math.Float32frombits(0xffbfffff), math.Float32frombits(0x7fffffff), float32(math.Inf(1)), float32(math.Inf(-1)),
	0, math.Float32frombits(1 << 31), math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1.fffffcp-127,
	0x1p-126, math.MaxFloat32, -math.MaxFloat32, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 1e9, -1e9,
}

// values returns n floats: specials, ties of the scale and their neighbours, and others of its size.
func values(n int, scale float32, next func() uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		r := next()
		switch r % 4 {
		case 0:
			x[i] = specials[next()%uint64(len(specials))]
		case 1, 2:
			tie := float32(float64(int64(r>>8%1024)-512)+0.5) * scale
			x[i] = math.Float32frombits(math.Float32bits(tie) + uint32(r>>2%5) - 2)
		default:
			x[i] = float32(int32(uint32(r))) / (1 << 31) * 300 * scale
		}
	}
	return x
}

// storable are types of codes with zero points, which fill a byte or not.
var storable = []struct {
	typ       Type
	zeroPoint int32
}{{Int(8), 0}, {Int(8), -128}, {Int(8), 127}, {Uint(8), 0}, {Uint(8), 255}, {Uint(8), 131}, {Int(2), -1}, {Uint(3), 5}}

// checkQuantize compares the codes of x, made so many elements behind a line, with the plain ones.
func checkQuantize[Q int8 | uint8](t rapid.TB, v vectors, x []float32, offset int, typ Type, scale float32, zero int32) {
	t.Helper()
	qmin, qmax := typ.Range()
	want := make([]Q, len(x))
	quantizeGeneric(want, x, scale, zero, qmin, qmax)
	const guard = 0x55
	got, intact := kerneltest.Guarded(len(x), offset, Q(guard))
	quantizeRun(v, got, x, scale, zero, qmin, qmax)
	if err := intact(); err != nil {
		t.Fatalf("%d of %v behind %d: %v", len(x), typ, offset, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, scale %v (%#08x), zero point %d, element %d of %d, %v (%#08x), behind %d: code %d, want %d", typ, scale,
				math.Float32bits(scale), zero, i, len(x), x[i], math.Float32bits(x[i]), offset, got[i], want[i])
		}
	}
}

func checkQuantizeType(t rapid.TB, v vectors, x []float32, offset int, typ Type, scale float32, zero int32) {
	t.Helper()
	if typ.Unsigned {
		checkQuantize[uint8](t, v, x, offset, typ, scale, zero)
	} else {
		checkQuantize[int8](t, v, x, offset, typ, scale, zero)
	}
}

// checkDequantize is checkQuantize the other way, for all codes that a byte can be, its bits compared.
func checkDequantize[Q int8 | uint8](t rapid.TB, v vectors, q []Q, offset int, scale float32, zero int32) {
	t.Helper()
	want := make([]float32, len(q))
	dequantizeGeneric(want, q, scale, zero)
	const guard = -12345.5
	got, intact := kerneltest.Guarded(len(q), offset, float32(guard))
	dequantizeRun(v, got, q, scale, zero)
	if err := intact(); err != nil {
		t.Fatalf("%d behind %d: %v", len(q), offset, err)
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("scale %v, zero point %d, element %d of %d, code %d, behind %d: %v, want %v",
				scale, zero, i, len(q), q[i], offset, got[i], want[i])
		}
	}
}
