//go:build !purego

package gemm

import "linquant/internal/kernel"

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

// wholePanel returns the stage of a kernel that makes codes for all 16 channels of a panel, of which only n have a
// meaning; it fails where it does nothing. For a part of a panel it makes codes for all, and drops the others.
func wholePanel(run func(s *Stage, dst *byte, ldd int, acc []int32, rows, j, n int) bool) codeStage {
	return func(s *Stage, dst []byte, ldd int, acc []int32, _, rows, j, n int) int {
		if n == panelWidth {
			if run(s, &dst[0], ldd, acc, rows, j, n) {
				return n
			}
			return 0
		}
		var room [blockRows * panelWidth]byte
		codes := kernel.NoEscape(&room)[:]
		if !run(s, &codes[0], panelWidth, acc, rows, j, n) {
			return 0
		}
		for r := range rows {
			copy(dst[r*ldd:][:n], codes[r*panelWidth:])
		}
		return n
	}
}

// scaledNEON is for wholePanel.
func scaledNEON(s *Stage, dst *byte, ldd int, acc []int32, rows, j, n int) bool {
	var c stageChannels
	c.fill(s, j, n)
	p := newStageParams(s.Requant, s.Flip)
	stageNEON(dst, ldd, &acc[0], rows, &c, &p)
	return true
}

// fixed is for wholePanel.
func fixed(run func(dst *byte, ldd int, acc *int32, rows int, t *fixedTable)) func(
	s *Stage, dst *byte, ldd int, acc []int32, rows, j, n int,
) bool {
	return func(s *Stage, dst *byte, ldd int, acc []int32, rows, j, n int) bool {
		var t fixedTable
		if !t.fill(s, j, n) {
			return false
		}
		run(dst, ldd, &acc[0], rows, kernel.NoEscape(&t))
		return true
	}
}

// realsNEON is a realStage: for a part of a panel it computes all channels, and drops the others.
func realsNEON(s *floatStage, dst []float32, ldd int, acc []float32, _, rows, n int) int {
	if n == panelWidth {
		floatStageNEON(&dst[0], ldd, &acc[0], rows, &s.bias[0], s.lo, s.hi)
		return n
	}
	var bias [panelWidth]float32
	copy(bias[:], s.bias)
	var out [blockRows * panelWidth]float32
	floatStageNEON(&out[0], panelWidth, &acc[0], rows, &bias[0], s.lo, s.hi)
	for r := range rows {
		copy(dst[r*ldd:][:n], out[r*panelWidth:])
	}
	return n
}
