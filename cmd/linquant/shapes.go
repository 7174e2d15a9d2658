package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"linquant/graph"
	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// shapeFlags say what shape the inputs of an ONNX model have that leaves it open.
type shapeFlags struct {
	size   string
	shapes []string
}

// add adds --size and --shape.
func (s *shapeFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.size, "size", "", "`HEIGHTxWIDTH` of images, for an ONNX model that takes any")
	f.StringArrayVar(&s.shapes, "shape", nil,
		"`NAME=NxCxHxW`, the shape of an input of an ONNX model that takes any; N is the batch whatever it is; may be repeated")
}

func (s shapeFlags) given() bool { return s.size != "" || len(s.shapes) > 0 }

func openONNX(path string, s shapeFlags) (*network, error) {
	var cfg onnx.ImportConfig
	if s.given() {
		err := withMessage(path, func(m *onnxpb.Model) (err error) {
			cfg.Shapes, err = s.config(modelInputs(m))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	f, err := cfg.Open(path)
	if err != nil {
		open := false
		_ = withMessage(path, func(m *onnxpb.Model) error { // cfg.Open has said what is wrong with the file
			open = slices.ContainsFunc(modelInputs(m), openSize)
			return nil
		})
		if open && !s.given() {
			err = fmt.Errorf("%w; give it here with --size HEIGHTxWIDTH or --shape", err)
		}
		return nil, err
	}
	return &network{name: path, bytes: f.Size, graph: f.Graph, close: f.Close}, nil
}

// withMessage shows f what a file says as it stands, if it is an ONNX one; else the importer says what is wrong with it.
func withMessage(path string, f func(m *onnxpb.Model) error) error {
	file, err := mmap.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := onnxpb.Read(file.Bytes)
	if err != nil || m.Graph == nil {
		return nil
	}
	return f(m)
}

// modelInputs returns the inputs that are no initializers, which old files list with them.
func modelInputs(m *onnxpb.Model) []onnxpb.ValueInfo {
	constant := make(map[string]bool, len(m.Graph.Initializers))
	for i := range m.Graph.Initializers {
		constant[m.Graph.Initializers[i].Name] = true
	}
	return slices.DeleteFunc(slices.Clone(m.Graph.Inputs), func(v onnxpb.ValueInfo) bool { return constant[v.Name] })
}

// openSize reports whether a dimension after the batch has no number.
func openSize(v onnxpb.ValueInfo) bool {
	return !v.HasShape || len(v.Dims) > 1 && slices.ContainsFunc(v.Dims[1:], func(d onnxpb.Dim) bool { return d.Value < 1 })
}

// config returns the shapes that the flags give the inputs.
func (s shapeFlags) config(inputs []onnxpb.ValueInfo) (map[string]tensor.Shape, error) {
	shapes := map[string]tensor.Shape{}
	if s.size != "" {
		if err := s.sized(inputs, shapes); err != nil {
			return nil, err
		}
	}
	for _, text := range s.shapes {
		name, dims := "", text
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			name, dims = text[:i], text[i+1:]
		}
		if name == "" && len(inputs) != 1 {
			return nil, usagef("--shape %s: the network has %s, say which: NAME=%s", printable(text), plural(len(inputs), "input"), printable(dims))
		}
		if name == "" {
			name = inputs[0].Name
		}
		if !slices.ContainsFunc(inputs, func(v onnxpb.ValueInfo) bool { return v.Name == name }) {
			return nil, usagef("--shape %s: the network has no input %q; its inputs are %s", printable(text), name, namesOf(inputs))
		}
		if _, ok := shapes[name]; ok {
			return nil, usagef("--shape %s: input %q has a shape already: give it one, by --size or --shape", printable(text), name)
		}
		shape, err := parseDims(dims)
		if err != nil {
			return nil, usagef("--shape %s: write NAME=NxCxHxW, such as input=1x3x224x224", printable(text))
		}
		if len(shape) > 0 {
			shape[0] = graph.Batch
		}
		shapes[name] = shape
	}
	return shapes, nil
}

// sized gives the one input that is an image another height and width.
func (s shapeFlags) sized(inputs []onnxpb.ValueInfo, shapes map[string]tensor.Shape) error {
	size, err := parseDims(s.size)
	if err != nil || len(size) != 2 {
		return usagef("--size %s: write HEIGHTxWIDTH, such as 224x224", printable(s.size))
	}
	var images []onnxpb.ValueInfo
	for _, v := range inputs {
		if v.HasShape && len(v.Dims) == 4 {
			images = append(images, v)
		}
	}
	if len(images) != 1 {
		return usagef("--size %s: the network has %s of four dimensions; say with --shape what shape each has", s.size,
			plural(len(images), "input"))
	}
	dims := images[0].Dims
	few := func(i int) bool { return dims[i].Value == 1 || dims[i].Value == 3 }
	last := !few(1) && few(3)
	shape := tensor.Shape{graph.Batch, int(dims[1].Value), size[0], size[1]}
	if last {
		shape = tensor.Shape{graph.Batch, size[0], size[1], int(dims[3].Value)}
	}
	if slices.ContainsFunc(shape[1:], func(d int) bool { return d < 1 }) {
		return usagef("--size %s: the file does not say how many channels input %q has; give --shape", s.size, images[0].Name)
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
			field = "1"
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
func namesOf(inputs []onnxpb.ValueInfo) string {
	names := make([]string, len(inputs))
	for i, v := range inputs {
		names[i] = strconv.Quote(v.Name)
	}
	return strings.Join(names, ", ")
}
