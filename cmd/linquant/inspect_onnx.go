package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// modelInspection is what inspect says of an ONNX file: the facts first, which stand in the file, and what follows from
// them where the network can be read.
type modelInspection struct {
	File             string         `json:"file"`
	Format           string         `json:"format"`
	FileBytes        int64          `json:"file_bytes"` // with the files of external data, where the network can be read
	IRVersion        int64          `json:"ir_version"`
	Producer         string         `json:"producer"`
	ProducerVersion  string         `json:"producer_version"`
	Opsets           []opsetJSON    `json:"opsets"`
	Graph            string         `json:"graph"`
	Inputs           []ioJSON       `json:"inputs"`
	Outputs          []ioJSON       `json:"outputs"`
	Nodes            int            `json:"nodes"`
	Operators        []operatorJSON `json:"operators"`
	Initializers     int            `json:"initializers"`
	InitializerElems int64          `json:"initializer_elements"`

	Unsupported []string `json:"unsupported_operators"`
	Problem     string   `json:"problem,omitempty"` // why the network cannot be read, or run

	*networkInspection

	Metadata map[string]string `json:"metadata,omitempty"`
}

type opsetJSON struct {
	Domain  string `json:"domain"`
	Version int64  `json:"version"`
}

type ioJSON struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []any  `json:"shape"` // numbers, and names or "?" for what is open; null where none is given
}

type operatorJSON struct {
	Operator  string `json:"operator"`
	Domain    string `json:"domain"` // "" is ONNX's own
	Count     int    `json:"count"`
	Supported bool   `json:"supported"`
}

// inspectONNX reads the facts, and the network as far as it goes.
func inspectONNX(path string, shapes shapeFlags) (*modelInspection, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	in := &modelInspection{File: path, Format: "ONNX", FileBytes: info.Size(), Metadata: map[string]string{}}
	found := false
	err = withMessage(path, func(m *onnxpb.Model) error {
		found = true
		in.facts(m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	n, err := openONNX(path, shapes)
	if !found {
		if err == nil {
			n.Close()
			err = fmt.Errorf("%s: the file changed while it was read", path)
		}
		return nil, err
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return nil, err
	case err != nil:
		in.Problem = strings.TrimPrefix(oneLine(err), path+": ")
		return in, nil
	}
	defer n.Close()
	in.FileBytes = n.bytes
	if in.networkInspection, err = inspectNetwork(n); err != nil {
		in.Problem = strings.TrimPrefix(oneLine(err), path+": ")
	}
	return in, nil
}

// facts notes what stands in the file.
func (in *modelInspection) facts(m *onnxpb.Model) {
	g := m.Graph
	in.IRVersion, in.Producer, in.ProducerVersion, in.Graph = m.IRVersion, m.Producer, m.ProducerVersion, g.Name
	versions := map[string]int64{}
	for _, o := range m.Opsets {
		if o.Domain == "ai.onnx" {
			o.Domain = ""
		}
		versions[o.Domain] = o.Version
		in.Opsets = append(in.Opsets, opsetJSON(o))
	}
	for _, v := range modelInputs(m) {
		in.Inputs = append(in.Inputs, newIO(v))
	}
	for _, v := range g.Outputs {
		in.Outputs = append(in.Outputs, newIO(v))
	}
	for _, e := range m.Metadata {
		in.Metadata[e.Key] = e.Value
	}
	in.Nodes, in.Initializers = len(g.Nodes), len(g.Initializers)
	for i := range g.Initializers {
		in.InitializerElems += product(g.Initializers[i].Dims)
	}
	in.Unsupported = []string{}
	counts := map[[2]string]int{}
	for i := range g.Nodes {
		domain := g.Nodes[i].Domain
		if domain == "ai.onnx" {
			domain = ""
		}
		counts[[2]string{domain, g.Nodes[i].Op}]++
	}
	for op, n := range counts {
		in.Operators = append(in.Operators, operatorJSON{op[1], op[0], n, onnx.Supported(op[0], op[1], versions[op[0]])})
	}
	slices.SortFunc(in.Operators, func(a, b operatorJSON) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Operator, b.Operator))
	})
	for _, o := range in.Operators {
		if !o.Supported {
			in.Unsupported = append(in.Unsupported, o.name())
		}
	}
}

// name is the operator with its domain, where that is not ONNX's own.
func (o operatorJSON) name() string {
	if o.Domain == "" {
		return o.Operator
	}
	return o.Domain + "." + o.Operator
}

// product multiplies what a file says, which may be anything.
func product(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		if d <= 0 {
			return 0
		}
		if n > math.MaxInt64/16/d {
			return math.MaxInt64 / 16
		}
		n *= d
	}
	return n
}

// typeNames has the types of elements; one without a name here is given by its number.
var typeNames = map[onnxpb.DataType]string{
	onnxpb.Float: "float32", onnxpb.Uint8: "uint8", onnxpb.Int8: "int8", onnxpb.Uint16: "uint16", onnxpb.Int16: "int16",
	onnxpb.Int32: "int32", onnxpb.Int64: "int64", onnxpb.String: "string", onnxpb.Bool: "bool", onnxpb.Float16: "float16",
	onnxpb.Double: "float64", onnxpb.Uint32: "uint32", onnxpb.Uint64: "uint64", onnxpb.Complex64: "complex64",
	onnxpb.Complex128: "complex128", onnxpb.BFloat16: "bfloat16", onnxpb.Uint4: "uint4", onnxpb.Int4: "int4",
	onnxpb.Uint2: "uint2", onnxpb.Int2: "int2", 0: "unknown",
}

func typeName(t onnxpb.DataType) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", t)
}

func newIO(v onnxpb.ValueInfo) ioJSON {
	io := ioJSON{Name: v.Name, DType: typeName(v.Type)}
	if v.NoTensor {
		io.DType = "no tensor"
	}
	if !v.HasShape {
		return io
	}
	io.Shape = []any{}
	for _, d := range v.Dims {
		switch {
		case d.Value >= 0:
			io.Shape = append(io.Shape, d.Value)
		case d.Param != "":
			io.Shape = append(io.Shape, d.Param)
		default:
			io.Shape = append(io.Shape, "?")
		}
	}
	return io
}

func (io ioJSON) String() string {
	shape := "of unknown shape"
	if io.Shape != nil {
		dims := make([]string, len(io.Shape))
		for i, d := range io.Shape {
			dims[i] = fmt.Sprint(d)
		}
		shape = printable("[" + strings.Join(dims, ", ") + "]")
	}
	return fmt.Sprintf("%s %s %s", printable(io.Name), io.DType, shape)
}

func (in *modelInspection) print(w io.Writer, layers bool) error {
	var opsets []string
	for _, o := range in.Opsets {
		if o.Domain != "" && !slices.ContainsFunc(in.Operators, func(op operatorJSON) bool { return op.Domain == o.Domain }) {
			continue // tools name every domain that they know
		}
		text := strconv.FormatInt(o.Version, 10)
		if o.Domain != "" {
			text = printable(o.Domain) + " " + text
		}
		opsets = append(opsets, text)
	}
	made := ""
	if in.Producer != "" {
		made = ", made by " + printable(strings.TrimSpace(in.Producer+" "+in.ProducerVersion))
	}
	fmt.Fprintf(w, "%s: ONNX of opset %s, IR version %d%s\n", printable(in.File), strings.Join(opsets, ", "), in.IRVersion, made)
	for _, io := range in.Inputs {
		fmt.Fprintf(w, "input %v\n", io)
	}
	for _, io := range in.Outputs {
		fmt.Fprintf(w, "output %v\n", io)
	}
	meta := inspection{Metadata: in.Metadata}
	meta.printMetadata(w)
	fmt.Fprintln(w)
	rows := [][]string{{"OPERATOR", "NODES>", "READ"}}
	for _, o := range in.Operators {
		read := "yes"
		if !o.Supported {
			read = "no"
		}
		rows = append(rows, []string{printable(o.name()), thousands(int64(o.Count)), read})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if in.networkInspection == nil {
		fmt.Fprintf(w, "%s in %s\n", plural(in.InitializerElems, "element"), plural(in.Initializers, "initializer"))
	} else if err := in.networkInspection.print(w, layers); err != nil {
		return err
	}
	if in.Problem != "" {
		fmt.Fprintf(w, "linquant cannot run it: %s\n", in.Problem)
	}
	return nil
}
