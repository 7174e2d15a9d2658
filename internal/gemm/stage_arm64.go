//go:build !purego

package gemm

import (
	"linquant/internal/cpu"
	"linquant/quant"
)

// stageChannels are its constants for the channels of a panel. Beyond the last channel they are 0.
type stageChannels struct {
	bias [panelWidth]int32
	mult [panelWidth]float32
}

// fill takes the constants of n channels from j on.
func (c *stageChannels) fill(s *Stage, j, n int) {
	copy(c.bias[:], s.Bias[j:j+n])
	mult := s.Requant.Multipliers()
	if len(mult) > 1 {
		copy(c.mult[:], mult[j:j+n])
		return
	}
	for i := range c.mult {
		c.mult[i] = mult[0]
	}
}

// stageNEON fills dst[r·ldd+c], for r < rows and all 16 channels c of a panel, with
//
//	byte(RNE(clamp(float32(acc[r·16+c]+c.bias[c])·c.mult[c] + p.before, p.lo, p.hi)) + p.after)
//
// all products and sums rounded to float32.
//
//go:noescape
func stageNEON(dst *byte, ldd int, acc *int32, rows int, c *stageChannels, p *stageParams)

// floatStageNEON fills dst[r·ldd+c] with acc[r·16+c] + bias[c], made lo where it is less and hi where it is greater,
// for r < rows and all 16 channels c of a panel.
//
//go:noescape
func floatStageNEON(dst *float32, ldd int, acc *float32, rows int, bias *float32, lo, hi float32)

// applyVector is apply, and returns how many of the n channels it did.
func (s *Stage) applyVector(dst []byte, ldd int, acc []int32, _, rows, j, n int, _ cpu.Tier) int {
	if n < panelWidth {
		return s.applyPart(dst, ldd, acc, rows, j, n)
	}
	return s.applyPanel(&dst[0], ldd, acc, rows, j, n)
}

// applyPart is applyVector for the first n of a panel's channels: it makes codes for all, and drops the others.
func (s *Stage) applyPart(dst []byte, ldd int, acc []int32, rows, j, n int) int {
	var codes [blockRows * panelWidth]byte
	done := s.applyPanel(&codes[0], panelWidth, acc, rows, j, n)
	for r := range rows {
		copy(dst[r*ldd:][:done], codes[r*panelWidth:])
	}
	return done
}

// applyPanel makes codes for all 16 channels of a panel, of which only n have a meaning, and returns n; or 0 where it
// did nothing.
func (s *Stage) applyPanel(dst *byte, ldd int, acc []int32, rows, j, n int) int {
	switch s.Requant.Convention {
	case quant.Fixed, quant.FixedDouble:
		var t fixedTable
		if !t.fill(s, j, n) {
			return 0
		}
		if s.Requant.Convention == quant.Fixed {
			stageFixedNEON(dst, ldd, &acc[0], rows, &t)
		} else {
			stageFixedDoubleNEON(dst, ldd, &acc[0], rows, &t)
		}
	default:
		var c stageChannels
		c.fill(s, j, n)
		p := newStageParams(s.Requant, s.Flip)
		stageNEON(dst, ldd, &acc[0], rows, &c, &p)
	}
	return n
}

// applyVector is apply, and returns how many of the n channels it did.
func (s *floatStage) applyVector(dst []float32, ldd int, acc []float32, _, rows, n int, _ cpu.Tier) int {
	if n < panelWidth {
		s.applyPart(dst, ldd, acc, rows, n)
		return n
	}
	floatStageNEON(&dst[0], ldd, &acc[0], rows, &s.bias[0], s.lo, s.hi)
	return n
}

// applyPart is applyVector for the first n of a panel's channels: it computes all, and drops the others.
func (s *floatStage) applyPart(dst []float32, ldd int, acc []float32, rows, n int) {
	var bias [panelWidth]float32
	copy(bias[:], s.bias)
	var out [blockRows * panelWidth]float32
	floatStageNEON(&out[0], panelWidth, &acc[0], rows, &bias[0], s.lo, s.hi)
	for r := range rows {
		copy(dst[r*ldd:][:n], out[r*panelWidth:])
	}
}
