package flags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
)

// ONNX says what an ONNX model leaves open, the shapes of its inputs and inputs that are constants, and which part of it is taken.
type ONNX struct {
	Vary bool // pipeline.OpenConfig.Vary

	size      string
	shapes    []string
	constants []string

	Inputs, Outputs []string // values between which the part lies

	// Bound are shapes that follow from the arrays that the network is to run on, where no flag gives any.
	Bound map[string]tensor.Shape

	// Beside is the path of a network that is opened with the same flags: what is said of names that it alone has is not for this one.
	Beside string
}

// Add adds --size, --shape and --constant.
func (o *ONNX) Add(f *pflag.FlagSet) {
	f.StringVar(&o.size, "size", "", "`HEIGHTxWIDTH` of images, for an ONNX model that takes any")
	f.StringArrayVar(&o.shapes, "shape", nil,
		"`NAME=NxCxHxW`, the shape of an input of an ONNX model that takes any; N is the batch whatever it is, "+
			"unless the network takes its whole input as one example; may be repeated")
	f.StringArrayVar(&o.constants, "constant", nil,
		"`NAME=VALUE`, an input of an ONNX model that always has this value, a number or a .npy file; may be repeated")
}

// AddPart adds --input and --output.
func (o *ONNX) AddPart(f *pflag.FlagSet) {
	f.StringArrayVar(&o.Inputs, "input", nil,
		"`NAME` of a value of an ONNX model at which the part begins that is taken of it; what makes the value is left out; may be repeated")
	f.StringArrayVar(&o.Outputs, "output", nil,
		"`NAME` of a value of an ONNX model at which the part ends that is taken of it, in place of its outputs; may be repeated")
}

// Given reports whether there is any.
func (o ONNX) Given() bool {
	return o.shaped() || len(o.constants) > 0 || len(o.Inputs) > 0 || len(o.Outputs) > 0
}

// WhatONNX lists the flags in errors.
const WhatONNX = "--size, --shape, --constant, --input and --output are for ONNX models"

// shaped reports whether shapes are given.
func (o ONNX) shaped() bool { return o.size != "" || len(o.shapes) > 0 }

// Config returns what the flags say of the model at path. Of no ONNX file it says that something is given, about which opening it says
// the rest.
func (o ONNX) Config(path string) (onnx.ImportConfig, error) {
	cfg := onnx.ImportConfig{Shapes: o.Bound}
	if !o.Given() {
		return cfg, nil
	}
	inputs, err := pipeline.Inputs(path)
	if inputs == nil || err != nil {
		if o.Beside != "" {
			if others, err := pipeline.Inputs(o.Beside); others != nil && err == nil {
				return onnx.ImportConfig{}, nil
			}
		}
		return onnx.ImportConfig{Shapes: map[string]tensor.Shape{"": {graph.Batch}}}, nil
	}
	if len(o.Inputs) > 0 || len(o.Outputs) > 0 {
		values, err := pipeline.Values(path)
		if err != nil {
			return cfg, err
		}
		all := slices.Concat(inputs, values)
		cfg.Inputs, cfg.Outputs = o.ofThis(o.Inputs, all), o.ofThis(o.Outputs, all)
		for _, name := range cfg.Inputs {
			if i := slices.IndexFunc(values, func(in pipeline.Input) bool { return in.Name == name }); i >= 0 {
				inputs = append(inputs, values[i])
			}
		}
	}
	if o.shaped() {
		cfg.Shapes, err = o.shapesOf(inputs)
	}
	if err == nil {
		cfg.Constants, err = o.constantsOf(inputs)
	}
	return cfg, err
}

// ofThis returns the values that are not those of the network beside this alone.
func (o ONNX) ofThis(names []string, values []pipeline.Input) []string {
	if o.Beside == "" {
		return names
	}
	others, err := pipeline.Values(o.Beside)
	if err != nil {
		return names
	}
	has := func(list []pipeline.Input, name string) bool {
		return slices.ContainsFunc(list, func(in pipeline.Input) bool { return in.Name == name })
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !has(values, name) && has(others, name) })
}

// Second is for the network that is opened beside the one at path.
func (o ONNX) Second(path string) ONNX {
	o.Beside, o.Bound = path, nil
	return o
}

// named returns the input of a name that a flag gives; nil where it is one of the network beside this alone.
func (o ONNX) named(flag, given, name string, inputs []pipeline.Input) (*pipeline.Input, error) {
	of := func(inputs []pipeline.Input) int {
		return slices.IndexFunc(inputs, func(in pipeline.Input) bool { return in.Name == name })
	}
	if i := of(inputs); i >= 0 {
		return &inputs[i], nil
	}
	if o.Beside != "" {
		if others, err := pipeline.Inputs(o.Beside); err == nil && of(others) >= 0 {
			return nil, nil
		}
	}
	return nil, cli.Usagef("%s %s: the network has no input %q; its inputs are %s", flag, text.Printable(given), name, namesOf(inputs))
}

// shapesOf returns the shapes that the flags give inputs.
func (o ONNX) shapesOf(inputs []pipeline.Input) (map[string]tensor.Shape, error) {
	shapes := map[string]tensor.Shape{}
	if o.size != "" {
		if err := o.sized(inputs, shapes); err != nil {
			return nil, err
		}
	}
	for _, given := range o.shapes {
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
		in, err := o.named("--shape", given, name, inputs)
		if err != nil {
			return nil, err
		}
		if _, ok := shapes[name]; ok {
			return nil, cli.Usagef("--shape %s: input %q has a shape already: give it one, by --size or --shape", text.Printable(given), name)
		}
		shape, err := parseDims(dims)
		if err != nil {
			return nil, cli.Usagef("--shape %s: write NAME=NxCxHxW, such as input=1x3x224x224", text.Printable(given))
		}
		if in != nil {
			shapes[name] = shape
		}
	}
	return shapes, nil
}

// constantsOf returns the constants that the flags make of inputs.
func (o ONNX) constantsOf(inputs []pipeline.Input) (map[string]tensor.Tensor, error) {
	constants := map[string]tensor.Tensor{}
	for _, given := range o.constants {
		i := strings.LastIndexByte(given, '=')
		if i < 1 || i == len(given)-1 {
			return nil, cli.Usagef("--constant %s: write NAME=VALUE, with a number or a .npy file for VALUE", text.Printable(given))
		}
		name, value := given[:i], given[i+1:]
		in, err := o.named("--constant", given, name, inputs)
		if err != nil {
			return nil, err
		}
		if _, ok := constants[name]; ok {
			return nil, cli.Usagef("--constant %s: input %q has a value already", text.Printable(given), name)
		}
		if in == nil {
			continue
		}
		if constants[name], err = constant(in, value); err != nil {
			return nil, err
		}
	}
	return constants, nil
}

// constant reads a number, or the array in a .npy file.
func constant(in *pipeline.Input, value string) (tensor.Tensor, error) {
	if cli.CheckEnding(value, ".npy") != nil || value == cli.Stdio {
		t, err := in.Number(value)
		if err != nil {
			return t, cli.Usagef("--constant %s=%s: %w; a VALUE is a number or a .npy file", text.Printable(in.Name), text.Printable(value), err)
		}
		return t, nil
	}
	f, err := checkpoint.Open(value)
	if err != nil {
		return tensor.Tensor{}, err
	}
	defer f.Close()
	if len(f.Tensors()) != 1 {
		return tensor.Tensor{}, fmt.Errorf("%s: it has %s, and a constant is one", text.Printable(value), text.Plural(len(f.Tensors()), "array"))
	}
	t, err := f.Tensors()[0].Read()
	if err != nil {
		return t, err
	}
	if t, err = in.Constant(t); err != nil {
		return t, fmt.Errorf("%s: %w", text.Printable(value), err)
	}
	return t, nil
}

// sized gives the one input that is an image another height and width.
func (o ONNX) sized(inputs []pipeline.Input, shapes map[string]tensor.Shape) error {
	size, err := parseDims(o.size)
	if err != nil || len(size) != 2 {
		return cli.Usagef("--size %s: write HEIGHTxWIDTH, such as 224x224", text.Printable(o.size))
	}
	var images []pipeline.Input
	for _, v := range inputs {
		if len(v.Dims) == 4 {
			images = append(images, v)
		}
	}
	if len(images) != 1 {
		return cli.Usagef("--size %s: the network has %s of four dimensions; say with --shape what shape each has", o.size,
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
		return cli.Usagef("--size %s: the file does not say how many channels input %q has; give --shape", o.size, images[0].Name)
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
