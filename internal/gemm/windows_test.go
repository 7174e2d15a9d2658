package gemm_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// picture is a convolution of floats over rows of depth channels.
type picture struct {
	height, width, kernel, stride, pad, dilation int
	depth, n, lda, ldd                           int
}

// windows plans it.
func (p picture) windows(tier cpu.Tier) (*gemm.Windows, bool) {
	return gemm.NewWindows(tier, gemm.WindowShape{
		Outputs: p.out(p.height) * p.out(p.width), Taps: p.kernel * p.kernel, Depth: p.depth, Channels: p.n,
		LDA: p.lda, LDD: p.ldd, Row: p.row,
	})
}

func (p picture) out(size int) int { return (size+2*p.pad-(p.kernel-1)*p.dilation-1)/p.stride + 1 }

// row returns the row that output row i sees at tap t, -1 for padding.
func (p picture) row(i, t int) int {
	across := p.out(p.width)
	y := i/across*p.stride - p.pad + t/p.kernel*p.dilation
	x := i%across*p.stride - p.pad + t%p.kernel*p.dilation
	if y < 0 || y >= p.height || x < 0 || x >= p.width {
		return -1
	}
	return y*p.width + x
}

// check compares windows, computed in so many parts, with the product of copied rows.
func (p picture) check(t rapid.TB, tier cpu.Tier, bias bool, lo, hi float32, parts int, scale float32) {
	t.Helper()
	taps, rows := p.kernel*p.kernel, p.out(p.height)*p.out(p.width)
	c := newFloatCase(p.height*p.width, p.n, taps*p.depth, p.lda, p.ldd, 3)
	c.a = c.a[:(p.height*p.width-1)*p.lda+p.depth]
	if !bias {
		c.bias = nil
	}
	for i := range c.a {
		c.a[i] *= scale
	}
	panel := make([]float32, rows*taps*p.depth)
	for i := range rows {
		for tap := range taps {
			if r := p.row(i, tap); r >= 0 {
				copy(panel[(i*taps+tap)*p.depth:], c.a[r*p.lda:][:p.depth])
			}
		}
	}
	w := gemm.PackFloat32(c.w, p.n, taps*p.depth, tier)
	want := make([]float32, (rows-1)*p.ldd+p.n)
	for i := range want {
		want[i] = -77
	}
	got, intact := kerneltest.Guarded(len(want), 0, float32(-77))
	w.Mul(want, p.ldd, panel, taps*p.depth, rows, c.bias, lo, hi)

	windows, ok := p.windows(tier)
	if !ok {
		t.Fatalf("%+v: no windows", p)
	}
	units := windows.Units(w)
	for i := range parts {
		windows.Mul(got, c.a, w, c.bias, lo, hi, units*i/parts, units*(i+1)/parts)
	}
	if err := intact(); err != nil {
		t.Fatalf("%v, %+v: %v", tier, p, err)
	}
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%v, %+v: %g at %d, want %g", tier, p, v, i, want[i])
		}
	}
}

// Panels that are gone through in chunks, and more tiles than are at it at once.
func TestWindowsLarge(t *testing.T) {
	inf := float32(math.Inf(1))
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, p := range []picture{
			{4, 4, 3, 1, 1, 1, 257, 40, 257, 40}, {13, 12, 3, 1, 1, 1, 230, 34, 230, 34}, {3, 50, 1, 1, 1, 1, 2100, 33, 2100, 33},
		} {
			for _, parts := range []int{1, 3} {
				p.check(t, tier, true, 0, inf, parts, 1)
			}
		}
	})
}

// eachWindowTier is eachTier for those with kernels for windows.
func eachWindowTier(t *testing.T, test func(t *testing.T, tier cpu.Tier)) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		if !gemm.HasWindows(tier, 16) {
			if tier >= cpu.AVX2 && tier <= cpu.AMX {
				t.Fatal("this tier should have kernels for windows")
			}
			t.Skip("no kernels for windows")
		}
		test(t, tier)
	})
}

func TestWindows(t *testing.T) {
	inf := float32(math.Inf(1))
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		for size := 1; size <= 11; size++ {
			for _, n := range []int{1, 15, 16, 17, 32, 33, 48, 49, 70} {
				p := picture{size, size, 3, 1, 1, 1, 8, n, 8, n}
				t.Run(fmt.Sprintf("%d/%d", size, n), func(t *testing.T) { p.check(t, tier, true, -inf, inf, 1, 1) })
			}
		}
	})
}

func TestWindowsRandom(t *testing.T) {
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) { checkDrawn(t, tier) })
	})
}

// FuzzWindows is TestWindowsRandom with the choices made by the fuzzer.
func FuzzWindows(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		for _, tier := range cpu.Available() {
			if gemm.HasWindows(tier, 8) {
				checkDrawn(t, tier)
			}
		}
	}))
}

// checkDrawn checks any picture.
func checkDrawn(t *rapid.T, tier cpu.Tier) {
	p := picture{
		height: rapid.IntRange(1, 13).Draw(t, "height"), width: rapid.IntRange(1, 13).Draw(t, "width"),
		kernel: rapid.IntRange(1, 5).Draw(t, "kernel"), stride: rapid.IntRange(1, 3).Draw(t, "stride"),
		pad: rapid.IntRange(0, 3).Draw(t, "pad"), dilation: rapid.IntRange(1, 2).Draw(t, "dilation"),
		depth: rapid.IntRange(8, 20).Draw(t, "depth"), n: rapid.IntRange(1, 100).Draw(t, "channels"),
	}
	if reach := (p.kernel-1)*p.dilation + 1; reach > min(p.height, p.width)+2*p.pad {
		t.Skip("larger than the picture")
	}
	p.lda, p.ldd = p.depth+rapid.IntRange(0, 5).Draw(t, "gap"), p.n+rapid.IntRange(0, 5).Draw(t, "gap after")
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	if rapid.Bool().Draw(t, "relu") {
		lo, hi = 0, rapid.SampledFrom([]float32{0.5, 6, hi}).Draw(t, "hi")
	}
	p.check(t, tier, rapid.Bool().Draw(t, "bias"), lo, hi, rapid.IntRange(1, 5).Draw(t, "parts"),
		rapid.SampledFrom([]float32{1, 0, 1e-45, 1e-40}).Draw(t, "scale")) // products that vanish leave -0
}

// Rows that are further apart than the kernels can reach are refused, and mistakes panic.
func TestWindowsMistakes(t *testing.T) {
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		same := func(i, _ int) int { return i }
		far := gemm.WindowShape{Outputs: 8, Taps: 1, Depth: 8, Channels: 8, LDA: 1 << 28, LDD: 8, Row: same}
		if _, ok := gemm.NewWindows(tier, far); ok {
			t.Error("windows over gigabytes")
		}
		large := gemm.WindowShape{Outputs: 1 << 20, Taps: 9, Depth: 8, Channels: 8, LDA: 8, LDD: 8, Row: same}
		if _, ok := gemm.NewWindows(tier, large); ok {
			t.Error("plans millions of rows")
		}
		v, _ := gemm.NewWindows(tier, gemm.WindowShape{Outputs: 2, Taps: 1, Depth: 8, Channels: 3, LDA: 8, LDD: 3, Row: same})
		w := gemm.PackFloat32(make([]float32, 24), 3, 8, tier)
		dst, a, bias := make([]float32, 6), make([]float32, 16), make([]float32, 3)
		for name, call := range map[string]func(){
			"depth": func() {
				gemm.NewWindows(tier, gemm.WindowShape{Outputs: 1, Taps: 1, Depth: 2, Channels: 3, LDA: 8, LDD: 8})
			},
			"rows overlap": func() {
				gemm.NewWindows(tier, gemm.WindowShape{Outputs: 1, Taps: 1, Depth: 9, Channels: 3, LDA: 8, LDD: 3})
			},
			"short dst": func() { v.Mul(dst[:5], a, w, bias, 0, 1, 0, 1) },
			"short a":   func() { v.Mul(dst, a[:15], w, bias, 0, 1, 0, 1) },
			"biases":    func() { v.Mul(dst, a, w, bias[:2], 0, 1, 0, 1) },
			"units":     func() { v.Mul(dst, a, w, bias, 0, 1, 0, 2) },
			"weights":   func() { v.Mul(dst, a, gemm.PackFloat32(bias, 3, 1, tier), bias, 0, 1, 0, 1) },
			"channels":  func() { v.Mul(dst, a, gemm.PackFloat32(make([]float32, 32), 4, 8, tier), nil, 0, 1, 0, 1) },
		} {
			t.Run(name, func(t *testing.T) {
				defer func() {
					if r := fmt.Sprint(recover()); !strings.HasPrefix(r, "gemm: ") {
						t.Errorf("panics with %q", r)
					}
				}()
				call()
			})
		}
	})
}

// The 3×3 convolutions of ResNet-20 and the VGG, the small ones of one example and of four at once. What is left out
// counts: rates can be beyond what the processor multiplies.
func BenchmarkWindows(b *testing.B) {
	for _, tier := range cpu.Available() {
		for _, l := range []struct{ size, depth, n int }{
			{32, 16, 16},
			{16, 32, 32},
			{8, 64, 64},
			{32, 64, 64},
			{16, 64, 128},
			{16, 128, 256},
			{8, 256, 512},
			{8, 512, 512},
			{4, 512, 512},
		} {
			for _, examples := range []int{1, 4} {
				if !gemm.HasWindows(tier, l.depth) || examples > 1 && l.size > 8 {
					continue
				}
				b.Run(fmt.Sprintf("%v/%d×%dx%dx%d→%d", tier, examples, l.size, l.size, l.depth, l.n), func(b *testing.B) {
					p := picture{l.size, l.size, 3, 1, 1, 1, l.depth, l.n, l.depth, l.n}
					rows := l.size * l.size
					windows, _ := gemm.NewWindows(tier, gemm.WindowShape{
						Outputs: examples * rows, Taps: 9, Depth: l.depth, Channels: l.n, LDA: l.depth, LDD: l.n,
						Row: func(i, t int) int {
							if r := p.row(i%rows, t); r >= 0 {
								return r + i/rows*rows
							}
							return -1
						},
					})
					w := gemm.PackFloat32(make([]float32, l.n*l.depth*9), l.n, l.depth*9, tier)
					rows *= examples
					bias, dst, a := make([]float32, l.n), make([]float32, rows*l.n), make([]float32, rows*l.depth)
					units := windows.Units(w)
					best := time.Hour // the machine may be busy, and the best of many is what it can do
					for b.Loop() {
						begin := time.Now()
						windows.Mul(dst, a, w, bias, 0, 6, 0, units)
						best = min(best, time.Since(begin))
					}
					b.ReportMetric(float64(rows*l.n*l.depth*9)/best.Seconds()/1e9, "best-GMAC/s")
				})
			}
		}
	}
}
