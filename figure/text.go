package figure

import (
	"strings"
	"unicode"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// fit is s made printable, and with its middle replaced by … where it is wider than room: the two ends of a layer's
// name tell most. Where not even the … has room, it is returned alone.
func fit(f font.Face, s string, room vg.Length) string {
	s = printable(s)
	if f.Width(s) <= room {
		return s
	}
	runes := []rune(s)
	// The number of runes kept, found by bisection, since the width grows with it but for kerning.
	low, high := 0, len(runes)-1
	for low < high {
		mid := (low + high + 1) / 2
		if f.Width(abbreviate(runes, mid)) <= room {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return abbreviate(runes, low)
}

func abbreviate(runes []rune, keep int) string {
	head := (keep + 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(keep-head):])
}

// printable replaces what neither a line of a picture nor XML can hold: control characters, line breaks, broken UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
