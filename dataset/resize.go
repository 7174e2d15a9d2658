package dataset

import (
	"context"
	"math"

	"linquant/internal/ended"
)

// The filter of Pillow's Image.resize with BILINEAR: every pixel of the result is the mean of the pixels around the
// place that it has in the image, weighted by a triangle as wide as two pixels of the larger of the two grids. Weights
// are normalized and rounded to 22 bits; the rest is integers.

// weightBits are the bits of a weight after the point: 8 bits of pixel and the sign leave so many of 32, less one.
const weightBits = 32 - 8 - 2

// taps are the pixels that one pixel of the result is made of.
type taps struct {
	first   int
	weights []int32
}

// bytesOfTaps bounds what triangle takes for each pixel of the longer row.
const bytesOfTaps = 96

// triangle returns the taps for every pixel of a row that has n and shall have m.
func triangle(n, m int) []taps {
	scale := float64(n) / float64(m)
	wide := max(scale, 1) // half the triangle
	all := make([]taps, m)
	for i := range all {
		center := float64((float64(i) + 0.5) * scale) // rounded before it is added to: no fused multiply-add
		first := max(int(center-wide+0.5), 0)
		end := min(int(center+wide+0.5), n)
		weights, sum := make([]float64, end-first), 0.0
		for k := range weights {
			w := max(1-math.Abs(float64((float64(first+k)-center+0.5)*(1/wide))), 0)
			weights[k] = w
			sum += w
		}
		t := taps{first, make([]int32, len(weights))}
		for k, w := range weights {
			if sum != 0 {
				w /= sum
			}
			t.weights[k] = int32(0.5 + float64(w*(1<<weightBits)))
		}
		all[i] = t
	}
	return all
}

// resize returns the image with another size: first its rows, then its columns.
func (b bitmap) resize(ctx context.Context, height, width int) (bitmap, error) {
	height, width = max(height, 1), max(width, 1)
	var err error
	if width != b.width {
		b, err = b.resizeRows(ctx, width)
	}
	if err == nil && height != b.height {
		b, err = b.resizeColumns(ctx, height)
	}
	return b, err
}

func (b bitmap) resizeRows(ctx context.Context, width int) (bitmap, error) {
	all := triangle(b.width, width)
	to := newBitmap(b.channels, b.height, width)
	for y := range b.channels * b.height {
		if ctx.Err() != nil {
			return bitmap{}, ended.Err(ctx)
		}
		src, dst := b.pixels[y*b.width:][:b.width], to.pixels[y*width:][:width]
		for x, t := range all {
			sum := int32(1 << (weightBits - 1))
			for k, v := range src[t.first:][:len(t.weights)] {
				sum += t.weights[k] * int32(v)
			}
			dst[x] = level(sum)
		}
	}
	return to, nil
}

func (b bitmap) resizeColumns(ctx context.Context, height int) (bitmap, error) {
	to := newBitmap(b.channels, height, b.width)
	sums := make([]int32, b.width)
	for y, t := range triangle(b.height, height) {
		if ctx.Err() != nil {
			return bitmap{}, ended.Err(ctx)
		}
		for c := range b.channels {
			for x := range sums {
				sums[x] = 1 << (weightBits - 1)
			}
			for k, w := range t.weights {
				for x, v := range b.pixels[(c*b.height+t.first+k)*b.width:][:b.width] {
					sums[x] += w * int32(v)
				}
			}
			for x, sum := range sums {
				to.pixels[(c*height+y)*b.width+x] = level(sum)
			}
		}
	}
	return to, nil
}

// level returns a sum as a pixel.
func level(sum int32) uint8 { return uint8(min(max(sum>>weightBits, 0), 255)) }
