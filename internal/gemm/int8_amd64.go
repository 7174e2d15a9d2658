//go:build !purego

package gemm

import (
	"math"

	"linquant/internal/cpu"
)

// int8Tier returns the tier of the kernel that serves a tier.
func int8Tier(t cpu.Tier) cpu.Tier {
	switch t {
	case cpu.AVX2, cpu.AVXVNNI:
		return t
	case cpu.AVX512VNNI, cpu.AMX:
		return cpu.AVX512VNNI
	default:
		return cpu.Generic
	}
}

// int8Panels are weights for the vector kernels, in panels of 32 or 16 channels, in steps of 4 k. What is missing in the
// last panel and step is 0. They are bytes or words.
type int8Panels struct {
	n, k  int
	tier  cpu.Tier
	bytes []int8  // [panels][⌈k/4⌉][width][4]
	words []int16 // AVX2, for weights that saturate: [panels][⌈k/4⌉][2][16][2], k = 0 and 2 of a step before 1 and 3
}

func packInt8Panels(w []int8, n, k int, tier cpu.Tier) int8Panels {
	p := int8Panels{n: n, k: k, tier: tier}
	size := (n + 15) / 16 * p.offset(16)
	wide := tier == cpu.AVX2 && saturates(w, n, k)
	if wide {
		p.words = make([]int16, size)
	} else {
		p.bytes = make([]int8, size)
	}
	for first := 0; first < n; {
		width := panelWidth(first, n, tier)
		for j := first; j < min(first+width, n); j++ {
			for x, code := range w[j*k:][:k] {
				step, i := p.offset(first)+x/4*width*4, x%4
				if wide {
					p.words[step+i%2*width*2+(j-first)*2+i/2] = int16(code)
				} else {
					p.bytes[step+(j-first)*4+i] = code
				}
			}
		}
		first += width
	}
	return p
}

// saturates reports whether the sum of two neighbouring products, of weights k and k+1 for even k with any bytes, can
// leave int16, where VPMADDUBSW saturates. It cannot with weights of 7 bits.
func saturates(w []int8, n, k int) bool {
	for j := range n {
		row := w[j*k:][:k]
		for x := 0; x < k; x += 2 {
			w0, w1 := int(row[x]), 0
			if x+1 < k {
				w1 = int(row[x+1])
			}
			most, least := max(w0, 0)+max(w1, 0), min(w0, 0)+min(w1, 0)
			if 255*most > math.MaxInt16 || 255*least < math.MinInt16 {
				return true
			}
		}
	}
	return false
}

// offset returns where the panel that begins at channel j begins.
func (p *int8Panels) offset(j int) int { return j * ((p.k + 3) / 4 * 4) }

func (p *int8Panels) accumulate(acc []int32, a []byte, lda, rows, j int) (width int) {
	// A step of 4 bytes beyond the end of a row could leave the slice.
	var tails [blockRows]uint32
	steps, rest := p.k/4, p.k%4
	if rest != 0 {
		for r := range rows {
			for i, v := range a[r*lda+4*steps:][:rest] {
				tails[r] |= uint32(v) << (8 * i)
			}
		}
	}
	width = panelWidth(j, p.n, p.tier)
	tall, short := p.heights(width)
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, tall, short)
		var tail *uint32
		if rest != 0 {
			tail = &tails[start]
		}
		p.tiles(&acc[start*width], &a[start*lda], lda, height, width, count, j, tail)
		r = start + height*count
	}
	return width
}

// heights returns the rows of the tiles that there are kernels for, besides single rows.
func (p *int8Panels) heights(width int) (tall, short int) {
	switch {
	case p.tier == cpu.AVX2:
		return 4, 1
	case p.tier == cpu.AVXVNNI:
		return 6, 4
	case width == 32:
		return 8, 4
	default:
		return 16, 8
	}
}

// tiles runs the kernel for tiles of height rows on the panel that begins at channel j.
func (p *int8Panels) tiles(acc *int32, a *byte, lda, height, width, count, j int, tail *uint32) {
	steps := p.k / 4
	if p.words != nil {
		w := &p.words[p.offset(j)]
		if height == 4 {
			int8AVX2x4x16(acc, a, lda, count, w, steps, tail)
		} else {
			int8AVX2x1x16(acc, a, lda, count, w, steps, tail)
		}
		return
	}
	w := &p.bytes[p.offset(j)]
	switch {
	case p.tier == cpu.AVX2 && height == 4:
		int8AVX2Pairs4x16(acc, a, lda, count, w, steps, tail)
	case p.tier == cpu.AVX2:
		int8AVX2Pairs1x16(acc, a, lda, count, w, steps, tail)
	case p.tier == cpu.AVXVNNI && height == 6:
		int8AVXVNNI6x16(acc, a, lda, count, w, steps, tail)
	case p.tier == cpu.AVXVNNI && height == 4:
		int8AVXVNNI4x16(acc, a, lda, count, w, steps, tail)
	case p.tier == cpu.AVXVNNI:
		int8AVXVNNI1x16(acc, a, lda, count, w, steps, tail)
	case width == 32 && height == 8:
		int8VNNI8x32(acc, a, lda, count, w, steps, tail)
	case width == 32 && height == 4:
		int8VNNI4x32(acc, a, lda, count, w, steps, tail)
	case width == 32:
		int8VNNI1x32(acc, a, lda, count, w, steps, tail)
	case height == 16:
		int8VNNI16x16(acc, a, lda, count, w, steps, tail)
	case height == 8:
		int8VNNI8x16(acc, a, lda, count, w, steps, tail)
	default:
		int8VNNI1x16(acc, a, lda, count, w, steps, tail)
	}
}
