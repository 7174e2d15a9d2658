package netgen

import (
	"fmt"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// references draws what an engine computes by its definition: of reals, with integers and booleans between, which a Cast makes
// reals again.
func (b *generator) references(x string, shape tensor.Shape) {
	if len(shape) < 2 {
		return
	}
	axis := b.in(1, len(shape)-1, "axis")
	b.island(x, func(x string) bool {
		n := len(b.values)
		ok := b.reference(x, shape, axis)
		if !ok || len(b.values) == n {
			b.values = b.values[:n]
			return false
		}
		made := b.last()
		if b.values = b.values[:n]; graph.Counts(b.g.Values[made].DType) {
			return b.add(graph.Cast, graph.Attrs{"to": 1}, 0, made)
		}
		b.values = append(b.values, made)
		return true
	})
}

// reference adds the nodes, of which the last one's output counts.
func (b *generator) reference(x string, shape tensor.Shape, axis int) bool {
	constant := func(own tensor.Shape) string {
		codes := b.codes
		b.codes = false
		defer func() { b.codes = codes }()
		return b.operand(x, own)
	}
	made := func(op graph.Op, attrs graph.Attrs, in ...string) (string, bool) {
		ok := b.add(op, attrs, 0, in...)
		return b.last(), ok
	}
	kind := b.in(0, 9, "reference")
	if kind != 3 && kind != 4 && !b.sure(x) {
		return false // a step would make a difference of the last bit a large one
	}
	switch kind {
	case 0, 7, 8:
		compare := func() (string, bool) {
			op := rapid.SampledFrom([]graph.Op{graph.Equal, graph.Greater, graph.GreaterOrEqual, graph.Less, graph.LessOrEqual}).Draw(b.T, "op")
			return made(op, nil, x, constant(tensor.Shape{}))
		}
		y, ok := compare()
		if ok && b.yes("logic") {
			other, is := compare()
			if ok = is; ok {
				y, ok = made(rapid.SampledFrom([]graph.Op{graph.And, graph.Or, graph.Xor}).Draw(b.T, "logic"), nil, y, other)
			}
		}
		if ok && b.yes("not") {
			y, ok = made(graph.Not, nil, y)
		}
		if ok && b.yes("count") { // how many are true, so far
			if y, ok = made(graph.Cast, graph.Attrs{"to": 7}, y); ok {
				_, ok = made(graph.CumSum, graph.Attrs{"axis": axis}, y)
			}
		}
		return ok
	case 1:
		op := rapid.SampledFrom([]graph.Op{graph.IsNaN, graph.IsInf, graph.Hardmax, graph.Trilu, graph.Mod}).Draw(b.T, "op")
		if op == graph.Mod { // by a number that is not 0
			name := fmt.Sprintf("divisor%d", b.n)
			b.g.AddConst(name, mustTensor(tensor.Shape{}, []float32{0.75}))
			return b.add(op, graph.Attrs{"fmod": 1}, 0, x, name)
		}
		switch {
		case op == graph.Hardmax:
			return b.add(op, graph.Attrs{"axis": axis}, 0, x)
		case op == graph.Trilu:
			return b.add(op, graph.Attrs{"k": b.in(-2, 2, "k"), "upper": b.in(0, 1, "upper")}, 0, x)
		}
		return b.add(op, nil, 0, x)
	case 2:
		return b.add(graph.TopK, graph.Attrs{"axis": axis, "k": b.in(1, shape[axis], "k"), "largest": b.in(0, 1, "largest"), "output": b.in(0, 1, "output")}, 0, x)
	case 3:
		letters := "nabcdefgh"[:len(shape)]
		return !b.exact && b.add(graph.Einsum, graph.Attrs{"equation": letters + ",z->" + letters[:axis] + letters[axis+1:] + "z"}, 0, x, constant(tensor.Shape{b.in(1, 3, "z")}))
	case 4:
		return b.recurrent(x, shape)
	case 9: // at points that two of its channels name
		if len(shape) != 4 || shape[1] < 2 {
			return false
		}
		at, ok := made(graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{2}, "axes": []int{1}, "steps": []int{1}}, x)
		if ok {
			at, ok = made(graph.Transpose, graph.Attrs{"perm": []int{0, 2, 3, 1}}, at)
		}
		return ok && b.add(graph.GridSample, graph.Attrs{
			"mode":          rapid.SampledFrom([]string{"linear", "nearest", "cubic"}).Draw(b.T, "mode"),
			"padding_mode":  rapid.SampledFrom([]string{"zeros", "border", "reflection"}).Draw(b.T, "padding"),
			"align_corners": b.in(0, 1, "corners"),
		}, 0, x, at)
	}
	op := rapid.SampledFrom([]graph.Op{graph.ArgMax, graph.ArgMin}).Draw(b.T, "op")
	at, ok := made(op, graph.Attrs{"axis": axis, "select_last_index": b.in(0, 1, "last")}, x)
	switch {
	case !ok || len(shape) > 2 && b.in(0, 2, "alone") == 0:
		return ok
	case len(shape) == 2 && b.in(0, 3, "of each example") > 0:
		if b.yes("reversed") {
			if at, ok = made(graph.Squeeze, graph.Attrs{"axes": []int{1}}, at); ok {
				_, ok = made(graph.ReverseSequence, graph.Attrs{"batch_axis": 0, "time_axis": 1}, x, at)
			}
			return ok
		}
		return b.add(graph.GatherND, graph.Attrs{"batch_dims": 1}, 0, x, at)
	}
	attrs := graph.Attrs{"axis": axis}
	taken, ok := made(graph.GatherElements, attrs, x, at)
	if ok && b.yes("put") {
		reduction := rapid.SampledFrom([]string{"none", "max"}).Draw(b.T, "reduction")
		_, ok = made(graph.ScatterElements, graph.Attrs{"axis": axis, "reduction": reduction}, x, at, taken)
	}
	return ok
}

// sure reports whether every way of computing a value gives the same bits: it is moved and compared, and summed nowhere.
func (b *generator) sure(x string) bool {
	n := b.g.Producers()[x]
	if n == nil || n.Op == graph.DequantizeLinear {
		return true
	}
	row, _ := graph.Lookup(n.Op)
	switch row.Class {
	case graph.ClassReshape, graph.ClassMove, graph.ClassJoin, graph.ClassSelect, graph.ClassReference:
	default:
		if n.Op != graph.Relu && n.Op != graph.Neg && n.Op != graph.Abs && n.Op != graph.Clip {
			return false
		}
	}
	switch n.Op {
	case graph.Einsum, graph.LSTM, graph.GRU, graph.RNN:
		return false
	}
	for _, in := range n.Inputs {
		if in != "" && !b.sure(in) {
			return false
		}
	}
	return true
}

// recurrent draws a recurrent layer over the rows of each example.
func (b *generator) recurrent(x string, shape tensor.Shape) bool {
	if len(shape) != 3 || b.exact {
		return false
	}
	op := rapid.SampledFrom([]graph.Op{graph.LSTM, graph.GRU, graph.RNN}).Draw(b.T, "op")
	gates := map[graph.Op]int{graph.LSTM: 4, graph.GRU: 3, graph.RNN: 1}[op]
	hidden, directions, attrs := b.in(1, 3, "hidden"), 1, graph.Attrs{"layout": 1, "output": b.in(0, 1, "output")}
	if attrs["direction"] = rapid.SampledFrom([]string{"forward", "reverse", "bidirectional"}).Draw(b.T, "direction"); attrs["direction"] == "bidirectional" {
		directions = 2
	}
	if op == graph.GRU {
		attrs["linear_before_reset"] = b.in(0, 1, "before")
	}
	operands := []string{x}
	for i, own := range []tensor.Shape{{directions, gates * hidden, shape[2]}, {directions, gates * hidden, hidden}, {directions, 2 * gates * hidden}} {
		n, _ := own.Elements()
		data := make([]float32, n)
		for k := range data {
			data[k] = float32(b.between(-64, 64)) / 64
		}
		name := fmt.Sprintf("recurrent%d_%d", b.n, i)
		b.g.AddConst(name, mustTensor(own, data))
		operands = append(operands, name)
	}
	return b.add(op, attrs, 0, operands...)
}
