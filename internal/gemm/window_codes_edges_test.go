package gemm_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// convolution returns the windows of a convolution with that kernel over a picture, all weights and codes drawn.
func convolution(t *rapid.T, height, width, kernel, stride, pad, depth, n int) codeWindows {
	out := func(size int) int { return (size+2*pad-kernel)/stride + 1 }
	c := codeWindows{
		outputs: out(height) * out(width), taps: kernel * kernel, depth: depth, n: n,
		zero: rapid.Byte().Draw(t, "zero"), flip: 0x80,
	}
	c.lda, c.ldd = depth, n+rapid.IntRange(0, 3).Draw(t, "gap")
	for at := range c.outputs {
		for tap := range c.taps {
			y, x := at/out(width)*stride+tap/kernel-pad, at%out(width)*stride+tap%kernel-pad
			row := -1
			if y >= 0 && y < height && x >= 0 && x < width {
				row = y*width + x
			}
			c.rows = append(c.rows, row)
		}
	}
	next := kerneltest.Random(rapid.Uint64().Draw(t, "seed"))
	bits := rapid.SampledFrom([]int{5, 8}).Draw(t, "bits")
	c.a, c.w, c.bias = make([]byte, height*width*depth), make([]int8, n*c.taps*depth), make([]int32, n)
	for i := range c.a {
		c.a[i] = byte(next())
	}
	for i := range c.w {
		c.w[i] = int8(next()) >> (8 - bits)
	}
	for i := range c.bias {
		c.bias[i] = int32(next()) >> 8
	}
	c.requant = requantizer(t, rapid.SampledFrom(conventions[:2]).Draw(t, "convention"), 0.5/float64(depth*c.taps))
	return c
}

// Convolutions on either side of whatever a plan depends on, for every tier that has kernels for them: the depth from
// which AVX2 has some, the channels of a narrow panel, the width of a tile of lines, kernels whose taps are in threes.
func TestInt8WindowsEdges(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		var depths []int
		for _, depth := range []int{4, 8, 64, 120, 124, 128, 132, 136, 192} {
			if gemm.HasInt8Windows(tier, depth, quant.ONNX) {
				depths = append(depths, depth)
			}
		}
		if depths == nil {
			t.Skip("no kernels for windows")
		}
		rapid.Check(t, func(t *rapid.T) {
			kernel := rapid.SampledFrom([]int{3, 3, 3, 1, 2}).Draw(t, "kernel")
			c := convolution(t, rapid.SampledFrom([]int{3, 4, 5}).Draw(t, "height"),
				rapid.SampledFrom([]int{4, 14, 15, 16, 17, 18, 19, 33, 34}).Draw(t, "width"), kernel,
				rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "stride"), rapid.IntRange(0, kernel/2).Draw(t, "pad"),
				rapid.SampledFrom(depths).Draw(t, "depth"),
				rapid.SampledFrom([]int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33}).Draw(t, "channels"))
			c.check(t, tier, rapid.SampledFrom([]int{2, 1000}).Draw(t, "tiles"), 1)
		})
	})
}

// Windows of one line below padding: those that see nothing but padding go on, in memory, with those that begin the
// picture, and are yet no line with them.
func TestInt8WindowsBelowPadding(t *testing.T) {
	eachWindowsTier(t, func(t *testing.T, tier cpu.Tier) {
		const padded, seen = 20, 40
		c := codeWindows{outputs: padded + seen, taps: 3, depth: 4, n: 16, lda: 4, ldd: 16, zero: 9, requant: requantizer(t, quant.ONNX, 0.01)}
		for i := range c.outputs {
			for tap := range c.taps {
				row := i - padded + tap
				if i < padded {
					row = -1
				}
				c.rows = append(c.rows, row)
			}
		}
		next := kerneltest.Random(3)
		c.a, c.w, c.bias = make([]byte, (seen+2)*c.lda), make([]int8, c.n*c.taps*c.depth), make([]int32, c.n)
		for i := range c.a {
			c.a[i] = byte(next())
		}
		for i := range c.w {
			c.w[i] = int8(next())
		}
		c.check(t, tier, 1, 1)
	})
}
