package onnxpb

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxSize is the size in bytes that no protocol buffer may reach: its readers refuse it.
const MaxSize = math.MaxInt32

// Write encodes the model, its fields by ascending number and lists in their order, so that equal models give equal
// bytes. The elements of tensors go to w as they are, without a copy in between. A
// model of MaxSize or more is an error before anything is written.
func (m *Model) Write(w io.Writer) error {
	r := m.encode()
	if r.len() >= MaxSize {
		return ErrTooLarge
	}
	return r.writeTo(w)
}

// Size returns how many bytes Write writes.
func (m *Model) Size() int64 {
	r := m.encode()
	return r.len()
}

func (m *Model) encode() (r rope) {
	r.integer(1, m.IRVersion)
	r.text(2, m.Producer)
	r.text(3, m.ProducerVersion)
	r.text(4, m.Domain)
	r.integer(5, m.ModelVersion)
	r.text(6, m.Doc)
	if m.Graph != nil {
		r.message(7, m.Graph.encode())
	}
	for _, o := range m.Opsets {
		r.message(8, o.encode())
	}
	for _, p := range m.Metadata {
		var e rope
		e.text(1, p.Key)
		e.text(2, p.Value)
		r.message(14, e)
	}
	for i := range m.Functions {
		r.message(25, m.Functions[i].encode())
	}
	return r
}

// Encode returns the message of the graph, as an attribute has it.
func (g *Graph) Encode() []byte {
	r := g.encode()
	b := make([]byte, 0, r.len())
	for _, p := range append(r.pieces, r.tail) {
		b = append(b, p...)
	}
	return b
}

func (g *Graph) encode() (r rope) {
	for i := range g.Nodes {
		r.message(1, g.Nodes[i].encode())
	}
	r.text(2, g.Name)
	for i := range g.Initializers {
		r.message(5, g.Initializers[i].encode())
	}
	r.text(10, g.Doc)
	for i := range g.Inputs {
		r.message(11, g.Inputs[i].encode())
	}
	for i := range g.Outputs {
		r.message(12, g.Outputs[i].encode())
	}
	for i := range g.Values {
		r.message(13, g.Values[i].encode())
	}
	return r
}

func (n *Node) encode() (r rope) {
	for _, s := range n.Inputs {
		r.string(1, s)
	}
	for _, s := range n.Outputs {
		r.string(2, s)
	}
	r.text(3, n.Name)
	r.text(4, n.Op)
	for i := range n.Attrs {
		r.message(5, n.Attrs[i].encode())
	}
	if r.text(7, n.Domain); n.Inline != nil {
		r.text(8, n.Inline.Overload)
	}
	return r
}

func (fn *Function) encode() (r rope) {
	r.text(1, fn.Name)
	for num, list := range [...][]string{4: fn.Inputs, 5: fn.Outputs, 6: fn.Attributes} {
		for _, s := range list {
			r.string(protowire.Number(num), s)
		}
	}
	for i := range fn.Nodes {
		r.message(7, fn.Nodes[i].encode())
	}
	for _, o := range fn.Opsets {
		r.message(9, o.encode())
	}
	r.text(10, fn.Domain)
	for i := range fn.Defaults {
		r.message(11, fn.Defaults[i].encode())
	}
	r.text(13, fn.Overload)
	return r
}

func (o Opset) encode() (r rope) {
	r.text(1, o.Domain)
	r.integer(2, o.Version)
	return r
}

func (a *Attr) encode() (r rope) {
	r.text(1, a.Name)
	switch a.Type {
	case AttrFloat: // written also where it is 0: the reference reader wants the field of the type to be there
		r.fixed32(2, math.Float32bits(a.Float))
	case AttrInt:
		r.element(3, a.Int)
	case AttrString:
		r.string(4, a.String)
	case AttrTensor:
		r.message(5, a.Tensor.encode())
	case AttrGraph:
		r.bytes(6, a.Graph)
	case AttrFloats:
		for _, v := range a.Floats {
			r.fixed32(7, math.Float32bits(v))
		}
	case AttrInts:
		for _, v := range a.Ints {
			r.element(8, v)
		}
	case AttrStrings:
		for _, v := range a.Strings {
			r.string(9, v)
		}
	}
	r.integer(20, int64(a.Type))
	r.text(21, a.Ref)
	return r
}

func (t *Tensor) encode() (r rope) {
	for _, d := range t.Dims {
		r.element(1, d)
	}
	r.integer(2, int64(t.Type))
	r.text(8, t.Name)
	if t.Outside {
		for _, e := range t.External {
			var m rope
			m.text(1, e.Key)
			m.text(2, e.Value)
			r.message(13, m)
		}
		r.integer(14, 1)
		return r
	}
	switch packed, varints := places(t.Type); { // where a file that was read has them in fields of their own
	case len(t.Packed) > 0:
		r.bytes(packed, t.Packed)
	case len(t.Varints) > 0:
		r.bytes(varints, t.Varints)
	default:
		r.bytes(9, t.Raw)
	}
	return r
}

// places returns the fields of the elements of a type that are not raw: those of a fixed size, and others.
func places(t DataType) (packed, varints protowire.Number) {
	switch t {
	case Double, Complex128:
		return 10, 5
	case Int64:
		return 4, 7
	case Uint32, Uint64:
		return 4, 11
	}
	return 4, 5
}

func (v *ValueInfo) encode() (r rope) {
	if r.text(1, v.Name); v.Type == 0 && !v.HasShape {
		return r // nothing is known: readers infer it
	}
	var tensor, shape, typ rope
	tensor.integer(1, int64(v.Type))
	if v.HasShape {
		for _, d := range v.Dims {
			var dim rope
			if d.Param != "" {
				dim.text(2, d.Param)
			} else if d.Value >= 0 {
				dim.element(1, d.Value)
			}
			shape.message(1, dim)
		}
		tensor.message(2, shape)
	}
	typ.message(1, tensor)
	r.message(2, typ)
	return r
}
