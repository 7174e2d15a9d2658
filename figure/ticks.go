package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// tick is a place on an axis with its label.
type tick struct {
	value float64
	label string
}

// roundTicks are multiples of a round step (1, 2 or 5 times a power of ten) in lo..hi, at most most of them.
func roundTicks(lo, hi float64, most int) []tick {
	span := hi - lo
	if !(span > 0) || !finite(span) {
		return nil
	}
	const largest = 308 // exponent of a float64
	for exp := max(int(math.Floor(math.Log10(span)))-2, -largest); exp <= largest; exp++ {
		for _, m := range []float64{1, 2, 5} {
			step := m * pow10(exp)
			first, last := math.Ceil(lo/step-1e-9), math.Floor(hi/step+1e-9)
			if !(last-first < float64(most)) {
				continue
			}
			ticks := make([]tick, 0, most)
			for i := 0; first+float64(i) <= last && i < most; i++ {
				v := (first + float64(i)) * step
				ticks = append(ticks, tick{v, realLabel(v, exp)})
			}
			return ticks
		}
	}
	return nil
}

// pow10 asks the parser, since math.Pow may differ by an ulp between processors.
func pow10(exp int) float64 {
	v, _ := strconv.ParseFloat("1e"+strconv.Itoa(exp), 64)
	return v
}

// realLabel has as many digits after the point as a step of 1, 2 or 5 times 10^exp needs.
func realLabel(v float64, exp int) string {
	if v == 0 {
		return "0"
	}
	if exp < -4 || exp > 5 {
		return minus(strconv.FormatFloat(v, 'e', max(0, int(math.Floor(math.Log10(math.Abs(v))+1e-9))-exp), 64))
	}
	return minus(strconv.FormatFloat(v, 'f', max(0, -exp), 64))
}

// minus puts the sign that is as wide as a digit for the hyphen.
func minus(s string) string { return strings.ReplaceAll(s, "-", "\u2212") }

// fittingTicks are the round ticks that fit side by side on an axis of a length, at most most of them.
func fittingTicks(lo, hi float64, length vg.Length, f font.Face, most int) []tick {
	for ; most > 1; most-- {
		ticks := roundTicks(lo, hi, most)
		if apart(ticks, length/vg.Length(hi-lo), f) {
			return ticks
		}
	}
	return nil
}

// codeTicks label the integers lo..hi: each of them where that fits, or else the two ends and the multiples of a
// power of two between them that make at most five labels: −128, −64, 0, 64, 127.
func codeTicks(lo, hi int, unit vg.Length, f font.Face) []tick {
	ticks := multiples(lo, hi, 1)
	if len(ticks) <= 2 || apart(ticks, unit, f) {
		return ticks
	}
	step := 2
	for (hi-lo)/step > 4 {
		step *= 2
	}
	for ; step < hi-lo; step *= 2 {
		if ticks := withEnds(multiples(lo, hi, step), lo, hi, unit, f); apart(ticks, unit, f) {
			return ticks
		}
	}
	if ends := []tick{codeTick(lo), codeTick(hi)}; apart(ends, unit, f) {
		return ends
	}
	return []tick{codeTick(lo)}
}

func codeTick(code int) tick { return tick{float64(code), minus(strconv.Itoa(code))} }

func multiples(lo, hi, step int) []tick {
	var ticks []tick
	for code := lo; code <= hi; code++ {
		if code%step == 0 {
			ticks = append(ticks, codeTick(code))
		}
	}
	return ticks
}

// withEnds adds the first and the last code, each in place of the multiple beside it where there is no room for both.
func withEnds(ticks []tick, lo, hi int, unit vg.Length, f font.Face) []tick {
	first, last := codeTick(lo), codeTick(hi)
	for len(ticks) > 0 && !apart([]tick{first, ticks[0]}, unit, f) {
		ticks = ticks[1:]
	}
	for len(ticks) > 0 && !apart([]tick{ticks[len(ticks)-1], last}, unit, f) {
		ticks = ticks[:len(ticks)-1]
	}
	return append(append([]tick{first}, ticks...), last)
}

// apart reports whether labels centred on their ticks leave a gap between each other, on an axis of unit points per 1.
func apart(ticks []tick, unit vg.Length, f font.Face) bool {
	const gap = 3
	for i := 1; i < len(ticks); i++ {
		room := vg.Length(ticks[i].value-ticks[i-1].value) * unit
		if (f.Width(ticks[i-1].label)+f.Width(ticks[i].label))/2+gap > room {
			return false
		}
	}
	return true
}
