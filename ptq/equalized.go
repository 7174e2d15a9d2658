package ptq

import (
	"context"
	"errors"
	"math"

	"linquant/graph"
	"linquant/internal/arith"
	"linquant/quant"
)

// Equalized is the WeightMethod for a network that Equalize made: codes are those of AbsMax, and the bias takes back what rounding
// the weights shifts of the mean of the layer's output, where the mean of its input is known from batch normalizations (bias
// correction, Nagel et al. 2019, section 4.2). The mean is taken to be the same everywhere, in padding too. The zero value has no network, and quantizes nothing:
// pipeline.Quantize fills it in.
type Equalized struct{ Network *Equalization }

// String returns "equalize".
func (Equalized) String() string { return "equalize" }

// Needs asks for nothing. Errors: there is no equalized network.
func (m Equalized) Needs(w *LayerWeight) ([]Watch, error) {
	switch {
	case w.Node == nil:
		return nil, errors.New("equalization is for whole networks, where the layer is known that reads what a weight computes: end the output in .onnx")
	case m.Network == nil:
		return nil, errors.New("equalization is of a whole network, before its weights are quantized: give what Equalize returned (Equalized.Network)")
	}
	return nil, nil
}

// Quantize does it.
func (m Equalized) Quantize(ctx context.Context, w *LayerWeight, codes []int8) (quant.Params, []float32, error) {
	if _, err := m.Needs(w); err != nil {
		return quant.Params{}, nil, err
	}
	p, _, err := AbsMax{}.Quantize(ctx, w, codes)
	if err != nil {
		return p, nil, err
	}
	means := m.Network.means[w.Node.Input(0)]
	if len(means) == 0 || !w.CanBias || w.Axis != 0 {
		return p, nil, nil
	}
	restored := make([]float32, len(codes))
	if err := quant.Dequantize(restored, codes, w.Shape, p); err != nil {
		return p, nil, err
	}
	outputs, inputs := w.Shape[0], w.Shape[1]
	kernel, groups := len(codes)/max(outputs*inputs, 1), len(means)/max(inputs, 1)
	if groups == 0 || groups*inputs != len(means) || outputs%groups != 0 {
		return p, nil, nil
	}
	bias := make([]float32, outputs)
	for o := range bias {
		shift := 0.0
		for i := range inputs {
			lost := 0.0
			for at := (o*inputs + i) * kernel; at < (o*inputs+i+1)*kernel; at++ {
				lost += float64(restored[at]) - float64(w.Real[at])
			}
			shift += float64(lost * means[o/(outputs/groups)*inputs+i])
		}
		if w.Bias != nil {
			bias[o] = w.Bias[o]
		}
		bias[o] = float32(float64(bias[o]) - shift)
	}
	m.Network.corrected++
	return p, bias, nil
}

// Corrected returns how many biases were corrected when the network was quantized.
func (e *Equalization) Corrected() int { return e.corrected }

// expect returns the mean of each channel of the activations that follow from the moments of batch normalizations, whose
// outputs are taken for normally distributed, summands for independent.
func expect(g *graph.Graph, norms map[string]graph.Moments) map[string][]float64 {
	known, means := map[string]graph.Moments{}, map[string][]float64{}
	for _, n := range g.Nodes {
		y := n.Outputs[0]
		m, ok := norms[y]
		if !ok {
			m, ok = follow(g, n, known)
		}
		if v := g.Value(y); ok && len(v.Shape) >= 2 && v.Shape[1] == len(m.Mean) {
			known[y] = m
			means[y] = append([]float64(nil), m.Mean...)
		}
	}
	return means
}

// follow returns the moments of what a node computes; ok is false where they are not known.
func follow(g *graph.Graph, n *graph.Node, known map[string]graph.Moments) (out graph.Moments, ok bool) {
	m, ok := known[n.Input(0)]
	if !ok {
		return out, false
	}
	low, high := 0.0, math.Inf(1)
	switch n.Op {
	case graph.Relu:
	case graph.Clip:
		low, high = bounds(n)
	case graph.AveragePool, graph.GlobalAveragePool:
		return graph.Moments{Mean: m.Mean, Std: make([]float64, len(m.Mean))}, true
	case graph.Flatten, graph.Reshape:
		size := g.Value(n.Outputs[0]).Shape
		if len(size) != 2 || size[1] != len(m.Mean) {
			return out, false
		}
		return m, true
	case graph.Add:
		other, ok := known[n.Input(1)]
		if !ok || len(other.Mean) != len(m.Mean) {
			return out, false
		}
		for c, mean := range m.Mean {
			out.Mean = append(out.Mean, mean+other.Mean[c])
			out.Std = append(out.Std, math.Sqrt(float64(m.Std[c]*m.Std[c])+float64(other.Std[c]*other.Std[c])))
		}
		return out, true
	default:
		return out, false
	}
	for c, mean := range m.Mean {
		first, second := clipped(mean, m.Std[c], low, high)
		out.Mean = append(out.Mean, first)
		out.Std = append(out.Std, math.Sqrt(max(second-float64(first*first), 0)))
	}
	return out, true
}

// clipped returns the mean and the mean square of a normal variable that is clipped to a range.
func clipped(mean, std, low, high float64) (first, second float64) {
	if !(std > 0) {
		x := min(max(mean, low), high)
		return x, float64(x * x)
	}
	below, pLow, dLow := tail(mean, std, low)
	above, pHigh, dHigh := tail(mean, std, high)
	inside := pHigh - pLow
	// ∫x and ∫x² of the density between the bounds, and the bounds' own shares.
	first = float64(mean*inside) + float64(std*(dLow-dHigh)) + float64(below*pLow) + float64(above*(1-pHigh))
	second = float64((float64(mean*mean)+float64(std*std))*inside) + float64(std*(float64((mean+below)*dLow)-float64((mean+above)*dHigh))) +
		float64(below*below*pLow) + float64(above*above*(1-pHigh))
	return first, second
}

// tail returns a bound, the probability of less, and the standard density there; all 0 or 1 where the bound is infinite.
func tail(mean, std, bound float64) (x, p, d float64) {
	switch {
	case math.IsInf(bound, -1):
		return 0, 0, 0
	case math.IsInf(bound, 1):
		return 0, 1, 0
	}
	z := (bound - mean) / std
	return bound, (1 + arith.Erf(z/math.Sqrt2)) / 2, arith.Exp(-float64(z*z)/2) / math.Sqrt(2*math.Pi)
}
