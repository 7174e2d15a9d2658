package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// Description is what stands in an ONNX file, whether its network can be read or not.
type Description struct {
	IRVersion        int64         `json:"ir_version"`
	Producer         string        `json:"producer"`
	ProducerVersion  string        `json:"producer_version"`
	Opsets           []Opset       `json:"opsets"`
	Graph            string        `json:"graph"` // its name
	Inputs           []Declaration `json:"inputs"`
	Outputs          []Declaration `json:"outputs"`
	Nodes            int           `json:"nodes"`
	Operators        []Operator    `json:"operators"` // the most frequent first
	Initializers     int           `json:"initializers"`
	InitializerElems int64         `json:"initializer_elements"`

	Metadata map[string]string `json:"-"`
}

// Opset is a set of operators that the file uses.
type Opset struct {
	Domain  string `json:"domain"`
	Version int64  `json:"version"`
}

// Declaration is an input or output as the file declares it.
type Declaration struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []any  `json:"shape"` // numbers, and names or "?" for what is open; null where none is given
}

// Operator is an operator of the file and how often it stands there.
type Operator struct {
	Operator  string `json:"operator"`
	Domain    string `json:"domain"` // "" is ONNX's own
	Count     int    `json:"count"`
	Supported bool   `json:"supported"` // by package onnx
}

// Describe reads what stands in the ONNX file at path. It is nil, without an error, where path is no ONNX file: Open says
// what is wrong then.
func Describe(path string) (*Description, error) {
	var d *Description
	err := view(path, func(m *onnxpb.Model) {
		d = &Description{Metadata: map[string]string{}}
		d.facts(m)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// DescribePart is Describe for the part of the model that cfg takes (onnx.ImportConfig.Extract).
func DescribePart(ctx context.Context, path string, cfg onnx.ImportConfig) (*Description, error) {
	var part bytes.Buffer
	if _, err := cfg.Extract(ctx, path, &part); err != nil {
		return nil, err
	}
	m, err := onnxpb.Read(part.Bytes())
	if err != nil {
		return nil, err
	}
	d := &Description{Metadata: map[string]string{}}
	d.facts(m)
	return d, nil
}

// facts notes what stands in the file.
func (d *Description) facts(m *onnxpb.Model) {
	g := m.Graph
	d.IRVersion, d.Producer, d.ProducerVersion, d.Graph = m.IRVersion, m.Producer, m.ProducerVersion, g.Name
	versions := map[string]int64{}
	for _, o := range m.Opsets {
		if o.Domain == "ai.onnx" {
			o.Domain = ""
		}
		versions[o.Domain] = o.Version
		d.Opsets = append(d.Opsets, Opset(o))
	}
	for _, v := range declared(m) {
		d.Inputs = append(d.Inputs, newIO(v))
	}
	for _, v := range g.Outputs {
		d.Outputs = append(d.Outputs, newIO(v))
	}
	for _, e := range m.Metadata {
		d.Metadata[e.Key] = e.Value
	}
	d.Nodes, d.Initializers = len(g.Nodes), len(g.Initializers)
	for i := range g.Initializers {
		d.InitializerElems += product(g.Initializers[i].Dims)
	}
	counts := map[[2]string]int{}
	for i := range g.Nodes {
		domain := g.Nodes[i].Domain
		if domain == "ai.onnx" {
			domain = ""
		}
		counts[[2]string{domain, g.Nodes[i].Op}]++
	}
	for op, n := range counts {
		d.Operators = append(d.Operators, Operator{op[1], op[0], n, supported(m, op[0], op[1], versions, 0)})
	}
	slices.SortFunc(d.Operators, func(a, b Operator) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Operator, b.Operator))
	})
}

// supported reports whether an operator is read, or is a function of the model whose nodes all are.
func supported(m *onnxpb.Model, domain, op string, versions map[string]int64, depth int) bool {
	const deepest = 64
	plain := func(domain string) string {
		if domain == "ai.onnx" {
			return ""
		}
		return domain
	}
	i := slices.IndexFunc(m.Functions, func(f onnxpb.Function) bool { return f.Name == op && plain(f.Domain) == domain })
	if i < 0 || depth >= deepest {
		return depth < deepest && onnx.Supported(domain, op, versions[domain])
	}
	own := map[string]int64{}
	for _, o := range m.Functions[i].Opsets {
		own[plain(o.Domain)] = o.Version
	}
	seen := map[[2]string]bool{}
	for k := range m.Functions[i].Nodes {
		n := &m.Functions[i].Nodes[k]
		key := [2]string{plain(n.Domain), n.Op}
		if seen[key] {
			continue
		}
		if seen[key] = true; !supported(m, key[0], key[1], own, depth+1) {
			return false
		}
	}
	return true
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

func newIO(v onnxpb.ValueInfo) Declaration {
	io := Declaration{Name: v.Name, DType: typeName(v.Type)}
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
