package flags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/tensor"
)

// Shapes says what shape the inputs of an ONNX model have that leaves it open.
type Shapes struct {
	size   string
	shapes []string

	// Bound are shapes that follow from the arrays that the network is to run on, where no flag gives any.
	Bound map[string]tensor.Shape
}

// Add adds --size and --shape.
func (s *Shapes) Add(f *pflag.FlagSet) {
	f.StringVar(&s.size, "size", "", "`HEIGHTxWIDTH` of images, for an ONNX model that takes any")
	f.StringArrayVar(&s.shapes, "shape", nil,
		"`NAME=NxCxHxW`, the shape of an input of an ONNX model that takes any; N is the batch whatever it is, "+
			"unless the network takes its whole input as one example; may be repeated")
}

// Given reports whether there is any.
func (s Shapes) Given() bool { return s.size != "" || len(s.shapes) > 0 }

// config returns the shapes that the flags give the inputs of the model at path; nil where they give none, or where it is
// no ONNX file, about which opening it says the rest.
func (s Shapes) config(path string) (map[string]tensor.Shape, error) {
	if !s.Given() {
		return s.Bound, nil
	}
	shapes := map[string]tensor.Shape{}
	inputs, err := pipeline.Inputs(path)
	if inputs == nil || err != nil {
		return map[string]tensor.Shape{"": {graph.Batch}}, nil // of no input: opening fails, and says why
	}
	if s.size != "" {
		if err := s.sized(inputs, shapes); err != nil {
			return nil, err
		}
	}
	for _, given := range s.shapes {
		name, dims := "", given
		if i := strings.LastIndexByte(given, '='); i >= 0 {
			name, dims = given[:i], given[i+1:]
		}
		if name == "" && len(inputs) != 1 {
			return nil, cli.Usagef("--shape %s: the network has %s, say which: NAME=%s", text.Printable(given), text.Plural(len(inputs), "input"), text.Printable(dims))
		}
		if name == "" {
			name = inputs[0].Name
		}
		if !slices.ContainsFunc(inputs, func(in pipeline.Input) bool { return in.Name == name }) {
			return nil, cli.Usagef("--shape %s: the network has no input %q; its inputs are %s", text.Printable(given), name, namesOf(inputs))
		}
		if _, ok := shapes[name]; ok {
			return nil, cli.Usagef("--shape %s: input %q has a shape already: give it one, by --size or --shape", text.Printable(given), name)
		}
		shape, err := parseDims(dims)
		if err != nil {
			return nil, cli.Usagef("--shape %s: write NAME=NxCxHxW, such as input=1x3x224x224", text.Printable(given))
		}
		shapes[name] = shape
	}
	return shapes, nil
}

// sized gives the one input that is an image another height and width.
func (s Shapes) sized(inputs []pipeline.Input, shapes map[string]tensor.Shape) error {
	size, err := parseDims(s.size)
	if err != nil || len(size) != 2 {
		return cli.Usagef("--size %s: write HEIGHTxWIDTH, such as 224x224", text.Printable(s.size))
	}
	var images []pipeline.Input
	for _, v := range inputs {
		if len(v.Dims) == 4 {
			images = append(images, v)
		}
	}
	if len(images) != 1 {
		return cli.Usagef("--size %s: the network has %s of four dimensions; say with --shape what shape each has", s.size,
			text.Plural(len(images), "input"))
	}
	dims := images[0].Dims
	few := func(i int) bool { return dims[i] == 1 || dims[i] == 3 }
	last := !few(1) && few(3)
	shape := tensor.Shape{graph.Batch, dims[1], size[0], size[1]}
	if last {
		shape = tensor.Shape{graph.Batch, size[0], size[1], dims[3]}
	}
	if slices.ContainsFunc(shape[1:], func(d int) bool { return d < 1 }) {
		return cli.Usagef("--size %s: the file does not say how many channels input %q has; give --shape", s.size, images[0].Name)
	}
	shapes[images[0].Name] = shape
	return nil
}

// parseDims reads 1x3x224x224.
func parseDims(text string) (tensor.Shape, error) {
	const most = 1 << 24
	var shape tensor.Shape
	for i, field := range strings.Split(text, "x") {
		if i == 0 && strings.EqualFold(field, "N") {
			shape = append(shape, graph.Batch)
			continue
		}
		d, err := strconv.Atoi(field)
		if err != nil || d < 1 || d > most {
			return nil, fmt.Errorf("%q is no dimension", field)
		}
		shape = append(shape, d)
	}
	return shape, nil
}

// namesOf lists inputs in an error.
func namesOf(inputs []pipeline.Input) string {
	names := make([]string, len(inputs))
	for i, v := range inputs {
		names[i] = strconv.Quote(v.Name)
	}
	return strings.Join(names, ", ")
}
