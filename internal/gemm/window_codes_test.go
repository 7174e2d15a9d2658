package gemm_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// eachWindowsTier runs a test on every tier that has kernels for windows of few codes.
func eachWindowsTier(t *testing.T, test func(t *testing.T, tier cpu.Tier)) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		if !gemm.HasInt8Windows(tier, 4, quant.ONNX) {
			t.Skip("no kernels for windows of so few codes")
		}
		test(t, tier)
	})
}

// codeWindows is a product of windows with its operands, as a test describes it.
type codeWindows struct {
	outputs, taps, depth, n int
	rows                    []int // [outputs, taps]: which row of a, -1 for padding
	lda, ldd                int
	zero                    byte
	a                       []byte
	w                       []int8
	bias                    []int32
	requant                 *quant.Requantizer
	flip                    byte
}

func (c *codeWindows) in(i, t int) int {
	if r := c.rows[i*c.taps+t]; r >= 0 {
		return r * c.lda
	}
	return -1
}

// code is the truth: the stored code of output row i and channel j.
func (c *codeWindows) code(i, j int) byte {
	sum := c.bias[j]
	for t := range c.taps {
		if at := c.in(i, t); at >= 0 {
			for k := range c.depth {
				sum += (int32(c.a[at+k]) - int32(c.zero)) * int32(c.w[(j*c.taps+t)*c.depth+k])
			}
		}
	}
	return byte(c.requant.Code(sum, min(c.requant.Channels()-1, 1)*j)) ^ c.flip
}

// check computes the windows in parts, and compares.
func (c *codeWindows) check(t rapid.TB, tier cpu.Tier, tiles, panels int) {
	t.Helper()
	v := gemm.NewInt8Windows(c.n, c.outputs, c.taps, c.depth, c.zero, c.in, func(i int) int { return i * c.ldd }, tier)
	weight := gemm.PackInt8Windows(c.w, c.n, c.taps, c.depth, tier)
	bias := v.Biases(gemm.TapSums(c.w, c.depth), c.bias, int32(c.zero))
	s := &gemm.Stage{Bias: c.bias, Requant: c.requant, Flip: c.flip}
	const guard = 0xa5
	dst, intact := kerneltest.Guarded((c.outputs-1)*c.ldd+c.n, 0, byte(guard))
	for tile := 0; tile < v.Tiles(); tile += tiles {
		for panel := 0; panel < weight.Panels(); panel += panels {
			weight.MulWindows(dst, c.a, v, bias, s, tile, min(tile+tiles, v.Tiles()), panel, min(panel+panels, weight.Panels()))
		}
	}
	if err := intact(); err != nil {
		t.Fatal(err)
	}
	for i := range dst {
		row, col := i/c.ldd, i%c.ldd
		want := byte(guard)
		if col < c.n {
			want = c.code(row, col)
		}
		if dst[i] != want {
			t.Fatalf("%d outputs, %d taps of %d, %d channels: [%d, %d] is %d, want %d",
				c.outputs, c.taps, c.depth, c.n, row, col, dst[i], want)
		}
	}
}

// Windows at random places, some of them padding, as no convolution has them.
func TestInt8Windows(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		var depths []int
		for depth := 4; depth <= 68; depth += 4 {
			if gemm.HasInt8Windows(tier, depth, quant.ONNX) {
				depths = append(depths, depth)
			}
		}
		if depths == nil {
			if tier == cpu.AVX512VNNI || tier == cpu.AVXVNNI {
				t.Fatal("no kernels")
			}
			t.Skip("no kernels for so few codes")
		}
		testInt8Windows(t, tier, depths)
	})
}

func testInt8Windows(t *testing.T, tier cpu.Tier, depths []int) {
	rapid.Check(t, func(t *rapid.T) {
		c := codeWindows{
			outputs: rapid.IntRange(1, 70).Draw(t, "outputs"), taps: rapid.IntRange(1, 9).Draw(t, "taps"),
			depth: rapid.SampledFrom(depths).Draw(t, "depth"),
			n:     rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 16)).Draw(t, "channels"),
			zero:  rapid.Byte().Draw(t, "zero"), flip: rapid.SampledFrom([]byte{0, 0x80}).Draw(t, "flip"),
		}
		c.lda = c.depth + rapid.SampledFrom([]int{0, 0, 0, 1, 5}).Draw(t, "lda")
		c.ldd = c.n + rapid.IntRange(0, 5).Draw(t, "ldd")
		pictureRows := rapid.IntRange(1, 90).Draw(t, "rows")
		// Neighbours often see neighbours, and often lack the same taps.
		missing := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 0, 3, 17, 100}), c.taps, c.taps).Draw(t, "missing")
		noise := rapid.Bool().Draw(t, "noise")
		next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
		for i := range c.outputs {
			for tap := range c.taps {
				switch {
				case missing[tap] > 0 && (i/missing[tap])%2 == 0:
					c.rows = append(c.rows, -1)
				case noise && next()%8 == 0:
					c.rows = append(c.rows, int(next())%pictureRows)
				default:
					c.rows = append(c.rows, (i+tap)%pictureRows)
				}
			}
		}
		c.a = make([]byte, (pictureRows-1)*c.lda+c.depth)
		for i := range c.a {
			c.a[i] = byte(next())
		}
		c.w = make([]int8, c.n*c.taps*c.depth)
		for i := range c.w {
			c.w[i] = int8(next())
		}
		c.bias = make([]int32, c.n)
		for i := range c.bias {
			c.bias[i] = int32(next()) >> 8
		}
		c.requant = drawRequantizer(t, c.n, c.taps*c.depth)
		if c.requant.Convention == quant.Fixed || c.requant.Convention == quant.FixedDouble {
			t.Skip("not fused")
		}
		c.check(t, tier, rapid.IntRange(1, 9).Draw(t, "tiles"), rapid.IntRange(1, 3).Draw(t, "panels"))
	})
}

func TestInt8WindowsPanic(t *testing.T) { eachWindowsTier(t, testInt8WindowsPanic) }

func testInt8WindowsPanic(t *testing.T, tier cpu.Tier) {
	at := func(i, t int) int { return 4 * (i + t) }
	far := func(i, _ int) int { return i << 31 }
	out := func(i int) int { return 3 * i }
	v := gemm.NewInt8Windows(3, 10, 2, 4, 0, at, out, tier) // reads 44 bytes, writes 30
	w := gemm.PackInt8(make([]int8, 24), 3, 8, tier)
	bias := v.Biases(make([]int32, 6), make([]int32, 3), 0)
	good := func() *gemm.Stage {
		return &gemm.Stage{Bias: make([]int32, 3), Requant: requantizer(t, quant.ONNX, 0.1)}
	}
	zeros, fixed := good(), good()
	zeros.WeightZero = make([]int32, 3)
	fixed.Requant = requantizer(t, quant.Fixed, 0.1)
	mul := func(dst, a int, bias []int32, s *gemm.Stage, end, endPanel int) func() {
		return func() { w.MulWindows(make([]byte, dst), make([]byte, a), v, bias, s, 0, end, 0, endPanel) }
	}
	for name, tc := range map[string]struct {
		want string
		call func()
	}{
		"depth":       {"no windows", func() { gemm.NewInt8Windows(3, 10, 2, 5, 0, at, out, tier) }},
		"no outputs":  {"no windows", func() { gemm.NewInt8Windows(3, 0, 2, 4, 0, at, out, tier) }},
		"far":         {"more than 2 GiB", func() { gemm.NewInt8Windows(3, 2, 1, 4, 0, far, out, tier) }},
		"sums":        {"5 sums of taps", func() { v.Biases(make([]int32, 5), make([]int32, 3), 0) }},
		"short dst":   {"do not fit", mul(29, 44, bias, good(), v.Tiles(), 1)},
		"short a":     {"do not fit", mul(30, 43, bias, good(), v.Tiles(), 1)},
		"biases":      {"2 biases", mul(30, 44, bias[:2], good(), v.Tiles(), 1)},
		"tiles":       {"tiles 0 to", mul(30, 44, bias, good(), v.Tiles()+1, 1)},
		"panels":      {"panels 0 to 2 of 1", mul(30, 44, bias, good(), v.Tiles(), 2)},
		"weight zero": {"no kernel has", mul(30, 44, bias, zeros, v.Tiles(), 1)},
		"convention":  {"no kernel has", mul(30, 44, bias, fixed, v.Tiles(), 1)},
		"good":        {"", mul(30, 44, bias, good(), v.Tiles(), 1)},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				switch got := fmt.Sprint(recover()); {
				case tc.want == "" && got != "<nil>", !strings.Contains(got, tc.want):
					t.Errorf("panic %v, want %q", got, tc.want)
				}
			}()
			tc.call()
		})
	}
}

// More tiles than are computed at once with each panel.
func TestInt8WindowsMany(t *testing.T) { eachWindowsTier(t, testInt8WindowsMany) }

func testInt8WindowsMany(t *testing.T, tier cpu.Tier) {
	c := codeWindows{outputs: 600, taps: 1, depth: 2048, n: 40, lda: 2048, ldd: 41, zero: 3}
	next := kerneltest.Random(1)
	c.a, c.w, c.bias = make([]byte, c.outputs*c.lda), make([]int8, c.n*c.depth), make([]int32, c.n)
	for i := range c.a {
		c.a[i] = byte(next())
	}
	for i := range c.w {
		c.w[i] = int8(next())
	}
	for i := range c.outputs {
		c.rows = append(c.rows, i*7%c.outputs)
	}
	c.requant = requantizer(t, quant.ONNX, 0.0001)
	c.check(t, tier, 1000, 2)
}
