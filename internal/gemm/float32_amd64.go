//go:build !purego

package gemm

import "linquant/internal/cpu"

// float32Tier returns the tier of the kernel that serves a tier.
func float32Tier(t cpu.Tier) cpu.Tier {
	switch t {
	case cpu.AVX2, cpu.AVXVNNI:
		return cpu.AVX2
	case cpu.AVX512VNNI, cpu.AMX:
		return cpu.AVX512VNNI
	default:
		return cpu.Generic
	}
}

// float32Panels are weights for the vector kernels, in panels of 32 or 16 channels: [panels][k][width]. The channels
// missing in the last are 0.
type float32Panels struct {
	n, k    int
	tier    cpu.Tier
	weights []float32
}

func packFloat32Panels(w []float32, n, k int, tier cpu.Tier) float32Panels {
	p := float32Panels{n: n, k: k, tier: tier, weights: make([]float32, (n+15)/16*16*k)}
	for first := 0; first < n; {
		width := panelWidth(first, n, tier)
		panel := p.weights[first*k:]
		for j := first; j < min(first+width, n); j++ {
			for x, v := range w[j*k:][:k] {
				panel[x*width+j-first] = v
			}
		}
		first += width
	}
	return p
}

func (p *float32Panels) accumulate(acc, a []float32, lda, rows, j int) (width int) {
	width = panelWidth(j, p.n, p.tier)
	tall, short := p.heights(width)
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, tall, short)
		p.tiles(&acc[start*width], &a[start*lda], lda, height, width, count, j)
		r = start + height*count
	}
	return width
}

// heights returns the rows of the tiles that there are kernels for, besides single rows.
func (p *float32Panels) heights(width int) (tall, short int) {
	switch {
	case p.tier == cpu.AVX2:
		return 6, 4
	case width == 32:
		return 8, 4
	default:
		return 16, 8
	}
}

// tiles runs the kernel for tiles of height rows on the panel that begins at channel j.
func (p *float32Panels) tiles(acc, a *float32, lda, height, width, count, j int) {
	w := &p.weights[j*p.k]
	switch {
	case p.tier == cpu.AVX2 && height == 6:
		float32AVX2x6x16(acc, a, lda, count, w, p.k)
	case p.tier == cpu.AVX2 && height == 4:
		float32AVX2x4x16(acc, a, lda, count, w, p.k)
	case p.tier == cpu.AVX2:
		float32AVX2x1x16(acc, a, lda, count, w, p.k)
	case width == 32 && height == 8:
		float32AVX512x8x32(acc, a, lda, count, w, p.k)
	case width == 32 && height == 4:
		float32AVX512x4x32(acc, a, lda, count, w, p.k)
	case width == 32:
		float32AVX512x1x32(acc, a, lda, count, w, p.k)
	case height == 16:
		float32AVX512x16x16(acc, a, lda, count, w, p.k)
	case height == 8:
		float32AVX512x8x16(acc, a, lda, count, w, p.k)
	default:
		float32AVX512x1x16(acc, a, lda, count, w, p.k)
	}
}
