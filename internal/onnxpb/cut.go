package onnxpb

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// Cut says what of a model is written by its method Write.
type Cut struct {
	Node    func(i int) bool       // whether a node is kept
	Renamed map[string]string      // other names of outputs of nodes that are kept
	Value   func(name string) bool // whether what is known of a value is kept: its type and shape, its annotations
	Tensor  func(name string) bool // whether an initializer is kept as it stands in the file
	Tensors []Tensor               // that are written beside those that are kept
	Inputs  []ValueInfo            // a declaration that the file has is kept as it is where Declared says so
	Outputs []ValueInfo

	Declared func(name string) bool // whether an input or output is declared as the file declares the value, be it as an input, an output or one between
}

// Write writes the model in msg as far as the cut has it: fields of it that are not about what is cut away are copied, whether this package
// knows them or not. A model of MaxSize or more is an error before anything is written.
func (c *Cut) Write(w io.Writer, msg []byte) error {
	var r rope
	err := each(msg, func(f field) error {
		if f.num != 7 {
			r.field(f)
			return nil
		}
		graph, err := f.message()
		if err != nil {
			return err
		}
		g, err := c.graph(graph)
		if err != nil {
			return fmt.Errorf("graph: %w", err)
		}
		r.message(7, g)
		return nil
	})
	if err != nil {
		return err
	}
	if r.len() >= MaxSize {
		return ErrTooLarge
	}
	return r.writeTo(w)
}

// ErrTooLarge is the error of a model that no ONNX file can hold.
var ErrTooLarge = errors.New("the model would have 2 GiB or more, which no ONNX file may have without external data")

// graph returns what is kept of a graph.
func (c *Cut) graph(msg []byte) (r rope, err error) {
	known := map[string][]byte{} // declarations, by name
	err = each(msg, func(f field) error {
		if f.num == 11 || f.num == 12 || f.num == 13 {
			name, err := nameIn(f, 1)
			if known[name] == nil || f.num != 13 { // those of the interface before those between
				known[name] = f.bytes
			}
			return err
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	ends := map[string]bool{}
	for _, list := range [][]ValueInfo{c.Inputs, c.Outputs} {
		for i := range list {
			ends[list[i].Name] = true
		}
	}
	nodes := 0
	err = each(msg, func(f field) error {
		keep, err := true, error(nil)
		var name string
		switch f.num {
		case 1:
			keep = c.Node(nodes)
			nodes++
		case 5:
			name, err = nameIn(f, 8)
			keep = c.Tensor(name)
		case 11, 12:
			keep = false
		case 13:
			name, err = nameIn(f, 1)
			keep = c.Value(name) && !ends[name]
		case 14:
			name, err = nameIn(f, 1)
			keep = c.Value(name)
		}
		switch {
		case err != nil || !keep:
		case f.num == 1 && len(c.Renamed) > 0:
			var node rope
			node, err = c.node(f)
			r.message(1, node)
		default:
			r.field(f)
		}
		return err
	})
	for i := range c.Tensors {
		r.message(5, c.Tensors[i].encode())
	}
	for k, list := range [][]ValueInfo{c.Inputs, c.Outputs} {
		num := protowire.Number(11 + k)
		for i := range list {
			if b := known[list[i].Name]; b != nil && c.Declared(list[i].Name) {
				r.bytes(num, b)
				continue
			}
			r.message(num, list[i].encode())
		}
	}
	return r, err
}

// node returns a node with its outputs renamed.
func (c *Cut) node(f field) (r rope, err error) {
	msg, err := f.message()
	if err != nil {
		return r, err
	}
	return r, each(msg, func(f field) error {
		if f.num != 2 {
			r.field(f)
			return nil
		}
		var name string
		err := f.name(&name)
		if other, ok := c.Renamed[name]; ok {
			name = other
		}
		r.string(2, name)
		return err
	})
}

// nameIn returns the text in a field of an embedded message.
func nameIn(f field, num protowire.Number) (name string, err error) {
	msg, err := f.message()
	if err != nil {
		return "", err
	}
	return name, each(msg, func(f field) error {
		if f.num == num {
			return f.name(&name)
		}
		return nil
	})
}

// field appends a field as it is.
func (r *rope) field(f field) {
	switch f.typ {
	case protowire.VarintType:
		r.element(f.num, int64(f.value))
	case protowire.Fixed32Type:
		r.fixed32(f.num, uint32(f.value))
	case protowire.Fixed64Type:
		r.tail = protowire.AppendTag(r.tail, f.num, protowire.Fixed64Type)
		r.tail = protowire.AppendFixed64(r.tail, f.value)
	case protowire.BytesType:
		r.bytes(f.num, f.bytes)
	}
}
