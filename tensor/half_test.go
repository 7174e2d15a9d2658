package tensor

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
)

// halves are the conversions of many elements beside those of one, which are the reference.
var halves = []struct {
	name     string
	dtype    DType
	widen    func(cpu.Tier, []float32, []byte)
	widenOne func(uint16) float32
}{
	{"float16", Float16, widenFloat16, Float16ToFloat32},
	{"bfloat16", BFloat16, widenBFloat16, bfloat16ToFloat32},
}

// eachHalf runs test for each type on each tier of this machine.
func eachHalf(t *testing.T, test func(t *testing.T, tier cpu.Tier, i int)) {
	for _, tier := range cpu.Available() {
		for i, h := range halves {
			t.Run(tier.String()+"/"+h.name, func(t *testing.T) { test(t, tier, i) })
		}
	}
}

// margin is the number of guard elements on either side of a destination.
const margin = 70

// checkWiden compares the floats of src, little-endian and at an address that may be odd, with those of one element.
func checkWiden(t rapid.TB, tier cpu.Tier, half int, src []byte, offset int) {
	t.Helper()
	h, n := halves[half], len(src)/2
	moved := append(make([]byte, offset), src...)[offset : offset+len(src) : offset+len(src)]
	whole := make([]float32, margin+offset+n+margin)
	for i := range whole {
		whole[i] = -12345.5
	}
	first := margin + offset
	h.widen(tier, whole[first:first+n:first+n], moved)
	for i, got := range whole {
		want := float32(-12345.5)
		if i >= first && i < first+n {
			want = h.widenOne(binary.LittleEndian.Uint16(src[2*(i-first):]))
		}
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%d elements, element %d: %#08x, want %#08x", n, i-first, math.Float32bits(got), math.Float32bits(want))
		}
	}
}

// A tier without its kernels would pass all other tests.
func TestTiersHaveKernels(t *testing.T) {
	for _, tier := range cpu.Available() {
		want := 0
		if tier != cpu.Generic && runtime.GOARCH == "amd64" {
			want = 32
		}
		floats, codes := make([]float32, 32), make([]byte, 64)
		for i, n := range []int{
			widenFloat16Vector(tier, floats, codes), widenBFloat16Vector(tier, floats, codes),
		} {
			if n != want {
				t.Errorf("%v: kernel %d did %d of 32 elements, want %d", tier, i, n, want)
			}
		}
	}
}

func TestWidenExhaustively(t *testing.T) {
	all := make([]byte, 2<<16)
	for h := range 1 << 16 {
		binary.LittleEndian.PutUint16(all[2*h:], uint16(h))
	}
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) { checkWiden(t, tier, i, all, 0) })
}

func TestHalvesLengthsAndAlignments(t *testing.T) {
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		for n := range 131 {
			for offset := 0; offset < 64; offset += 1 + n%13 {
				src := make([]byte, 2*n)
				for k := range n {
					src[2*k], src[2*k+1] = byte(k*37+offset), byte(k*91+n)
				}
				checkWiden(t, tier, i, src, offset)
			}
		}
	})
}

func TestHalvesAgree(t *testing.T) {
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		rapid.Check(t, func(t *rapid.T) {
			offset := rapid.IntRange(0, 15).Draw(t, "offset")
			checkWiden(t, tier, i, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "src"), offset)
		})
	})
}

// FuzzHalves gives any bytes to every tier, which must agree with the functions for one.
func FuzzHalves(f *testing.F) {
	f.Add(uint8(0), []byte("any bytes will do: two are a half, four are a float"))
	f.Add(uint8(1), []byte{0, 0, 0xc0, 0x7f, 1, 0, 0x80, 0xff, 0, 0xe0, 0x7f, 0x47, 0xff, 0xff, 0x7f, 0x33})
	f.Fuzz(func(t *testing.T, offset uint8, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		for _, tier := range cpu.Available() {
			for i := range halves {
				checkWiden(t, tier, i, data, int(offset%16))
			}
		}
	})
}

// A kernel does so many elements at a time; each part is there, and so is what lies across its end.
func TestHalvesInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("many elements")
	}
	src := make([]byte, 2*(atATime+29))
	for i := range atATime + 29 {
		binary.LittleEndian.PutUint16(src[2*i:], uint16(i*7))
	}
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		checkWiden(t, tier, i, src, 1)
	})
}

func BenchmarkHalves(b *testing.B) {
	const n = 1 << 20
	for _, h := range halves {
		to := Tensor{h.dtype, Shape{n}, make([]byte, 2*n)}
		x := make([]float32, n)
		b.Run(h.name+"/widen", func(b *testing.B) {
			b.SetBytes(6 * n)
			for b.Loop() {
				if err := to.ReadFloat32s(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
