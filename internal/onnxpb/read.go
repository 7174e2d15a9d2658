package onnxpb

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Read decodes a ModelProto. Tensors are views of msg. An error says where in the message it is, and comes of a message
// that is truncated, damaged, or none of ONNX.
func Read(msg []byte) (*Model, error) {
	n, err := count(msg)
	if err != nil {
		return nil, err
	}
	m := &Model{}
	m.Opsets, m.Metadata = room[Opset](&err, msg, n.all[8]), room[Entry](&err, msg, n.messages[14])
	m.Functions = room[Function](&err, msg, n.messages[25])
	if err != nil {
		return nil, err
	}
	return m, each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.integer(&m.IRVersion)
		case 2:
			return f.name(&m.Producer)
		case 3:
			return f.name(&m.ProducerVersion)
		case 4:
			return f.name(&m.Domain)
		case 5:
			return f.integer(&m.ModelVersion)
		case 6:
			return f.text(&m.Doc)
		case 7:
			if m.Graph != nil {
				return errors.New("the model has two graphs")
			}
			m.Graph = &Graph{}
			return m.Graph.read(f)
		case 8:
			return item(&m.Opsets, f, "opset_import", (*Opset).read)
		case 14:
			err := item(&m.Metadata, f, "metadata_props", (*Entry).read)
			if last := len(m.Metadata) - 1; err == nil && m.Metadata[last].Key == "" {
				m.Metadata = m.Metadata[:last]
			}
			return err
		case 25:
			return item(&m.Functions, f, "function", (*Function).read)
		}
		return nil
	})
}

// item appends to a repeated message, whose slice has room for it.
func item[T any](list *[]T, f field, what string, read func(*T, []byte) error) error {
	msg, err := f.message()
	if err == nil {
		*list = append(*list, *new(T))
		err = read(&(*list)[len(*list)-1], msg)
	}
	if err != nil {
		return fmt.Errorf("%s %d: %w", what, max(len(*list)-1, 0), err)
	}
	return nil
}

func (o *Opset) read(msg []byte) error {
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.name(&o.Domain)
		case 2:
			return f.integer(&o.Version)
		}
		return nil
	})
}

func (e *Entry) read(msg []byte) error {
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.name(&e.Key)
		case 2:
			return f.text(&e.Value)
		}
		return nil
	})
}

// ReadGraph decodes the graph of an attribute, such as a branch of If.
func ReadGraph(msg []byte) (*Graph, error) {
	g := &Graph{}
	return g, g.decode(msg)
}

func (g *Graph) read(f field) error {
	msg, err := f.message()
	if err != nil {
		return err
	}
	return g.decode(msg)
}

func (g *Graph) decode(msg []byte) error {
	n, err := count(msg)
	if err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	g.Nodes, g.Initializers = room[Node](&err, msg, n.messages[1]), room[Tensor](&err, msg, n.messages[5])
	g.Inputs, g.Outputs = room[ValueInfo](&err, msg, n.messages[11]), room[ValueInfo](&err, msg, n.messages[12])
	if g.Values = room[ValueInfo](&err, msg, n.messages[13]); err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			return item(&g.Nodes, f, "node", (*Node).read)
		case 2:
			return f.name(&g.Name)
		case 5:
			return item(&g.Initializers, f, "initializer", (*Tensor).readNamed)
		case 10:
			return f.text(&g.Doc)
		case 11:
			return item(&g.Inputs, f, "input", (*ValueInfo).read)
		case 12:
			return item(&g.Outputs, f, "output", (*ValueInfo).read)
		case 13:
			return item(&g.Values, f, "value_info", (*ValueInfo).read)
		case 15:
			g.Sparse++
		}
		return nil
	})
}

func (n *Node) read(msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	n.Inputs, n.Outputs = room[string](&err, msg, c.all[1]), room[string](&err, msg, c.all[2])
	if n.Attrs = room[Attr](&err, msg, c.messages[5]); err != nil {
		return err
	}
	err = each(msg, func(f field) error {
		switch f.num {
		case 1:
			return names(&n.Inputs, f)
		case 2:
			return names(&n.Outputs, f)
		case 3:
			return f.name(&n.Name)
		case 4:
			return f.name(&n.Op)
		case 5:
			return item(&n.Attrs, f, "attribute", (*Attr).read)
		case 7:
			return f.name(&n.Domain)
		case 8:
			if n.Inline == nil {
				n.Inline = &Inline{}
			}
			return f.name(&n.Inline.Overload)
		}
		return nil
	})
	if err == nil && n.Op == "" {
		err = errors.New("it has no operator")
	}
	return err
}

func (fn *Function) read(msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	fn.Inputs, fn.Outputs = room[string](&err, msg, c.all[4]), room[string](&err, msg, c.all[5])
	fn.Attributes, fn.Defaults = room[string](&err, msg, c.all[6]), room[Attr](&err, msg, c.messages[11])
	fn.Nodes, fn.Opsets = room[Node](&err, msg, c.messages[7]), room[Opset](&err, msg, c.all[9])
	if err != nil {
		return err
	}
	err = each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.name(&fn.Name)
		case 4:
			return names(&fn.Inputs, f)
		case 5:
			return names(&fn.Outputs, f)
		case 6:
			return names(&fn.Attributes, f)
		case 7:
			return item(&fn.Nodes, f, "node", (*Node).read)
		case 9:
			return item(&fn.Opsets, f, "opset_import", (*Opset).read)
		case 10:
			return f.name(&fn.Domain)
		case 11:
			return item(&fn.Defaults, f, "attribute", (*Attr).read)
		case 13:
			return f.name(&fn.Overload)
		}
		return nil
	})
	return named(fn.Name, err)
}

func (a *Attr) read(msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	a.Floats, a.Ints = room[float32](&err, msg, c.all[7]), room[int64](&err, msg, c.all[8])
	if a.Strings = room[string](&err, msg, c.all[9]); err != nil {
		return err
	}
	var set AttrType
	err = each(msg, func(f field) (err error) {
		if f.num >= 2 && f.num <= 11 {
			set = AttrType(f.num - 1) // the fields with values are numbered like the types
		}
		switch f.num {
		case 1:
			return f.name(&a.Name)
		case 2:
			return f.float(&a.Float)
		case 3:
			return f.integer(&a.Int)
		case 4: // bytes, not text: of an operator that we do not know it can be anything
			a.String = string(f.bytes)
			return f.is(protowire.BytesType)
		case 5:
			if a.Tensor != nil {
				return errors.New("the attribute has two tensors")
			}
			a.Tensor = &Tensor{}
			msg, err := f.message()
			if err != nil {
				return err
			}
			return a.Tensor.read(msg)
		case 6:
			a.Graph, err = f.message()
		case 7:
			a.Floats, err = f.floats(a.Floats)
		case 8:
			a.Ints, err = f.integers(a.Ints)
		case 9:
			a.Strings = append(a.Strings, string(f.bytes))
			return f.is(protowire.BytesType)
		case 20:
			return enum(f, &a.Type)
		case 21:
			return f.name(&a.Ref)
		}
		return err
	})
	if a.Type == 0 {
		a.Type = set
	}
	return named(a.Name, err)
}

func (v *ValueInfo) read(msg []byte) error {
	err := each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.name(&v.Name)
		case 2:
			msg, err := f.message()
			if err != nil {
				return err
			}
			return v.readType(msg)
		}
		return nil
	})
	return named(v.Name, err)
}

// named returns err or, where there is none, that a name is missing.
func named(name string, err error) error {
	if err == nil && name == "" {
		err = errors.New("it has no name")
	}
	return err
}

// readType reads TypeProto, whose only kind with a field of our own is TypeProto.Tensor.
func (v *ValueInfo) readType(msg []byte) error {
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			msg, err := f.message()
			if err != nil {
				return err
			}
			return each(msg, func(f field) error {
				switch f.num {
				case 1:
					return enum(f, &v.Type)
				case 2:
					return v.readShape(f)
				}
				return nil
			})
		case 4, 5, 7, 8, 9:
			v.NoTensor = true
		}
		return nil
	})
}

func (v *ValueInfo) readShape(f field) error {
	msg, err := f.message()
	if err != nil {
		return err
	}
	n, err := count(msg)
	if err != nil {
		return err
	}
	v.HasShape = true
	if v.Dims = room[Dim](&err, msg, n.all[1]); err != nil {
		return err
	}
	return each(msg, func(f field) error {
		if f.num != 1 {
			return nil
		}
		return item(&v.Dims, f, "dimension", (*Dim).read)
	})
}

func (d *Dim) read(msg []byte) error {
	d.Value = -1
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.integer(&d.Value)
		case 2:
			return f.name(&d.Param)
		}
		return nil
	})
}
