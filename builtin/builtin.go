// Package builtin is a data set and a network that need no files: both come with the program.
//
// The data are pictures of the digits 0 to 9, 32×32 pixels in colour, that look a little like photographs of house
// numbers: drawn with the Go fonts in varied colour, position, rotation, width, slant and scale, on gradients, with
// shadows, neighbours, clutter, bars across them, blur and noise. Picture i of a split is made from the split's seed
// and i alone, in integers, so that it is the same on every platform and can be had without those before it.
//
// The network is an eighth as wide as the VGG of package models and was trained on the split "train" by
// tools/train_builtin.py, which says how well it does on the split "test", whose pictures it has not seen.
package builtin

import (
	"context"
	"fmt"

	"linquant/tensor"
)

// Splits of the data, their seeds and how many pictures each has.
const (
	train, test         = "train", "test"
	trainSeed, testSeed = 1, 2
	trainLen, testLen   = 20_000, 2_000
)

// Set is one split of the generated data. It has the methods of a dataset.Set, and is safe for concurrent use.
type Set struct {
	split string
	seed  uint64
	n     int
}

// Data returns a split of the generated data: "train" with 20,000 pictures or "test" with 2,000.
func Data(split string) (*Set, error) {
	switch split {
	case train:
		return &Set{split, trainSeed, trainLen}, nil
	case test:
		return &Set{split, testSeed, testLen}, nil
	}
	return nil, fmt.Errorf("builtin: %q is no split of the built-in data; there are %s and %s", split, train, test)
}

// Name returns "builtin train" or "builtin test".
func (s *Set) Name() string { return "builtin " + s.split }

// Len returns the number of pictures.
func (s *Set) Len() int { return s.n }

// Shape returns [3, 32, 32]: red, green and blue, rows, columns.
func (s *Set) Shape() tensor.Shape { return tensor.Shape{3, size, size} }

// Classes returns the characters, "0" to "9".
func (s *Set) Classes() []string {
	names := make([]string, len(characters))
	for i, c := range characters {
		names[i] = string(c)
	}
	return names
}

// Pixels returns true: the values are 0…255.
func (s *Set) Pixels() bool { return true }

// Close does nothing.
func (s *Set) Close() error { return nil }

// Read draws picture i into dst, which must have 3·32·32 elements, and returns which character it shows. Every ten
// pictures from a multiple of ten on show each character once.
func (s *Set) Read(ctx context.Context, i int, dst []float32) (label int, err error) {
	if i < 0 || i >= s.n {
		return 0, fmt.Errorf("%s: there is no picture %d, the set has %d", s.Name(), i, s.n)
	}
	if len(dst) != 3*size*size {
		return 0, fmt.Errorf("%s: a picture of shape %v does not fit %d values", s.Name(), s.Shape(), len(dst))
	}
	label = s.label(i)
	r := newRandom(s.seed, uint64(i))
	picture := draw(&r, label)
	for ch := range picture {
		for j, v := range picture[ch] {
			dst[ch*size*size+j] = float32(min(max((v+depth/2)/depth, 0), 255))
		}
	}
	return label, nil
}

// label returns what picture i shows: item i of a permutation of the characters that each ten pictures have anew.
func (s *Set) label(i int) int {
	const n = len(characters)
	r := newRandom(^s.seed, uint64(i/n))
	var order [n]int
	for k := range order { // Fisher and Yates, inside out
		j := r.below(k + 1)
		order[k], order[j] = order[j], k
	}
	return order[i%n]
}
