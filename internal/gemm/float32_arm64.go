//go:build !purego

package gemm

import "linquant/internal/cpu"

// float32Tier returns the tier of the kernel that serves a tier.
func float32Tier(t cpu.Tier) cpu.Tier {
	if t == cpu.Generic {
		return t
	}
	return cpu.NEON
}

// float32Panels are weights for the vector kernels, in panels of 16 channels: [panels][k][16]. The channels missing in
// the last are 0.
type float32Panels struct {
	k       int
	weights []float32
}

func packFloat32Panels(w []float32, n, k int, _ cpu.Tier) float32Panels {
	size := (n + panelWidth - 1) / panelWidth * panelWidth * k
	p := float32Panels{k: k, weights: make([]float32, size+readAhead/4)}
	for j := range n {
		panel, c := p.weights[(j-j%panelWidth)*k:], j%panelWidth
		for x, v := range w[j*k:][:k] {
			panel[x*panelWidth+c] = v
		}
	}
	return p
}

func (p *float32Panels) accumulate(acc, a []float32, lda, rows, j int) (width int) {
	w := &p.weights[j*p.k]
	for r := 0; r < rows; {
		start, height, count := nextTiles(r, rows, 6, 4)
		acc, a := &acc[start*panelWidth], &a[start*lda]
		switch height {
		case 6:
			float32NEON6x16(acc, a, lda, count, w, p.k)
		case 4:
			float32NEON4x16(acc, a, lda, count, w, p.k)
		default:
			float32NEON1x16(acc, a, lda, count, w, p.k)
		}
		r = start + height*count
	}
	return panelWidth
}
