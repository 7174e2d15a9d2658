package ptq_test

import (
	"math"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// simulation is the usual check of a quantized network: the float network run in float64 with its weights, biases and
// activations each rounded to what their codes stand for. It shares no code with the packages under test.
type simulation struct {
	bits int
	lo   map[string]float64 // ranges of activations
	hi   map[string]float64
	net  *graph.Graph
}

// scaleOf returns the affine parameters of an activation with unsigned codes.
func (s simulation) scaleOf(value string) (scale, zero float64) {
	lo, hi := min(s.lo[value], 0), max(s.hi[value], 0)
	scale = float64(float32((hi - lo) / (math.Pow(2, float64(s.bits)) - 1)))
	return scale, math.RoundToEven(-lo / scale)
}

// round replaces every number by the nearest one that has a code of that value, and returns the codes.
func (s simulation) round(x []float64, value string) []float64 {
	scale, zero := s.scaleOf(value)
	codes := make([]float64, len(x))
	for i, v := range x {
		codes[i] = min(max(math.RoundToEven(v/scale)+zero, 0), math.Pow(2, float64(s.bits))-1)
		x[i] = (codes[i] - zero) * scale
	}
	return codes
}

func (s simulation) weights(name string, to int) (w, scales []float64) {
	x, _ := s.net.Value(name).Const.Float32s()
	depth := len(x) / to
	w, scales = make([]float64, len(x)), make([]float64, to)
	for c := range to {
		for _, v := range x[c*depth : (c+1)*depth] {
			scales[c] = max(scales[c], math.Abs(float64(v)))
		}
		scales[c] /= math.Pow(2, float64(s.bits)-1) - 1
		for i, v := range x[c*depth : (c+1)*depth] {
			w[c*depth+i] = math.RoundToEven(float64(v)/scales[c]) * scales[c]
		}
	}
	return w, scales
}

// conv is a convolution 3×3 with padding 1 of one example on a square image, with what follows it.
func (s simulation) conv(name string, x []float64, input string, from, to, size int) []float64 {
	w, sw := s.weights(name+".w", to)
	b, _ := s.net.Value(name + ".b").Const.Float32s()
	sx, _ := s.scaleOf(input)
	y := make([]float64, 0, to*size*size)
	for c := range to {
		for i := range size {
			for j := range size {
				sum := math.RoundToEven(float64(b[c])/(sx*sw[c])) * sx * sw[c]
				for f := range from {
					for k := range 9 {
						if u, v := i+k/3-1, j+k%3-1; u >= 0 && v >= 0 && u < size && v < size {
							sum += w[(c*from+f)*9+k] * x[(f*size+u)*size+v]
						}
					}
				}
				y = append(y, sum)
			}
		}
	}
	return y
}

func relu(x []float64) {
	for i := range x {
		x[i] = max(x[i], 0)
	}
}

// A residual network of the usual operators against its simulation: every code of every value within one step, and
// nearly all of them equal. A tie that rounds the other way moves what is computed from it, a little, hence not all.
func TestSimulation(t *testing.T) {
	const size, batch = 6, 4
	n := newNet(t, 3, size, size)
	a := n.op(graph.Relu, "ra", nil, n.conv("a", "x", 3, 8))
	b := n.op(graph.Relu, "rb", nil, n.op(graph.Add, "add", nil, n.conv("b", a, 8, 8), a))
	p := n.op(graph.GlobalAveragePool, "gap", nil, n.op(graph.MaxPool, "max", graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, b))
	g := n.done(n.gemm("fc", n.op(graph.Flatten, "flat", nil, p), 8, 5))
	x := n.random(batch * 3 * size * size)
	shape := tensor.Shape{batch, 3, size, size}

	for bits := 3; bits <= 8; bits++ {
		cfg := ptq.Config{WeightBits: bits, ActBits: bits, Overrides: []ptq.Override{{Pattern: "*", ActBits: bits}}} // sums too
		points, err := ptq.Points(g, cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := simulation{bits: bits, net: g, lo: map[string]float64{}, hi: map[string]float64{}}
		ranges := calib.Ranges{}
		floats := evaluate(t, g, shape, x, calib.Values(points)...)
		for _, p := range calib.Values(points) {
			r := calib.Range{Lo: float32(math.Inf(1)), Hi: float32(math.Inf(-1))}
			for _, v := range codesOf[float32](t, floats[p]) {
				r.Lo, r.Hi = min(r.Lo, v), max(r.Hi, v)
			}
			ranges[p] = r
			s.lo[p], s.hi[p] = float64(r.Lo), float64(r.Hi)
		}
		q, _, err := ptq.Quantize(t.Context(), g, ranges, cfg)
		if err != nil {
			t.Fatal(err)
		}
		kept := []string{"x_quantized", "ra.y", "b.y", "rb.y", "max.y", "gap.y", "fc.y_quantized"}
		got := evaluate(t, q, shape, x, kept...)
		equal, all := 0, 0
		compare := func(value string, example int, want []float64) {
			t.Helper()
			codes := codesOf[uint8](t, got[value])[example*len(want):]
			for i, w := range want {
				d := math.Abs(float64(codes[i]) - w)
				if d > 1 {
					t.Errorf("%d bits, %s, example %d, element %d: code %d, simulated %v", bits, value, example, i, codes[i], w)
				}
				if all++; d == 0 {
					equal++
				}
			}
		}
		for e := range batch {
			in := make([]float64, 3*size*size)
			for i := range in {
				in[i] = float64(x[e*len(in)+i])
			}
			compare("x_quantized", e, s.round(in, "x"))
			a := s.conv("a", in, "x", 3, 8, size)
			relu(a)
			compare("ra.y", e, s.round(a, "ra.y"))
			b := s.conv("b", a, "ra.y", 8, 8, size)
			compare("b.y", e, s.round(b, "b.y"))
			for i := range b {
				b[i] += a[i]
			}
			relu(b)
			compare("rb.y", e, s.round(b, "max.y"))
			pooled, average := []float64{}, make([]float64, 8)
			for c := range 8 {
				for i := 0; i < size; i += 2 {
					for j := 0; j < size; j += 2 {
						at := (c*size+i)*size + j
						pooled = append(pooled, max(b[at], b[at+1], b[at+size], b[at+size+1]))
						average[c] += pooled[len(pooled)-1] / (size * size / 4)
					}
				}
			}
			compare("max.y", e, s.round(pooled, "max.y"))
			compare("gap.y", e, s.round(average, "flat.y"))
			w, sw := s.weights("fc.w", 5)
			bias, _ := g.Value("fc.b").Const.Float32s()
			sx, _ := s.scaleOf("flat.y")
			y := make([]float64, 5)
			for o := range y {
				y[o] = math.RoundToEven(float64(bias[o])/(sx*sw[o])) * sx * sw[o]
				for i, v := range average {
					y[o] += w[o*8+i] * v
				}
			}
			compare("fc.y_quantized", e, s.round(y, "fc.y"))
		}
		if float64(equal) < 0.999*float64(all) {
			t.Errorf("%d bits: only %d of %d codes are those of the simulation", bits, equal, all)
		}
		real, back := codesOf[float32](t, floats["fc.y"]), codesOf[float32](t, got["fc.y"])
		var signal, noise float64
		for i, v := range real {
			d := float64(v) - float64(back[i])
			signal, noise = signal+float64(v)*float64(v), noise+d*d
		}
		if sqnr := 10 * math.Log10(signal/noise); sqnr < 6*float64(bits)-18 {
			t.Errorf("%d bits: the output has an SQNR of %.1f dB", bits, sqnr)
		}
	}
}
