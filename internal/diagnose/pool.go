package diagnose

import (
	"linquant/graph"
	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// windowOf returns a pooling node's window, which may be the whole picture.
func windowOf(g *graph.Graph, n *graph.Node, x tensor.Shape) (graph.Window, error) {
	if n.Op == graph.GlobalAveragePool {
		return graph.Window{Kernel: [2]int{x[2], x[3]}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Out: [2]int{1, 1}}, nil
	}
	return graph.WindowOf(g, n, x[2], x[3])
}

// inWindow calls element with the index of each element of the input in the window of output i, or −1 for padding.
func inWindow(w graph.Window, in, out tensor.Shape, i int, element func(at int)) {
	column, row, plane := i%out[3], i/out[3]%out[2], i/(out[3]*out[2])
	for ky := range w.Kernel[0] {
		for kx := range w.Kernel[1] {
			y, x := row*w.Stride[0]+ky*w.Dilation[0]-w.Pad[0], column*w.Stride[1]+kx*w.Dilation[1]-w.Pad[1]
			if y < 0 || y >= in[2] || x < 0 || x >= in[3] {
				element(-1)
				continue
			}
			element((plane*in[2]+y)*in[3] + x)
		}
	}
}

// averages computes AveragePool and GlobalAveragePool on codes.
func (e *evaluator) averages(n *graph.Node, x, y codes, r *rules) ([]int32, error) {
	w, err := windowOf(e.g, n, x.shape)
	if err != nil {
		return nil, err
	}
	if r.padCount {
		w.CountPad = !w.CountPad
	}
	size, err := y.shape.Elements()
	if err != nil {
		return nil, err
	}
	out, t, zx := make([]int32, size), targetOf(y.quant), x.quant.ZeroPointOf(0)
	own := n.Op == graph.AveragePool && graph.IsQLinear(n)
	mean := integer.QLinearAverage(*y.quant)
	stages := map[int]*quant.Requantizer{}
	for i := range out {
		count := w.Count(x.shape[2], x.shape[3], i/w.Out[1]%w.Out[0], i%w.Out[1])
		if stages[count] == nil {
			if stages[count], err = graph.AverageStage(n, r.convention, *x.quant, *y.quant, count); err != nil {
				return nil, err
			}
		}
		acc, raw, sum := int64(0), int64(0), float32(0)
		inWindow(w, x.shape, y.shape, i, func(at int) {
			q := zx
			switch {
			case at >= 0:
				q = x.code[at]
			case r.padCode && w.CountPad:
				q = 0
			case !w.CountPad:
				return
			}
			acc += int64(q - zx)
			raw += int64(q)
			sum += float32(r.dequantize(q, x.quant))
		})
		s := scales{float32(x.quant.Scale[0] / float32(count)), 1, y.quant.Scale[0]}
		switch {
		case r.rawMean:
			v := (raw + int64(count)/2) / int64(count)
			if raw < 0 {
				v = (raw - int64(count)/2) / int64(count)
			}
			out[i] = int32(min(max(v, int64(t.lo)), int64(t.hi)))
		case r.inReals:
			out[i] = r.quantize(float64(sum/float32(count)), t)
		case r.average != nil:
			v := float64(float32(float32(acc) * float32(r.average(x.quant.Scale[0], y.quant.Scale[0], count))))
			out[i] = r.code(v, t, r.convention == quant.Torch)
		case own && r.plain() && r.convention == e.g.Requant:
			out[i] = mean(sum, count)
		default:
			out[i] = r.requantize(acc, s, t, stages[count], 0)
		}
	}
	return out, nil
}

// maxima computes MaxPool with the code 0 as padding.
func (e *evaluator) maxima(n *graph.Node, x, y codes) ([]int32, error) {
	w, err := windowOf(e.g, n, x.shape)
	if err != nil {
		return nil, err
	}
	size, err := y.shape.Elements()
	if err != nil {
		return nil, err
	}
	out := make([]int32, size)
	for i := range out {
		out[i] = -1 << 31
		inWindow(w, x.shape, y.shape, i, func(at int) {
			q := int32(0)
			if at >= 0 {
				q = x.code[at]
			}
			out[i] = max(out[i], q)
		})
	}
	return out, nil
}
