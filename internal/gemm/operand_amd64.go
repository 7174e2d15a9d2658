//go:build !purego

package gemm

import (
	"unsafe"

	"linquant/internal/cpu"
)

// operandTier returns the tier for products of two computed operands. Packing for AMX takes longer than it saves.
func operandTier(t cpu.Tier) cpu.Tier {
	switch t {
	case cpu.AVX2, cpu.AVXVNNI:
		return t
	case cpu.AVX512VNNI, cpu.AMX:
		return cpu.AVX512VNNI
	}
	return cpu.Generic
}

func (o *Operand) panels(room, src []byte, tier cpu.Tier) int8Panels {
	p := int8Panels{n: o.N, k: o.K, tier: tier}
	if tier == cpu.AVX2 {
		p.words = o.words(room, src)
		return p
	}
	p.bytes = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(room))), len(room))
	for first := 0; first < o.N; {
		width := panelWidth(first, o.N, tier)
		o.fours(room[p.offset(first):], src, first, width)
		first += width
	}
	return p
}

func (o *Operand) realPanels(room, src []float32, tier cpu.Tier) float32Panels {
	p := float32Panels{n: o.N, k: o.K, tier: tier, weights: room}
	for first := 0; first < o.N; {
		width := panelWidth(first, o.N, tier)
		o.reals(room[first*o.K:], src, first, width)
		first += width
	}
	return p
}
