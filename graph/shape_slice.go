package graph

import "linquant/tensor"

// Span is what a Slice takes of one dimension: Count elements from Start on, Step apart. Step may be negative.
type Span struct{ Start, Step, Count int }

// SpansOf returns for every dimension of a Slice node's input what the node takes of it. The batch is taken whole, with
// the count Batch. Errors: axes that are none, a step of 0, a part that is empty or takes only some of the batch.
func SpansOf(n *Node, in tensor.Shape) ([]Span, error) {
	s := site{nil, n}
	starts, ends := n.Ints("starts"), n.Ints("ends")
	axes, steps := n.Ints("axes"), n.Ints("steps")
	count := len(starts)
	if count > len(in) || len(ends) != count || axes != nil && len(axes) != count || steps != nil && len(steps) != count {
		return nil, s.errorf("starts %v, ends %v, axes %v and steps %v of %s: they must have one length, at most that of the shape",
			starts, ends, axes, steps, show(in))
	}
	spans, seen := make([]Span, len(in)), make([]bool, len(in))
	for d := range in {
		spans[d] = Span{0, 1, in[d]}
	}
	for i := range starts {
		d, step := i, 1
		if axes != nil {
			var err error
			if d, err = s.dimension("axes:", axes[i], len(in)); err != nil {
				return nil, err
			}
		}
		if steps != nil {
			step = steps[i]
		}
		if step == 0 || seen[d] {
			return nil, s.errorf("axes %v and steps %v: an axis can be given once, with a step other than 0", axes, steps)
		}
		seen[d] = true
		if d == 0 && batched(in) {
			if starts[i] != 0 || ends[i] < maxElements || step != 1 {
				return nil, s.errorf("[%d:%d:%d] of dimension 0 would choose examples from the batch: leave axis 0 out", starts[i], ends[i], step)
			}
			continue
		}
		if spans[d] = SpanOf(starts[i], ends[i], step, in[d]); spans[d].Count < 1 {
			return nil, s.errorf("[%d:%d:%d] takes nothing of dimension %d of %s", starts[i], ends[i], step, d, show(in))
		}
	}
	return spans, nil
}

// SpanOf resolves start:end:step for a dimension of the given length, as numpy does. The step is not 0; Count is 0 where
// nothing is taken.
func SpanOf(start, end, step, length int) Span {
	from, to, by, n := int64(start), int64(end), int64(step), int64(length)
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if by > 0 {
		from, to = min(max(from, 0), n), min(max(to, 0), n)
		return Span{int(from), step, int(max((to-from+by-1)/by, 0))}
	}
	from, to = min(max(from, -1), n-1), min(max(to, -1), n-1)
	return Span{int(from), step, int(max((from-to-by-1)/-by, 0))}
}

func (s site) slice() (tensor.Shape, error) {
	spans, err := SpansOf(s.n, s.shape(0))
	if err != nil {
		return nil, err
	}
	out := make(tensor.Shape, len(spans))
	for d, span := range spans {
		out[d] = span.Count
	}
	return out, nil
}
