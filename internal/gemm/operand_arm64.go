//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/cpu"
)

// operandTier returns the tier for products of two computed operands.
func operandTier(t cpu.Tier) cpu.Tier { return int8Tier(t) }

func (o *Operand) panels(room, src []byte, tier cpu.Tier) int8Panels {
	p := int8Panels{n: o.N, k: o.K, tier: tier, run: 8}
	switch tier {
	case cpu.NEON:
		p.run, p.wide = 2, true // to look for sums that are too large would take too long
	case cpu.DotProd:
		p.run = 4
	}
	n := (o.N + panelWidth - 1) / panelWidth * panelWidth
	size := p.offset(n)
	p.codes = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(room))), size+readAhead)
	clear(p.codes)
	for first := 0; first < o.N; first += panelWidth {
		panel := p.codes[p.offset(first):]
		for k := range o.K {
			to, at := panel[k/p.run*p.run*panelWidth+k%p.run:], first*o.StepN+k*o.StepK
			for c := range min(panelWidth, o.N-first) {
				to[c*p.run] = int8(src[at] ^ 0x80)
				at += o.StepN
			}
		}
	}
	if tier == cpu.I8MM {
		return p
	}
	p.start = unsafe.Slice((*int32)(unsafe.Pointer(&room[size+readAhead])), n)
	clear(p.start)
	o.sum(p.start[:o.N], src)
	for j := range p.start {
		p.start[j] *= 128
	}
	return p
}

func (o *Operand) realPanels(room, src []float32, _ cpu.Tier) float32Panels {
	p := float32Panels{k: o.K, weights: room}
	for first := 0; first < o.N; first += panelWidth {
		o.reals(room[first*o.K:], src, first, panelWidth)
	}
	return p
}
