package engine

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
)

// Padded returns how many steps read windows in padded lines.
func Padded(p *Program) int {
	n := 0
	for i := range p.steps {
		if _, ok := p.steps[i].kernel.(*padded); ok {
			n++
		}
	}
	return n
}

// PadsLines reports whether convolutions of codes that pads and widths allow are computed in padded lines.
func PadsLines() bool { return gemm.HasRuns(cpu.Chosen(), 64) }

// What a picture's lines are followed by is overwritten each time: scratch memory holds what others left there.
func TestPaddedFill(t *testing.T) {
	g := &geometry{height: 2, width: 3, channels: 2}
	g.Kernel, g.Dilation, g.Pad, g.Out = [2]int{3, 3}, [2]int{1, 1}, [4]int{1, 1, 1, 2}, [2]int{2, 4}
	k := &padded{layer: layer{window: g}, zero: 9, pitch: 5, wide: 2}
	src := []byte{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}
	want := []byte{
		9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
		9, 9, 1, 2, 3, 4, 5, 6, 9, 9,
		9, 9, 11, 12, 13, 14, 15, 16, 9, 9,
		9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
		9, 9,
	}
	got := make([]byte, k.bytes(2))
	k.fill(got, src, 0)
	if string(got) != string(want) {
		t.Errorf("lines are %d, want %d", got, want)
	}
	k.wide = 4
	got = make([]byte, k.bytes(2))
	k.fill(got, src, 0)
	wide := []byte{9, 9, 9, 9, 11, 12, 0, 0, 13, 14, 0, 0, 15, 16, 0, 0, 9, 9, 9, 9}
	if line := got[2*len(wide):][:len(wide)]; string(line) != string(wide) {
		t.Errorf("a line of wide pixels is %d, want %d", line, wide)
	}
	k.wide = 2
	got = make([]byte, k.bytes(1))
	k.fill(got, src, 1)
	if string(got[:30]) != string(want[10:40]) || got[30] != 9 || got[31] != 9 || len(got) != 32 {
		t.Errorf("lines of the last output are %d", got)
	}
}
