package vision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"linquant/internal/near"
)

// named are the preparations that have names, by what networks are usually trained on.
var named = []struct {
	name, what string
	p          Preprocess // with one mean and one deviation for all channels, or one for each of three
}{
	{"imagenet", "divided by 255, minus 0.485,0.456,0.406, divided by 0.229,0.224,0.225", Preprocess{
		Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225},
	}},
	{"unit", "divided by 255", Preprocess{}},
	{"0..1", "the same as unit", Preprocess{}},
	{"-1..1", "divided by 255, minus 0.5, divided by 0.5", Preprocess{Mean: []float32{0.5}, Std: []float32{0.5}}},
	{"raw", "as they are, 0 to 255", Preprocess{Divisor: 1}},
}

// Names lists what Named takes.
func Names() []string {
	var names []string
	for _, n := range named {
		names = append(names, n.name)
	}
	return names
}

// Meaning says in words what the preparation of that name does to pixels; "" of an unknown one.
func Meaning(name string) string {
	for _, n := range named {
		if n.name == name {
			return n.what
		}
	}
	return ""
}

// Named returns a preparation by its name: imagenet, unit or 0..1, -1..1, raw. It is for images of so many channels, 0
// where that is not known. Errors: another name, imagenet for other than three channels.
func Named(name string, channels int) (Preprocess, error) {
	for _, n := range named {
		if n.name != name {
			continue
		}
		p := n.p
		if len(p.Mean) > 1 && channels != len(p.Mean) && channels != 0 {
			return Preprocess{}, fmt.Errorf("%s is for images of %d channels, and the network's have %d", name, len(p.Mean), channels)
		}
		if len(p.Mean) == 1 {
			p.Mean = slices.Repeat(p.Mean, max(1, channels))
			p.Std = slices.Repeat(p.Std, max(1, channels))
		}
		p.Mean, p.Std = slices.Clone(p.Mean), slices.Clone(p.Std)
		return p, nil
	}
	return Preprocess{}, fmt.Errorf("there is no preparation %q: use %s%s", name, strings.Join(Names(), ", "), near.Meant(name, Names()))
}

// SamePixels reports whether p and other make the same numbers of a pixel: of the same colour order, whatever the layout,
// the labels and the size.
func (p Preprocess) SamePixels(other Preprocess) bool {
	return p.divisor() == other.divisor() && sameValues(p.Mean, other.Mean, 0) && sameValues(p.Std, other.Std, 1) && p.BGR == other.BGR
}

// sameValues compares numbers for each channel; none are all idle.
func sameValues(a, b []float32, idle float32) bool {
	for i := range max(len(a), len(b)) {
		x, y := idle, idle
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return false
		}
	}
	return true
}

// String says in one line what becomes of a pixel, with its name where it has one: "(pixels/255 - 0.5) / 0.5 (-1..1)".
func (p Preprocess) String() string {
	text, parts := "pixels", false
	if d := p.divisor(); d != 1 {
		text += "/" + number(d)
	}
	if !sameValues(p.Mean, nil, 0) {
		text, parts = text+" - "+numbers(p.Mean), true
	}
	if !sameValues(p.Std, nil, 1) {
		if parts {
			text = "(" + text + ")"
		}
		text += " / " + numbers(p.Std)
	}
	if text == "pixels" {
		text = "pixels as they are"
	}
	for _, n := range named {
		if own, err := Named(n.name, len(p.Mean)); err == nil && own.SamePixels(Preprocess{Divisor: p.Divisor, Mean: p.Mean, Std: p.Std}) {
			text += " (" + n.name + ")"
			break
		}
	}
	if p.BGR {
		text += ", blue first"
	}
	return text
}

// numbers writes one number where all are equal.
func numbers(list []float32) string {
	if len(slices.Compact(slices.Clone(list))) == 1 {
		return number(list[0])
	}
	var fields []string
	for _, v := range list {
		fields = append(fields, number(v))
	}
	return strings.Join(fields, ",")
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
