package pipeline

import (
	"slices"
	"strconv"

	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Input is an input of an ONNX model, or a value that can become one, as its file declares it.
type Input struct {
	Name string
	Dims []int // with the batch; -1 where the file has no number. nil where it gives no shape

	DType tensor.DType // of its elements in arrays; Invalid where the file gives none, or one that a constant cannot have
}

// Open reports whether the file leaves the shape open: whether a dimension after the batch has no number. Such a network
// may have to be given one (OpenConfig.ONNX.Shapes).
func (in Input) Open() bool {
	return in.Dims == nil || len(in.Dims) > 1 && slices.ContainsFunc(in.Dims[1:], func(d int) bool { return d < 1 })
}

// Inputs lists the inputs that an ONNX file declares, initializers left out, without reading the network: what
// OpenConfig.ONNX.Shapes and Constants can be about. It is nil where path is no ONNX file; Open says what is wrong then.
func Inputs(path string) ([]Input, error) {
	var inputs []Input
	err := view(path, func(m *onnxpb.Model) {
		for _, v := range declared(m) {
			inputs = append(inputs, newInput(v))
		}
	})
	return inputs, err
}

// Values lists the values that the nodes of an ONNX file compute, which OpenConfig.ONNX.Outputs and Inputs can name, and inputs with
// an initializer, their default, which Inputs can name, without reading the network, with what the file says of them. It is nil where path is no ONNX file.
func Values(path string) ([]Input, error) {
	var values []Input
	err := view(path, func(m *onnxpb.Model) {
		known := map[string]onnxpb.ValueInfo{}
		for _, v := range slices.Concat(m.Graph.Values, m.Graph.Outputs) {
			known[v.Name] = v
		}
		for i := range m.Graph.Nodes {
			for _, out := range m.Graph.Nodes[i].Outputs {
				if out != "" {
					v := known[out]
					v.Name = out
					values = append(values, newInput(v))
				}
			}
		}
		constant := initialized(m)
		for _, v := range m.Graph.Inputs {
			if constant[v.Name] {
				values = append(values, newInput(v))
			}
		}
	})
	return values, err
}

func newInput(v onnxpb.ValueInfo) Input {
	in := Input{Name: v.Name, DType: dtypes[v.Type]}
	if v.HasShape {
		in.Dims = make([]int, len(v.Dims))
		for i, d := range v.Dims {
			in.Dims[i] = int(max(d.Value, -1))
		}
	}
	return in
}

// view calls look with the model in an ONNX file, without reading the elements of its tensors; not at all if there is none.
func view(path string, look func(m *onnxpb.Model)) error {
	return mmap.View(path, func(b []byte) error {
		if m, err := onnxpb.Read(b); err == nil && m.Graph != nil {
			look(m)
		}
		return nil
	})
}

// declared returns the inputs that are no initializers, which old files list with them.
func declared(m *onnxpb.Model) []onnxpb.ValueInfo {
	constant := initialized(m)
	return slices.DeleteFunc(slices.Clone(m.Graph.Inputs), func(v onnxpb.ValueInfo) bool { return constant[v.Name] })
}

// initialized returns the names of the initializers.
func initialized(m *onnxpb.Model) map[string]bool {
	constant := make(map[string]bool, len(m.Graph.Initializers))
	for i := range m.Graph.Initializers {
		constant[m.Graph.Initializers[i].Name] = true
	}
	return constant
}

// printable is a name from a file as a line of text may show it.
func printable(name string) string {
	quoted := strconv.Quote(name)
	if name != "" && quoted[1:len(quoted)-1] == name {
		return name
	}
	return quoted
}
