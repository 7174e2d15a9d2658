//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/cpu"
)

// int8Tier returns the tier of the kernel that serves a tier.
func int8Tier(t cpu.Tier) cpu.Tier {
	switch t {
	case cpu.AVX2, cpu.AVXVNNI, cpu.AVX512VNNI, cpu.AMX:
		return t
	default:
		return cpu.Generic
	}
}

// int8Panels are weights for the vector kernels, in panels of 32 or 16 channels, in steps of 4 k. What is missing in the
// last panel and step is 0. They are bytes or words.
type int8Panels struct {
	n, k  int
	tier  cpu.Tier
	bytes []int8     // [panels][⌈k/4⌉][width][4]
	words wordPanels // instead of bytes, for AVX2 where it is packed each time
	avx2  *avx2Panels
	amx   *amxPanels
}

func packInt8Panels(w []int8, n, k int, tier cpu.Tier) int8Panels {
	if tier == cpu.AMX {
		return int8Panels{amx: packAMX(w, n, Runs{Count: 1, Length: k})}
	}
	p := int8Panels{n: n, k: k, tier: tier}
	if tier == cpu.AVX2 {
		p.avx2 = packAVX2(w, n, k, k)
		return p
	}
	bytes := alignedBytes((n + 15) / 16 * p.offset(16))
	p.bytes = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes))
	for first := 0; first < n; {
		width := panelWidth(first, n, tier)
		for j := first; j < min(first+width, n); j++ {
			for x, code := range w[j*k:][:k] {
				p.bytes[p.offset(first)+x/4*width*4+(j-first)*4+x%4] = code
			}
		}
		first += width
	}
	return p
}

// offset returns where the panel that begins at channel j begins.
func (p *int8Panels) offset(j int) int { return j * ((p.k + 3) / 4 * 4) }

func (p *int8Panels) accumulate(acc []int32, a []byte, lda, rows, j int) (width int) {
	if p.amx != nil {
		return p.amx.accumulate(acc, p.amx.width(j), a, lda, rows, j)
	}
	var room [blockRows]uint32
	tails := rowTails(room[:], a, lda, rows, p.k)
	if p.words.room != nil {
		return p.words.accumulate(acc, a, lda, rows, j, tails)
	}
	if p.avx2 != nil {
		return p.avx2.accumulate(acc, a, lda, rows, j, tails)
	}
	width = panelWidth(j, p.n, p.tier)
	if p.tier == cpu.AVX512VNNI {
		var zeros [maxWidth]int32
		p.sum512(&sums512{acc, width, acc, a, lda, rows, &zeros[0], tails}, j, width)
		return width
	}
	p.sum256(acc, width, a, lda, rows, j, tails)
	return width
}

// sum256 fills acc, rows of which are ldacc apart, with the sums of the panel that begins at channel j, on AVX-VNNI.
func (p *int8Panels) sum256(acc []int32, ldacc int, a []byte, lda, rows, j int, tails []uint32) {
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, 6, 4)
		var tail *uint32
		if tails != nil {
			tail = &tails[start]
		}
		p.tiles(&acc[start*ldacc], ldacc, &a[start*lda], lda, height, count, j, tail)
		r = start + height*count
	}
}

// tiles runs the kernel of AVX-VNNI for tiles of height rows on the panel that begins at channel j.
func (p *int8Panels) tiles(acc *int32, ldacc int, a *byte, lda, height, count, j int, tail *uint32) {
	steps := p.k / 4
	w := &p.bytes[p.offset(j)]
	switch {
	case height == 6:
		int8AVXVNNI6x16(acc, ldacc, a, lda, count, w, steps, tail)
	case height == 4:
		int8AVXVNNI4x16(acc, ldacc, a, lda, count, w, steps, tail)
	default:
		int8AVXVNNI1x16(acc, ldacc, a, lda, count, w, steps, tail)
	}
}
