package diagnose

import (
	"fmt"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// layer computes a Conv, Gemm or MatMul on codes.
func (e *evaluator) layer(n *graph.Node, in []codes, y codes, r *rules, fresh bool) ([]int32, error) {
	x, w := in[0], in[1]
	m, err := matrixOf(e.g, n, x, w, y.shape)
	if err != nil {
		return nil, err
	}
	size, err := y.shape.Elements()
	if err != nil {
		return nil, err
	}
	bias := in[2].code
	if r.noBias {
		bias = nil
	}
	t := targetOf(y.quant)
	out := make([]int32, size)
	if r.inReals || r.inputAxis {
		return out, e.realLayer(m, in, bias, out, t, r)
	}
	stage, err := e.stage(n, x.quant, w.quant, y.quant, r)
	if err != nil {
		return nil, err
	}
	sums := e.sumsOf(n, m, x.quant, w.quant, size, r.sum, fresh)
	m.each(func(to, channel int) {
		acc := sums[to]
		if bias != nil {
			acc += int64(bias[channel])
		}
		if channel < len(r.biasSteps) {
			acc += r.biasSteps[channel]
		}
		k := min(channel, len(w.quant.Scale)-1)
		if r.oneScale {
			k = 0
		}
		out[to] = r.requantize(acc, scales{x.quant.Scale[0], w.quant.Scale[k], y.quant.Scale[0]}, t, stage, k)
	})
	return out, nil
}

// each visits every element of the output with its channel.
func (m *matrix) each(visit func(out, channel int)) {
	for i := range m.rows {
		for j := range m.columns {
			visit(m.at(i, j))
		}
	}
}

func (e *evaluator) sumsOf(n *graph.Node, m *matrix, x, w *quant.Params, size int, p products, fresh bool) []int64 {
	if !fresh {
		return m.sums(x, w, size, p)
	}
	key := sumKey{n.Outputs[0], p}
	sums, ok := e.sums[key]
	if !ok {
		sums = m.sums(x, w, size, p)
		e.sums[key] = sums
	}
	return sums
}

// stage returns the output stage of the convention.
func (e *evaluator) stage(n *graph.Node, x, w, y *quant.Params, r *rules) (*quant.Requantizer, error) {
	if r.convention == e.g.Requant {
		return graph.Stage(e.g, n)
	}
	multiplier := make([]float64, len(w.Scale))
	for c, sw := range w.Scale {
		multiplier[c] = r.convention.Multiplier(x.Scale[0], sw, y.Scale[0])
	}
	return quant.NewRequantizer(r.convention, multiplier, *y)
}

// realLayer computes the layer on what the codes stand for: products and their sum in float64, rounded to float32
// before the bias and after it.
func (e *evaluator) realLayer(m *matrix, in []codes, bias, out []int32, t target, r *rules) error {
	x, w := in[0].quant, in[1].quant
	channelScale := func(channel int) float32 { return w.Scale[min(channel, len(w.Scale)-1)] }
	row := make([]int32, m.depth)
	for i := range m.rows {
		m.row(row, i, x.ZeroPointOf(0))
		for j := range m.columns {
			to, channel := m.at(i, j)
			weights := m.weights[m.block(i)*m.columns+j]
			zw := w.ZeroPointOf(min(channel, len(w.Scale)-1))
			sum := 0.0
			for k, v := range row {
				scale := channelScale(channel)
				if r.inputAxis {
					scale = channelScale(m.inChannel(m.block(i), k))
				}
				sum += r.dequantize(v, x) * float64(float32(float32(weights[k]-zw)*scale)) // an exact product
			}
			if bias != nil {
				s := float32(x.Scale[0] * channelScale(channel))
				sum += float64(float32(float32(bias[channel]) * s))
			}
			out[to] = r.quantize(float64(float32(sum)), t)
		}
	}
	return nil
}

// integers widens codes of any integer type.
func integers(t tensor.Tensor) ([]int32, error) {
	switch t.DType {
	case tensor.Int8, tensor.Uint8, tensor.Int32:
		return quant.Widen(t)
	case tensor.Int16:
		return narrowed[int16](t)
	case tensor.Uint16:
		return narrowed[uint16](t)
	case tensor.Uint32:
		return narrowed[uint32](t)
	case tensor.Int64:
		return narrowed[int64](t)
	case tensor.Uint64:
		return narrowed[uint64](t)
	}
	return nil, fmt.Errorf("it holds %v and not integers", t.DType)
}

// narrowed returns elements that fit int32; one that does not becomes the least int32, which is no code.
func narrowed[T int16 | uint16 | uint32 | int64 | uint64](t tensor.Tensor) ([]int32, error) {
	wide, err := tensor.As[T](t)
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(wide))
	for i, v := range wide {
		out[i] = int32(v)
		if T(out[i]) != v || (out[i] < 0) != (v < 0) {
			out[i] = -1 << 31
		}
	}
	return out, nil
}
