package tensor

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
)

// halves are the conversions of many elements beside those of one, which are the reference.
var halves = []struct {
	name      string
	dtype     DType
	widen     func(cpu.Tier, []float32, []byte)
	narrow    func(cpu.Tier, []byte, []float32)
	widenOne  func(uint16) float32
	narrowOne func(float32) uint16
}{
	{"float16", Float16, widenFloat16, narrowFloat16, Float16ToFloat32, Float32ToFloat16},
	{"bfloat16", BFloat16, widenBFloat16, narrowBFloat16, bfloat16ToFloat32, float32ToBFloat16},
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

// checkNarrow is checkWiden the other way.
func checkNarrow(t rapid.TB, tier cpu.Tier, half int, src []float32, offset int) {
	t.Helper()
	h, n := halves[half], len(src)
	whole := bytes.Repeat([]byte{0xa5}, margin+offset+2*n+margin)
	want := bytes.Clone(whole)
	first := margin + offset
	for i, f := range src {
		binary.LittleEndian.PutUint16(want[first+2*i:], h.narrowOne(f))
	}
	h.narrow(tier, whole[first:first+2*n:first+2*n], src)
	for i := range whole {
		if whole[i] != want[i] {
			at := (i - first) / 2
			if i < first || at >= n {
				t.Fatalf("%d elements: wrote beside them, %d bytes from their beginning", n, i-first)
			}
			t.Fatalf("element %d of %d, %#08x: %x, want %x", at, n, math.Float32bits(src[at]), whole[first+2*at:][:2], want[first+2*at:][:2])
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
			narrowFloat16Vector(tier, codes, floats), narrowBFloat16Vector(tier, codes, floats),
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

// Around every value that a half can have, and around the middle between it and the next, for both types.
func TestNarrowAtBoundaries(t *testing.T) {
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		var x []float32
		for h := range 1 << 16 {
			if testing.Short() && h%7 != 0 {
				continue
			}
			value := math.Float32bits(halves[i].widenOne(uint16(h)))
			next := math.Float32bits(halves[i].widenOne(uint16(h) + 1))
			middle := value + (next-value)/2
			for d := range uint32(3) {
				x = append(x, math.Float32frombits(value+d-1), math.Float32frombits(middle+d-1))
			}
		}
		checkNarrow(t, tier, i, x, 0)
	})
}

// Bits at random are of every size, NaNs with payloads among them.
func TestNarrowRandom(t *testing.T) {
	n := 1 << 18
	if testing.Short() {
		n = 1 << 14
	}
	x := make([]float32, n)
	state := uint64(1)
	for i := range x {
		state = state*6364136223846793005 + 1442695040888963407
		x[i] = math.Float32frombits(uint32(state >> 32))
		if i%2 == 0 { // of the sizes that float16 has
			x[i] = math.Float32frombits(uint32(state>>32)&0x8fffffff | 0x30000000)
		}
	}
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) { checkNarrow(t, tier, i, x, 0) })
}

func TestHalvesLengthsAndAlignments(t *testing.T) {
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		for n := range 131 {
			for offset := 0; offset < 64; offset += 1 + n%13 {
				src, x := make([]byte, 2*n), make([]float32, n)
				for k := range x {
					src[2*k], src[2*k+1] = byte(k*37+offset), byte(k*91+n)
					x[k] = float32(k-n/2) * 1.37
				}
				checkWiden(t, tier, i, src, offset)
				checkNarrow(t, tier, i, x, offset)
			}
		}
	})
}

func TestHalvesAgree(t *testing.T) {
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		rapid.Check(t, func(t *rapid.T) {
			anything := rapid.Map(rapid.Uint32(), math.Float32frombits)
			x := rapid.SliceOfN(rapid.OneOf(rapid.Float32(), anything), 0, 100).Draw(t, "x")
			offset := rapid.IntRange(0, 15).Draw(t, "offset")
			checkNarrow(t, tier, i, x, offset)
			checkWiden(t, tier, i, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "src"), offset)
		})
	})
}

func TestWriteFloat32s(t *testing.T) {
	x := []float32{1, -2.5, 1 + 0x1p-10, 65519, 1e-8, 0x1.fffffep127}
	for _, c := range []struct {
		dtype DType
		want  []float32
	}{
		{Float16, []float32{1, -2.5, 1 + 0x1p-10, 65504, 0, float32(math.Inf(1))}},
		{BFloat16, []float32{1, -2.5, 1, 65536, 0x1.58p-27, float32(math.Inf(1))}},
		{Float32, x},
	} {
		to := Tensor{c.dtype, Shape{len(x)}, make([]byte, len(x)*c.dtype.Size())}
		if err := to.WriteFloat32s(x); err != nil {
			t.Fatal(err)
		}
		got, err := to.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v of %v is %v, want %v", c.dtype, x[i], got[i], c.want[i])
			}
		}
	}
	if err := (Tensor{Float16, Shape{2}, make([]byte, 4)}).WriteFloat32s(x); err == nil {
		t.Error("a tensor took more elements than it has")
	}
	if err := (Tensor{Int8, Shape{6}, make([]byte, 6)}).WriteFloat32s(x); err == nil {
		t.Error("an int8 tensor took floats")
	}
}

// FuzzHalves gives any bytes, as halves and as floats, to every tier, which must agree with the functions for one.
func FuzzHalves(f *testing.F) {
	f.Add(uint8(0), []byte("any bytes will do: two are a half, four are a float"))
	f.Add(uint8(1), []byte{0, 0, 0xc0, 0x7f, 1, 0, 0x80, 0xff, 0, 0xe0, 0x7f, 0x47, 0xff, 0xff, 0x7f, 0x33})
	f.Fuzz(func(t *testing.T, offset uint8, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		x := make([]float32, len(data)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		for _, tier := range cpu.Available() {
			for i := range halves {
				checkWiden(t, tier, i, data, int(offset%16))
				checkNarrow(t, tier, i, x, int(offset%16))
			}
		}
	})
}

// A kernel does so many elements at a time; each part is there, and so is what lies across its end.
func TestHalvesInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("many elements")
	}
	x, src := make([]float32, atATime+29), make([]byte, 2*(atATime+29))
	for i := range x {
		x[i] = float32(i%4099) / 7
		binary.LittleEndian.PutUint16(src[2*i:], uint16(i*7))
	}
	eachHalf(t, func(t *testing.T, tier cpu.Tier, i int) {
		checkWiden(t, tier, i, src, 1)
		checkNarrow(t, tier, i, x, 1)
	})
}

func BenchmarkHalves(b *testing.B) {
	const n = 1 << 20
	for _, h := range halves {
		to := Tensor{h.dtype, Shape{n}, make([]byte, 2*n)}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i-n/2) / 1000
		}
		b.Run(h.name+"/narrow", func(b *testing.B) {
			b.SetBytes(6 * n)
			for b.Loop() {
				if err := to.WriteFloat32s(x); err != nil {
					b.Fatal(err)
				}
			}
		})
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
