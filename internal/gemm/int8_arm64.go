//go:build !purego

package gemm

import (
	"math"

	"linquant/internal/cpu"
)

// int8Tier returns the tier of the kernel that serves a tier.
func int8Tier(t cpu.Tier) cpu.Tier {
	switch t {
	case cpu.NEON, cpu.DotProd, cpu.I8MM:
		return t
	default:
		return cpu.Generic
	}
}

// stepBytes is the number of bytes of a row that kernels take at a time, a register.
const stepBytes = 16

// int8Panels are weights for the vector kernels, in panels of 16 channels. In a panel, bytes that are multiplied at the
// same time lie side by side: [⌈k/run⌉][16][run], as many whole runs as k needs groups. What is missing in the last
// panel and group is 0.
type int8Panels struct {
	n, k int
	tier cpu.Tier
	run  int // consecutive k of a channel: 2 (NEON), 4 (DotProd), 8 (I8MM)
	wide bool

	codes []int8
	start []int32 // [panels][16], where the sums begin: 128·Σ_k w[j,k]; nil for I8MM
}

func packInt8Panels(w []int8, n, k int, tier cpu.Tier) int8Panels {
	p := int8Panels{n: n, k: k, tier: tier}
	panels := (n + panelWidth - 1) / panelWidth
	switch tier {
	case cpu.NEON:
		p.run, p.wide = 2, overflowsPairs(w, k)
	case cpu.DotProd:
		p.run = 4
	default:
		p.run = 8
	}
	if tier != cpu.I8MM {
		p.start = make([]int32, panels*panelWidth)
	}
	p.codes = make([]int8, panels*p.offset(panelWidth)+readAhead)
	for j := range n {
		panel, c := p.codes[p.offset(j-j%panelWidth):], j%panelWidth
		sum := int32(0)
		for x, code := range w[j*k:][:k] {
			panel[x/p.run*p.run*panelWidth+c*p.run+x%p.run] = code
			sum += int32(code)
		}
		if p.start != nil {
			p.start[j] = sum * 128
		}
	}
	return p
}

// overflowsPairs reports whether two products that int8NEON adds in 16 bits can leave them: those of k and k+2, for
// the first two k of each four, with any signed bytes. Only -128·-128 twice can.
func overflowsPairs(w []int8, k int) bool {
	for len(w) >= k && k > 2 {
		for x := 0; x+2 < k; x++ {
			if x%4 < 2 && w[x] == math.MinInt8 && w[x+2] == math.MinInt8 {
				return true
			}
		}
		w = w[k:]
	}
	return false
}

// group returns the number of k in a group.
func (p *int8Panels) group() int { return max(p.run, 4) }

// offset returns where the panel that begins at channel j begins.
func (p *int8Panels) offset(j int) int {
	group := p.group()
	return j * ((p.k + group - 1) / group * group)
}

func (p *int8Panels) accumulate(acc []int32, a []byte, lda, rows, j int) (width int) {
	// A step beyond the end of a row could leave the slice.
	var tails [blockRows * stepBytes]byte
	rest := p.k % stepBytes
	if rest != 0 {
		for r := range rows {
			copy(tails[r*stepBytes:][:stepBytes], a[r*lda+p.k-rest:][:rest])
		}
	}
	tall, short := 6, 4
	if p.tier == cpu.NEON {
		tall, short = 4, 1
	}
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, tall, short)
		p.tiles(&acc[start*panelWidth], &a[start*lda], lda, height, count, j, &tails[start*stepBytes])
		r = start + height*count
	}
	return panelWidth
}

// tiles runs the kernel for tiles of height rows on the panel that begins at channel j.
func (p *int8Panels) tiles(acc *int32, a *byte, lda, height, count, j int, tail *byte) {
	w, steps := &p.codes[p.offset(j)], p.k/stepBytes
	rest := (p.k%stepBytes + p.group() - 1) / p.group()
	if p.tier == cpu.I8MM {
		switch height {
		case 6:
			int8I8MM6x16(acc, a, lda, count, w, steps, tail, rest)
		case 4:
			int8I8MM4x16(acc, a, lda, count, w, steps, tail, rest)
		default:
			int8I8MM1x16(acc, a, lda, count, w, steps, tail, rest)
		}
		return
	}
	start := &p.start[j]
	switch {
	case p.tier == cpu.DotProd && height == 6:
		int8DotProd6x16(acc, a, lda, count, w, start, steps, tail, rest)
	case p.tier == cpu.DotProd && height == 4:
		int8DotProd4x16(acc, a, lda, count, w, start, steps, tail, rest)
	case p.tier == cpu.DotProd:
		int8DotProd1x16(acc, a, lda, count, w, start, steps, tail, rest)
	case p.wide && height == 4:
		int8NEONWide4x16(acc, a, lda, count, w, start, steps, tail, rest)
	case p.wide:
		int8NEONWide1x16(acc, a, lda, count, w, start, steps, tail, rest)
	case height == 4:
		int8NEON4x16(acc, a, lda, count, w, start, steps, tail, rest)
	default:
		int8NEON1x16(acc, a, lda, count, w, start, steps, tail, rest)
	}
}
