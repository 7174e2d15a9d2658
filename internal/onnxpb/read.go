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
	m := &Model{Opsets: make([]Opset, 0, n.all[8]), Metadata: make([]Entry, 0, n.messages[14])}
	return m, each(msg, func(f field) error {
		switch f.num {
		case 1:
			return f.integer(&m.IRVersion)
		case 2:
			return f.text(&m.Producer)
		case 3:
			return f.text(&m.ProducerVersion)
		case 4:
			return f.text(&m.Domain)
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
			m.Functions++
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
			return f.text(&o.Domain)
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
			return f.text(&e.Key)
		case 2:
			return f.text(&e.Value)
		}
		return nil
	})
}

func (g *Graph) read(f field) error {
	msg, err := f.message()
	if err != nil {
		return err
	}
	n, err := count(msg)
	if err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	g.Nodes, g.Initializers = make([]Node, 0, n.messages[1]), make([]Tensor, 0, n.messages[5])
	g.Inputs, g.Outputs = make([]ValueInfo, 0, n.messages[11]), make([]ValueInfo, 0, n.messages[12])
	g.Values = make([]ValueInfo, 0, n.messages[13])
	return each(msg, func(f field) error {
		switch f.num {
		case 1:
			return item(&g.Nodes, f, "node", (*Node).read)
		case 2:
			return f.text(&g.Name)
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
	n.Inputs, n.Outputs, n.Attrs = make([]string, 0, c.all[1]), make([]string, 0, c.all[2]), make([]Attr, 0, c.messages[5])
	err = each(msg, func(f field) error {
		switch f.num {
		case 1:
			return text(&n.Inputs, f)
		case 2:
			return text(&n.Outputs, f)
		case 3:
			return f.text(&n.Name)
		case 4:
			return f.text(&n.Op)
		case 5:
			return item(&n.Attrs, f, "attribute", (*Attr).read)
		case 7:
			return f.text(&n.Domain)
		}
		return nil
	})
	if err == nil && n.Op == "" {
		err = errors.New("it has no operator")
	}
	return err
}

func text(list *[]string, f field) error {
	var s string
	err := f.text(&s)
	*list = append(*list, s)
	return err
}

func (a *Attr) read(msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	if c.all[7] > 0 {
		a.Floats = make([]float32, 0, c.all[7])
	}
	if c.all[8] > 0 {
		a.Ints = make([]int64, 0, c.all[8])
	}
	if c.all[9] > 0 {
		a.Strings = make([]string, 0, c.all[9])
	}
	var set AttrType
	err = each(msg, func(f field) (err error) {
		if f.num >= 2 && f.num <= 11 {
			set = AttrType(f.num - 1) // the fields with values are numbered like the types
		}
		switch f.num {
		case 1:
			return f.text(&a.Name)
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
			return f.text(&a.Ref)
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
			return f.text(&v.Name)
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
	v.HasShape, v.Dims = true, make([]Dim, 0, n.all[1])
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
			return f.text(&d.Param)
		}
		return nil
	})
}
