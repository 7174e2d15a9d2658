package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"linquant/internal/near"
	"linquant/tensor"
)

// Input is an input of a network that examples are for.
type Input struct {
	Name  string
	Shape tensor.Shape // of one example, -1 where any number may stand; nil where it is not known
}

// Array is one of the arrays that an example consists of.
type Array struct {
	Name  string // of the input that it is for
	Shape tensor.Shape
	DType tensor.DType // as it is stored
}

// Arrays lists the arrays of an example of a set that OpenInputs opened for a network with several inputs, in the order of
// these: Read writes one after the other, and the set's Shape is [elements of all]. It is nil of every other set, whose example is one array.
func Arrays(s Set) []Array {
	for s != nil {
		switch of := s.(type) {
		case interface{ arrays() []Array }:
			return of.arrays()
		case interface{ Unwrap() Set }:
			s = of.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// sizes returns the elements of each array of an example, of one where the set has no Arrays.
func sizes(s Set) ([]int, error) {
	all := Arrays(s)
	if all == nil {
		n, err := s.Shape().Elements()
		return []int{n}, err
	}
	list := make([]int, len(all))
	for i, a := range all {
		var err error
		if list[i], err = a.Shape.Elements(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Split cuts examples, one after the other in x as Read writes them, into one slice for each input, whose sizes of one example it is given, and
// returns these in the place of dst, whose memory it uses again. With one input that is x itself.
func Split(dst [][]float32, x []float32, sizes []int) [][]float32 {
	dst = slices.Grow(dst[:0], len(sizes))[:len(sizes)]
	if len(sizes) == 1 {
		dst[0] = x
		return dst
	}
	all := 0
	for i, size := range sizes {
		dst[i] = dst[i][:0]
		all += size
	}
	for range len(x) / max(all, 1) {
		for i, size := range sizes {
			dst[i], x = append(dst[i], x[:size]...), x[size:]
		}
	}
	return dst
}

// Match says which of the arrays of a file is for which input of a network, by their names; -1 where none is. It is one rule wherever arrays are
// named: an array is for the input of its name; where none has an input's name, the arrays arr_0, arr_1, …, which NumPy calls so that
// were given no names, are for the inputs in their order, if there are as many; and for one input alone are one array alone, whatever its name, and
// of several that of the name x, images or data.
func Match(arrays, inputs []string) []int {
	at := make([]int, len(inputs))
	found := false
	for i, name := range inputs {
		at[i] = slices.Index(arrays, name)
		found = found || at[i] >= 0
	}
	switch {
	case found:
	case len(inputs) == 1 && len(arrays) == 1:
		at[0] = 0
	case len(inputs) == 1:
		for _, name := range exampleNames {
			if at[0] = slices.Index(arrays, name); at[0] >= 0 {
				break
			}
		}
	case len(inputs) == len(arrays):
		unnamed := make([]int, len(inputs))
		for i := range inputs {
			if unnamed[i] = slices.Index(arrays, "arr_"+strconv.Itoa(i)); unnamed[i] < 0 {
				return at
			}
		}
		return unnamed
	}
	return at
}

// NoArrayError is a file that has no array for an input.
type NoArrayError struct {
	Input          string   // that has none; "" where no network is known
	Inputs, Arrays []string // all names of the network, and of the file
	Split          string   // that was asked for, and whose arrays end in "_" and its name; "" for none
}

// meant returns the array that may have been meant for the input: none that is for another.
func (e *NoArrayError) meant() string {
	others := slices.DeleteFunc(slices.Clone(e.Arrays), func(name string) bool {
		return slices.Contains(e.Inputs, strings.TrimSuffix(strings.TrimSuffix(name, "_"+Train), "_"+Test))
	})
	return near.Meant(e.Input, others)
}

// Error names both sides.
func (e *NoArrayError) Error() string {
	if len(e.Inputs) == 0 {
		return fmt.Sprintf("%d arrays (%s) and none of them \"x\"; save the examples with numpy.savez(x=…, y=…)", len(e.Arrays), quoted(e.Arrays))
	}
	if len(e.Inputs) == 1 {
		return fmt.Sprintf("%d arrays (%s) and none of them %q, which the network's input is called, or \"x\"; save the examples with "+
			"numpy.savez(x=…, y=…)%s", len(e.Arrays), quoted(e.Arrays), e.Input, e.meant())
	}
	if e.Split != "" {
		return fmt.Sprintf("no array is for the input %q of the split %s: it would be called %q, and the file's arrays are %s; leave away :%s for a file "+
			"without splits", e.Input, e.Split, e.Input+"_"+e.Split, quoted(e.Arrays), e.Split)
	}
	return fmt.Sprintf("no array is for the input %q: the file's arrays are %s, and the network's inputs %s; save each with numpy.savez under "+
		"the name of its input%s", e.Input, quoted(e.Arrays), quoted(e.Inputs), e.meant())
}

// quoted lists names, the first of many.
func quoted(names []string) string {
	const most = 8
	var list []string
	for _, name := range names[:min(len(names), most)] {
		list = append(list, fmt.Sprintf("%.40q", name))
	}
	if more := len(names) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// examplesOf returns how many examples an array of that shape has for an input, and the shape of one: it is [N, …] of the input's shape, or one
// example without N. What is neither counts as the first, so that whoever takes it says what does not fit.
func examplesOf(shape tensor.Shape, in *Input) (n int, one tensor.Shape) {
	if in != nil && in.Shape != nil && len(shape) == len(in.Shape) {
		fits := true
		for i, d := range in.Shape {
			fits = fits && (d < 0 || d == shape[i])
		}
		if fits {
			return 1, slices.Clone(shape)
		}
	}
	if len(shape) == 0 {
		return 1, shape
	}
	return shape[0], slices.Clone(shape[1:])
}
