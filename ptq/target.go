package ptq

import (
	"fmt"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/near"
	"linquant/quant"
)

// Target is a runtime that a quantized network is made for. "" is none: what the configuration says.
type Target string

// The targets, and what each wants; the addresses are of the documents that say it.
const (
	// ONNXRuntime is ONNX Runtime's CPU provider. Where the processor has AVX2 or AVX-512 without VNNI, its kernels for uint8 × int8 add products in
	// pairs to int16 and saturate (VPMADDUBSW); it recommends weights of 7 bits there, which it calls reduce_range
	// (onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "When and why do I need to try U8U8"). Signed activations are made unsigned
	// in QDQ files, and saturate as well; in QOperator files they do not, and run without vector instructions. So: unsigned activations, and
	// Config.ReduceRange.
	ONNXRuntime Target = "ort"

	// OpenVINO is its CPU device, and NNCF's defaults for it: weights symmetric, one scale a channel, activations uint8, and affine in its preset MIXED
	// (docs.openvino.ai, "Basic Quantization Flow"). Its kernels saturate where those of ONNX Runtime do, which NNCF's overflow_fix avoids by half the
	// range of weights (openvinotoolkit.github.io/nncf, OverflowFix). Signed affine activations are read wrongly by some versions.
	OpenVINO Target = "openvino"

	// TensorRT takes signed codes of 8 bits with zero point 0 alone, of activations one scale a tensor and of weights one a channel, as
	// QuantizeLinear and DequantizeLinear; biases are reals (docs.nvidia.com/deeplearning/tensorrt, "Explicit Quantization", "Working with Quantized
	// Types").
	TensorRT Target = "tensorrt"

	// QNN is the HTP of Qualcomm, by ONNX Runtime's provider of that name: QDQ with static ranges, activations uint8 and affine, weights int8 and symmetric
	// (onnxruntime.ai/docs/execution-providers/QNN-ExecutionProvider.html). Not every operator takes a scale a channel there, so that one a tensor is the
	// default.
	QNN Target = "qnn"

	// TFLite is the 8-bit scheme of TensorFlow Lite, of which converters of ONNX make files: activations int8 and affine, weights int8 in [−127, 127],
	// symmetric, biases int32 with the product of both scales (tensorflow.org/lite/performance/quantization_spec).
	TFLite Target = "tflite"
)

// Targets lists them.
func Targets() []Target { return []Target{ONNXRuntime, OpenVINO, TensorRT, QNN, TFLite} }

// ParseTarget returns the target of that name; "" is none.
func ParseTarget(name string) (Target, error) {
	if t := Target(name); t == "" || slices.Contains(Targets(), t) {
		return t, nil
	}
	var names []string
	for _, t := range Targets() {
		names = append(names, string(t))
	}
	return "", fmt.Errorf("%q is no target: use %s%s", name, strings.Join(names, ", "), near.Meant(name, names))
}

// Demands are what a target wants of a network.
type Demands struct {
	ActSigned    bool
	ActSymmetric bool
	ReduceRange  bool // as Config has it
	PerTensor    bool // a default: either can be had
	Static       bool // no dynamic layers
	FullBits     bool // 8 bits of weights and activations, and no fewer
	FloatBias    bool // biases are written as reals
	QDQ          bool // and in no other form
}

// Demands returns what the target wants.
func (t Target) Demands() Demands {
	switch t {
	case ONNXRuntime:
		return Demands{ReduceRange: true}
	case OpenVINO:
		return Demands{ReduceRange: true, QDQ: true}
	case TensorRT:
		return Demands{ActSigned: true, ActSymmetric: true, Static: true, FullBits: true, FloatBias: true, QDQ: true}
	case QNN:
		return Demands{PerTensor: true, Static: true, FullBits: true, QDQ: true}
	case TFLite:
		return Demands{ActSigned: true, Static: true, FullBits: true, QDQ: true}
	}
	return Demands{}
}

// Apply sets the fields of cfg that the target has demands of.
func (t Target) Apply(cfg *Config) {
	if t == "" {
		return
	}
	d := t.Demands()
	cfg.ActSigned, cfg.ActSymmetric, cfg.ReduceRange, cfg.Requant = d.ActSigned, d.ActSymmetric, d.ReduceRange, quant.ONNX
}

// What two weights of one sign may add up to, so that the sum of their products with codes of 8 bits fits int16.
const (
	mostPair  = (1<<15 - 1) / (1<<8 - 1)
	leastPair = -(1 << 15) / (1<<8 - 1)
)

// reduceRange gives weights of 8 bits 7 where pairs of products could saturate, unless an override says their bits. bits returns those of
// the activation that the node reads.
func (p *plan) reduceRange(bits func(n *graph.Node) int) {
	if !p.cfg.ReduceRange {
		return
	}
	for _, n := range p.g.Nodes {
		if s := p.settings[n]; p.quantizes(n) && s.weightBits == 8 && !s.weightSaid && !depthwise(p.g, n) && bits(n) == 8 {
			s.weightBits = 7
		}
	}
}

// depthwise reports whether a convolution has one channel in each group, and so no sum over channels: runtimes have kernels for these that add no
// pairs in int16.
func depthwise(g *graph.Graph, n *graph.Node) bool {
	if n.Op != graph.Conv {
		return false
	}
	w := g.Value(n.Input(1))
	return w != nil && w.Const != nil && len(w.Const.Shape) > 1 && w.Const.Shape[1] == 1 && n.Int("group") == w.Const.Shape[0]
}

// PairsSaturate lists the layers of a quantized network of which runtimes that add products in pairs to int16 may saturate sums: those whose weights
// have two codes of one sign in a channel that are too large together for codes of activations that go up to 255. It is a bound: whether the two
// meet, and with such codes, depends on the runtime and the input.
func PairsSaturate(g *graph.Graph) []string {
	var list []string
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.Conv, graph.Gemm, graph.MatMul:
		default:
			continue
		}
		w, x := g.Value(n.Input(1)), g.Value(n.Input(0))
		if w == nil || w.Const == nil || w.Quant == nil || w.Quant.Type != quant.Int(8) || depthwise(g, n) {
			continue
		}
		if dynamic := graph.IsDynamic(n); dynamic && n.Op == graph.Conv || !dynamic && (x == nil || x.Quant == nil || x.Quant.Type.Bits < 8) {
			continue // ConvInteger multiplies the other way around: its weights are the operand that is not paired
		}
		if pairsSaturate(w.Const.Data, w.Const.Shape, graph.ChannelAxis(n, len(w.Const.Shape))) {
			list = append(list, n.Label())
		}
	}
	return list
}

// pairsSaturate reports it of a weight's codes, one a byte.
func pairsSaturate(codes []byte, shape []int, axis int) bool {
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	type ends struct{ high, higher, low, lower int }
	channels := make([]ends, shape[axis])
	for i, b := range codes {
		c, e := int(int8(b)), &channels[i/inner%shape[axis]]
		if c > e.higher {
			e.high, e.higher = e.higher, c
		} else {
			e.high = max(e.high, c)
		}
		if c < e.lower {
			e.low, e.lower = e.lower, c
		} else {
			e.low = min(e.low, c)
		}
	}
	return slices.ContainsFunc(channels, func(e ends) bool { return e.high+e.higher > mostPair || e.low+e.lower < leastPair })
}
