package graph

import (
	"context"

	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// Bounds on what folding may compute, so that a small file does not become a large network or take long to open: of all
// nodes together, beyond so many times the elements of the constants that the graph has.
var (
	foldElements int64 = 1 << 20 // that results have at once
	foldWork     int64 = 1 << 26 // multiplications, or what takes about as long
)

const (
	foldElementsEach = 4
	foldWorkEach     = 32
	elementWork      = 8 // what an element costs that is moved, or put into a function
)

// Resolve returns the graph as an engine runs it: its shapes inferred, and everything computed that follows from
// constants alone, also reals of codes (weights that are stored as codes for a layer of reals) and codes of reals. Unless
// dead is set, what no output depends on is left out. g is not changed. A ctx that is done ends it with ctx's error.
func Resolve(ctx context.Context, g *Graph, dead bool) (*Graph, error) {
	if err := checkStructure(g); err != nil {
		return nil, err
	}
	f := newFolding(ctx, g)
	f.keep = dead
	passes := []func(*Graph) error{
		(*Graph).inferShapes, f.constants, f.dequantize, f.quantize, f.constants,
	}
	if !dead {
		passes = append(passes, sure((*Graph).Prune))
	}
	return g.after(ctx, append(passes, Check)...)
}

// folding replaces nodes of constants by their results, as long as there is room and time for them: others stay.
type folding struct {
	ctx            context.Context
	elements, work int64          // left
	made           map[string]int // results, by their elements: room again when nothing reads them any more
	keep           bool           // results stay even so
}

func newFolding(ctx context.Context, g *Graph) *folding {
	f := &folding{ctx: ctx, elements: foldElements, work: foldWork, made: map[string]int{}}
	for _, v := range g.Values {
		if v.Const != nil {
			f.elements += foldElementsEach * int64(v.Const.Elements())
			f.work += foldWorkEach * int64(v.Const.Elements())
		}
	}
	return f
}

// constants replaces every node whose inputs are all constants by its result, as Eval computes it, under the name of the
// node's output. QuantizeLinear and DequantizeLinear stay, because folding them would turn a weight that is stored in few
// bits into floats: see Resolve. Shapes must have been inferred.
func (f *folding) constants(g *Graph) error {
	return f.evaluate(g, func(n *Node) bool { return n.Op != QuantizeLinear && n.Op != DequantizeLinear })
}

func (f *folding) dequantize(g *Graph) error {
	return f.evaluate(g, func(n *Node) bool { return n.Op == DequantizeLinear })
}

// quantize replaces every QuantizeLinear of a constant by the codes.
func (f *folding) quantize(g *Graph) error {
	return f.replace(g, func(n *Node) bool { return n.Op == QuantizeLinear }, func(s site, to *Value) (tensor.Tensor, error) {
		from := s.value(0)
		reals, err := from.Const.Float32s()
		if err != nil {
			return tensor.Tensor{}, s.errorf("%w", err)
		}
		codes, err := quant.Encode(reals, from.Const.Shape, *to.Quant)
		if err != nil {
			return tensor.Tensor{}, s.errorf("%w", err)
		}
		return codes, nil
	})
}

// evaluate replaces the wanted nodes whose inputs are all constants by what they compute.
func (f *folding) evaluate(g *Graph, wanted func(*Node) bool) error {
	return f.replace(g, wanted, func(s site, out *Value) (tensor.Tensor, error) {
		e := evaluator{ctx: f.ctx, g: g, values: map[string]array{}, readers: map[string]int{out.Name: 1}}
		if err := e.step(s.n); err != nil {
			return tensor.Tensor{}, err
		}
		return e.values[out.Name].tensor()
	})
}

func (f *folding) replace(g *Graph, wanted func(*Node) bool, result func(s site, out *Value) (tensor.Tensor, error)) error {
	var readers map[string]int // nobody counts where there is nothing to replace
	kept := g.Nodes[:0:0]
	for _, n := range g.Nodes {
		s := site{g, n}
		v := g.Values[n.Outputs[0]]
		if !wanted(n) || v.Shape == nil || !s.allConstant() || !f.affords(s, v) {
			kept = append(kept, n)
			continue
		}
		if err := ended.Err(f.ctx); err != nil {
			return err
		}
		t, err := result(s, v)
		if err != nil {
			return err
		}
		v.Const, v.Shape, v.DType = &t, t.Shape, t.DType
		if f.made[v.Name] = t.Elements(); readers == nil {
			readers = g.readers()
		}
		for _, name := range n.Inputs {
			if readers[name]--; readers[name] == 0 && f.made[name] > 0 && !f.keep {
				f.elements += int64(f.made[name])
				delete(f.made, name)
				delete(g.Values, name)
			}
		}
	}
	g.Nodes = kept
	return nil
}

// readers returns how often nodes read each value; an output of the graph is read once more.
func (g *Graph) readers() map[string]int {
	m := make(map[string]int, len(g.Values))
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			m[name]++
		}
	}
	for _, name := range g.Outputs {
		m[name]++
	}
	return m
}

// affords takes what a node of constants costs, and reports whether there was as much.
func (f *folding) affords(s site, out *Value) bool {
	return f.takesWork(int64(perExample(out.Shape)), s.work(out))
}

// takes is takesWork for elements that are computed one by one.
func (f *folding) takes(elements int64) bool { return f.takesWork(elements, elementWork*elements) }

func (f *folding) takesWork(elements, work int64) bool {
	if elements > f.elements || work > f.work {
		return false
	}
	f.elements -= elements
	f.work -= work
	return true
}

// work returns about how many multiplications take as long as the evaluation of a node for one example.
func (s site) work(out *Value) int64 {
	elements := int64(perExample(out.Shape))
	for _, name := range s.n.Inputs {
		if name != "" {
			elements += int64(perExample(s.g.Values[name].Shape))
		}
	}
	work := NodeMACs(s.g, s.n) + elementWork*elements
	switch s.n.Op {
	case LSTM, GRU, RNN:
		work += s.recurrentWork()
	case Einsum:
		work += s.einsumWork()
	case MaxPool, AveragePool:
		taps := int64(1)
		for _, k := range s.n.Ints("kernel_shape") {
			taps *= int64(k)
		}
		work += int64(perExample(out.Shape)) * taps
	case Resize: // taps of all positions of a dimension, and with antialias those of the input
		work += elementWork * elements * int64(len(out.Shape))
	}
	return work
}

func (s site) allConstant() bool {
	for _, name := range s.n.Inputs {
		if name != "" && s.g.Values[name].Const == nil {
			return false
		}
	}
	return true
}
