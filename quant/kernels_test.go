package quant

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// A tier without its kernel would pass all other tests.
func TestTiersHaveKernels(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		x, codes := make([]float32, 64), make([]byte, 64)
		p, _ := newQuantizer(1, 0, 0, 255, false)
		d := newDequantizer(1, 0, false)
		want := 0
		if v.tier != cpu.Generic && runtime.GOARCH == "amd64" {
			want = 64
		}
		if n := v.quantize(codes, x, &p, false); n != want {
			t.Errorf("quantize did %d of 64 elements, want %d", n, want)
		}
		if n := v.dequantize(x, codes, &d, false); n != want {
			t.Errorf("dequantize did %d of 64 elements, want %d", n, want)
		}
		if _, n := v.extremes(x); n != want {
			t.Errorf("extremes did %d of 64 elements, want %d", n, want)
		}
	})
}

func TestLengthsAndAlignments(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 13
	}
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(1)
		for n := range 131 {
			for offset := 0; offset < 64; offset += step {
				s := storable[(n+offset)%len(storable)]
				checkQuantizeType(t, v, values(n+offset, 0.37, next)[offset:], offset, s.typ, 0.37, s.zeroPoint)
				q := make([]uint8, n)
				for i := range q {
					q[i] = uint8(next())
				}
				checkDequantize(t, v, q, offset%16, 0.37, s.zeroPoint)
				checkDequantize(t, v, signed(q), offset%16, 0.37, s.zeroPoint)
			}
		}
	})
}

func signed(q []uint8) []int8 {
	s := make([]int8, len(q))
	for i, c := range q {
		s[i] = int8(c)
	}
	return s
}

// What goes past the caches begins and ends in whole lines; what is beside them is not lost.
func TestStreams(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		v.stream = true
		next := kerneltest.Random(2)
		x := values(streamRun+200, 3, next)
		q := make([]uint8, len(x))
		for i := range q {
			q[i] = uint8(next())
		}
		for _, more := range []int{-1, 0, 1, 7, 31, 32, 33, 63, 64, 65, 100, 129} {
			for _, offset := range []int{0, 1, 15, 16, 31, 32, 33, 63} {
				n := streamRun + more
				checkQuantize[int8](t, v, x[offset:offset+n], offset, Int(8), 3, 9)
				checkQuantize[uint8](t, v, x[:n], offset, Uint(8), 3, 9)
				checkDequantize(t, v, q[offset:offset+n], offset, 3, 9)
				checkDequantize(t, v, signed(q[:n]), offset, 3, 9)
			}
		}
	})
}

// A kernel does so many elements at a time; each part is there, and so is what lies across its end.
func TestParts(t *testing.T) {
	if testing.Short() {
		t.Skip("a long run")
	}
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(9)
		x := values(atATime+100, 0.1, next)
		q := make([]uint8, len(x))
		for i := range q {
			q[i] = uint8(next())
		}
		for _, v.stream = range []bool{false, true} {
			checkQuantize[int8](t, v, x, 5, Int(8), 0.1, 9)
			checkDequantize(t, v, q, 5, 3, 9)
		}
		clear(x)
		for _, at := range []int{0, atATime - 1, atATime, atATime + 99} {
			for _, extreme := range []float32{3, -3, float32(math.NaN())} {
				x[at] = extreme
				checkExtremes(t, v, x)
				x[at] = 0
			}
		}
	})
}

// Every special value meets scales of every size, with all codes and zero points of the types.
func TestSpecialsAtAllScales(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(3)
		for e := -126; e < 128; e++ {
			scale := float32(math.Ldexp(1+float64(next()%(1<<23))/(1<<23), e))
			for _, s := range storable {
				x := append(values(105, scale, next), specials...)
				checkQuantizeType(t, v, x, 0, s.typ, scale, s.zeroPoint)
			}
			q := make([]uint8, 256)
			for i := range q {
				q[i] = uint8(i)
			}
			checkDequantize(t, v, q, 0, scale, int32(next()%256))
			checkDequantize(t, v, signed(q), 0, scale, int32(next()%256)-128)
		}
	})
}

// Quotients at a tie and just beside it, on every side of it that float32 has, are where a division that is not exact
// would show.
func TestDivisionNearTies(t *testing.T) {
	scales := 1000
	if testing.Short() {
		scales = 200
	}
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(4)
		x := make([]float32, 0, 256*5)
		for range scales {
			scale := math.Float32frombits(uint32(next()%(191-63)+63)<<23 | uint32(next()%(1<<23)))
			x = x[:0]
			for k := range 256 {
				tie := math.Float32bits(float32((float64(k) - 127.5) * float64(scale)))
				for ulps := range uint32(5) {
					x = append(x, math.Float32frombits(tie+ulps-2))
				}
			}
			checkQuantize[int8](t, v, x, 0, Int(8), scale, 0)
		}
	})
}

// All quotients that the kernels' division might get wrong, and with them a code; see quantizer. With m the middle
// between a tie and the number next to it, as an odd integer of 25 bits, x·2^j = scale·m + d for a small d decides scale
// and x, but for powers of two.
func TestHardestQuotients(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		found := 0
		for k := range 256 {
			tie := float64(k) + 0.5
			middles := []float64{tie + ulp(tie)/2, tie - ulp(math.Nextafter(tie, 0))/2}
			for _, middle := range middles {
				fraction, exponent := math.Frexp(middle)
				m := uint64(fraction * (1 << 25))
				inverse := m // modulo powers of two, by Newton's iteration
				for range 5 {
					inverse *= 2 - m*inverse
				}
				for d := int64(-20); d <= 20; d++ {
					for j := 24; j <= 25; j++ {
						scale := -uint64(d) * inverse % (1 << j)
						x := (scale*m + uint64(d)) >> j
						if scale>>23 != 1 || x>>23 != 1 || d == 0 {
							continue
						}
						found++
						r := float32(math.Ldexp(float64(x), j+exponent-25))
						if got := float64(r / float32(scale)); math.Abs(got-middle) > ulp(tie) {
							t.Fatalf("the quotient is %v, want about %v", got, middle)
						}
						list := []float32{r, -r, r, -r, r, -r, r, -r}
						checkQuantize[uint8](t, v, list, 0, Uint(8), float32(scale), 0)
						checkQuantize[uint8](t, v, list, 0, Uint(8), float32(scale), 255)
					}
				}
			}
		}
		if found < 5000 {
			t.Errorf("only %d quotients were tried", found)
		}
	})
}

// ulp returns the distance of |x|, a float32, from the next larger one.
func ulp(x float64) float64 {
	v := float32(math.Abs(x))
	return float64(math.Nextafter32(v, math.MaxFloat32)) - float64(v)
}

func TestKernelsAgree(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		rapid.Check(t, func(t *rapid.T) {
			scale := rapid.Float32Range(minScale, math.MaxFloat32).Draw(t, "scale")
			s := rapid.SampledFrom(storable).Draw(t, "type")
			anything := rapid.Map(rapid.Uint32(), math.Float32frombits)
			near := rapid.Map(rapid.Float32Range(-600, 600), func(r float32) float32 { return r * scale })
			x := rapid.SliceOfN(rapid.OneOf(anything, near), 0, 300).Draw(t, "x")
			offset := rapid.IntRange(0, 63).Draw(t, "offset")
			checkQuantizeType(t, v, x, offset, s.typ, scale, s.zeroPoint)
			q := rapid.SliceOfN(rapid.Uint8(), 0, 300).Draw(t, "q")
			checkDequantize(t, v, q, offset, scale, s.zeroPoint)
			checkDequantize(t, v, signed(q), offset, scale, s.zeroPoint)
		})
	})
}

// Codes of 32 bits have no kernel, whatever their type.
func TestWideStorage(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		x := values(100, 0.5, kerneltest.Random(5))
		narrow, wide := make([]int8, len(x)), make([]int32, len(x))
		quantizeRun(v, narrow, x, 0.5, 3, -128, 127)
		quantizeRun(v, wide, x, 0.5, 3, -128, 127)
		for i := range x {
			if wide[i] != int32(narrow[i]) {
				t.Fatalf("%v has code %d as int32, %d as int8", x[i], wide[i], narrow[i])
			}
		}
		a, b := make([]float32, len(x)), make([]float32, len(x))
		dequantizeRun(v, a, narrow, 0.5, 3)
		dequantizeRun(v, b, wide, 0.5, 3)
		if !slices.Equal(a, b) {
			t.Error("the reals of int32 codes differ from those of int8 ones")
		}
	})
}

// FuzzElements gives any floats, and any bytes as codes, to every tier, which must agree with the plain loops.
func FuzzElements(f *testing.F) {
	f.Add(float32(0.37), uint8(3), uint8(1), []byte("any bytes will do: four are a float, one is a code"))
	f.Add(float32(0x1p-64), uint8(0), uint8(0), []byte{0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff, 0, 0, 0, 0x20})
	f.Fuzz(func(t *testing.T, scale float32, kind, offset uint8, data []byte) {
		if checkScale(scale) != nil || len(data) > 1<<12 {
			return
		}
		s := storable[int(kind)%len(storable)]
		x := make([]float32, len(data)/4)
		for i := range x {
			x[i] = math.Float32frombits(uint32(data[4*i]) | uint32(data[4*i+1])<<8 | uint32(data[4*i+2])<<16 | uint32(data[4*i+3])<<24)
		}
		for _, tier := range cpu.Available() {
			v := vectors{tier: tier}
			checkQuantizeType(t, v, x, int(offset%64), s.typ, scale, s.zeroPoint)
			checkDequantize(t, v, data, int(offset%64), scale, s.zeroPoint)
			checkDequantize(t, v, signed(data), int(offset%64), scale, s.zeroPoint)
			if len(x) > 0 {
				checkExtremes(t, v, x)
			}
		}
	})
}
