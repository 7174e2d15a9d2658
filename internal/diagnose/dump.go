package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/near"
	"linquant/tensor"
)

// dump is another runtime's values, checked against the network.
type dump struct {
	values   map[string]codes
	batch    int
	first    string   // the array that said what the batch is
	unknown  []string // arrays that are no values of the network
	examples map[string]bool
}

// newDump checks the arrays against the graph, whose shapes were inferred.
func newDump(g *graph.Graph, arrays map[string]tensor.Tensor) (*dump, error) {
	d := &dump{values: map[string]codes{}, examples: map[string]bool{}}
	if !hasCodes(g) {
		return nil, fmt.Errorf("the network has no values of integer codes: compare the quantized network")
	}
	comparable := false
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		v := g.Values[name]
		if v == nil || v.Const != nil {
			if v == nil {
				d.unknown = append(d.unknown, name)
			}
			continue
		}
		t := arrays[name]
		if _, err := tensor.New(t.DType, t.Shape, t.Data); err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		if err := d.fit(v, name, t.Shape); err != nil {
			return nil, err
		}
		if v.Quant == nil && !t.DType.IsFloat() && !graph.Counts(v.DType) {
			return nil, fmt.Errorf("array %q holds %v, and the value of that name in the network is no codes but float32", name, t.DType)
		}
		c, err := codesOf(t, v.Quant)
		if err != nil {
			return nil, fmt.Errorf("array %q: %w; the network's value is %v: write the codes as integers", name, err, v.Quant.Type)
		}
		if err := inRange(name, v, c.code); err != nil {
			return nil, err
		}
		d.values[name] = c
		comparable = comparable || v.Quant != nil && !slices.Contains(g.Inputs, name)
	}
	if !comparable {
		return nil, d.nothing(g, arrays)
	}
	return d, nil
}

// fit compares an array's shape with the value's, and its number of examples with the other arrays'.
func (d *dump) fit(v *graph.Value, name string, shape tensor.Shape) error {
	want := slices.Clone(v.Shape)
	if len(want) > 0 && want[0] == graph.Batch && len(shape) == len(want) && shape[0] > 0 {
		if d.batch == 0 {
			d.batch, d.first = shape[0], name
		}
		d.examples[name] = true
		want[0] = shape[0]
		if want.Equal(shape) && shape[0] != d.batch {
			return fmt.Errorf("array %q has %d examples, and %q has %d: write all arrays of one run", name, shape[0], d.first, d.batch)
		}
	}
	if !want.Equal(shape) {
		text := v.Shape.String()
		if len(v.Shape) > 0 && v.Shape[0] == graph.Batch {
			text = strings.Replace(text, "[-1", "[batch", 1)
		}
		return fmt.Errorf("array %q has the shape %v, and the network's value has %s: arrays are NCHW, with all examples", name, shape, text)
	}
	return nil
}

// inRange refuses what is no code of the value's type.
func inRange(name string, v *graph.Value, code []int32) error {
	if v.Quant == nil || v.Quant.Type.Bits > 8 {
		return nil
	}
	lo, hi := v.Quant.Type.Range()
	for i, q := range code {
		if q < lo || q > hi {
			return fmt.Errorf("array %q: element %d is no %v, which the network's value holds (%d to %d): "+
				"write the integers as the runtime has them, without subtracting a zero point", name, i, v.Quant.Type, lo, hi)
		}
	}
	return nil
}

// hasCodes reports whether any node computes codes.
func hasCodes(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return g.Values[n.Outputs[0]].Quant != nil })
}

// nothing is the error for arrays none of which can be compared.
func (d *dump) nothing(g *graph.Graph, arrays map[string]tensor.Tensor) error {
	var all []string
	for _, n := range g.Nodes {
		if g.Values[n.Outputs[0]].Quant != nil {
			all = append(all, n.Outputs[0])
		}
	}
	like := all
	for _, name := range d.unknown {
		if names := near.Names(name, all); len(names) > 0 {
			like = names
			break
		}
	}
	have := slices.Sorted(maps.Keys(arrays))
	return fmt.Errorf("none of its %d arrays (%s) is named like a value of codes in the network (%s): "+
		"name the arrays as the ONNX file names its values", len(have), near.List(have[:min(len(have), 3)]), near.List(like[:min(len(like), 3)]))
}

// example returns the values of one example.
func (d *dump) example(i int) *dump {
	one := &dump{values: map[string]codes{}, batch: min(d.batch, 1), examples: d.examples}
	for name, v := range d.values {
		if d.examples[name] {
			v.code, v.real = part(v.code, i, d.batch), part(v.real, i, d.batch)
			v.shape = append(tensor.Shape{1}, v.shape[1:]...)
		}
		one.values[name] = v
	}
	return one
}

func part[T any](x []T, i, n int) []T {
	if x == nil {
		return nil
	}
	size := len(x) / n
	return x[i*size : (i+1)*size]
}
