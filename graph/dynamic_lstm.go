package graph

import (
	"math"
	"slices"

	"linquant/internal/integer"
	"linquant/quant"
)

// EndedAttr is the attribute of a dynamic LSTM that says, with 1, that the last state of a sequence that has ended stays in the
// ranges of the steps behind it. So ONNX Runtime computes where the output of every step is left out; else it counts as zeros.
const EndedAttr = "ended"

// checkDynamicLSTM checks an LSTM that quantizes its input and its hidden state while it runs.
func (s site) checkDynamicLSTM() error {
	if s.n.Int("layout") != 0 {
		return s.errorf("it quantizes its input while it runs, and has the layout %d: only 0, steps first, does so", s.n.Int("layout"))
	}
	if s.n.Int(EndedAttr) != 0 && s.n.Int(outputAttr) == 0 {
		return s.errorf("it has %s, and makes the output of every step: only the last states go with it", EndedAttr)
	}
	for i := range s.n.Inputs {
		v := s.value(i)
		switch {
		case v == nil:
		case i == 1 || i == 2:
			if err := s.checkRecurrentWeight(v); err != nil {
				return err
			}
		case v.Quant != nil:
			return s.errorf("input %q is codes: it quantizes its input while it runs, and all but its weights are reals", v.Name)
		case i != 4 && v.Const != nil && !v.Const.DType.IsFloat():
			return s.errorf("constant %q holds %v: convert it to float32", v.Name, v.Const.DType)
		}
	}
	return nil
}

// checkRecurrentWeight checks a weight [directions, rows, depth] of codes.
func (s site) checkRecurrentWeight(w *Value) error {
	if w.Const == nil || w.Quant == nil || len(w.Const.Shape) != 3 || w.Quant.Type.Bits > 8 {
		return s.errorf("it quantizes its input while it runs: its weight %q must be a constant of codes of 2 to 8 bits with 3 dimensions", w.Name)
	}
	shape, q := w.Const.Shape, w.Quant
	switch {
	case q.Per == quant.PerTensor, q.Per == quant.PerChannel && q.Axis == 0:
	case q.Per == quant.PerGroup && q.Axis == 0 && q.GroupSize == shape[2]:
	default:
		return s.errorf("weight %q is quantized per %v on axis %d: the sums of a row need one scale; quantize it per channel on axis 0, "+
			"or in groups of a row, %d codes", w.Name, q.Per, q.Axis, shape[2])
	}
	if most := int64(shape[2]) * 255 * 255; most > math.MaxInt32 {
		return s.errorf("weight %q has rows of %d codes: the accumulator can reach %d, beyond int32", w.Name, shape[2], most)
	}
	return nil
}

// rowScale returns the scale and zero point of a row of a direction's weight [directions, rows, depth].
func rowScale(w *array, direction, row int) (scale float32, zero int32) {
	at := 0
	switch w.quant.Per {
	case quant.PerChannel:
		at = direction
	case quant.PerGroup:
		at = direction*w.shape[1] + row
	}
	return w.quant.Scale[at], w.quant.ZeroPointOf(at)
}

// codedRows are the rows of a weight for one direction, centred, with their scales.
type codedRows struct {
	codes  []int16 // code less zero point, [rows, depth]
	scales []float32
	depth  int
}

// rowsOf returns the rows of one direction.
func rowsOf(w *array, direction int) codedRows {
	rows, depth := w.shape[1], w.shape[2]
	r := codedRows{make([]int16, rows*depth), make([]float32, rows), depth}
	codes := w.code[direction*rows*depth:]
	for o := range rows {
		scale, zero := rowScale(w, direction, o)
		r.scales[o] = scale
		for i := o * depth; i < (o+1)*depth; i++ {
			r.codes[i] = int16(codes[i] - zero)
		}
	}
	return r
}

// scaled returns the product of a row with a vector of centred codes as a real: float32(sum) · (scale of x · scale of the row).
func (r *codedRows) scaled(row int, x []int32, scale float32) float32 {
	w := r.codes[row*r.depth:][:len(x)]
	var a, b int32
	i := 0
	for ; i+1 < len(w); i += 2 {
		a += x[i] * int32(w[i])
		b += x[i+1] * int32(w[i+1])
	}
	if i < len(w) {
		a += x[i] * int32(w[i])
	}
	return float32(float32(a+b) * float32(scale*r.scales[row]))
}

// evalDynamicLSTM computes an LSTM whose W and R are codes, as ONNX Runtime's DynamicQuantizeLSTM does on one thread:
//
//	gates = float32(Σ(qx − zx)·(qw − zw)) · (sx·sw) + float32(Σ(qh − zh)·(qr − zr)) · (sh·sr) + peephole · c + (Wb + Rb)
//
// with sums of integers, and every other step rounded to float32, from left to right. The codes of X have one scale, found of all
// steps up to the longest sequence's end (Dynamic), those of the hidden states one in every step, found of the whole batch, where
// a sequence that has ended counts with zeros (but see EndedAttr). What comes of a sequence of length 0 are zeros.
func (s site) evalDynamicLSTM(call call) (array, error) {
	directions, reverse, err := s.directions()
	if err != nil {
		return array{}, err
	}
	f, err := s.activations(directions)
	if err != nil {
		return array{}, err
	}
	in := append(slices.Clone(call.in), make([]array, 8)...)
	x, n := in[0], in[2].shape[2]
	steps, batch, inputs := x.shape[0], x.shape[1], x.shape[2]
	lengths, longest, err := s.lengths(in[4], steps, batch)
	if err != nil {
		return array{}, err
	}
	codes := make([]int32, longest*batch*inputs)
	scale := integer.Centred(codes, x.real[:len(codes)])
	y := array{shape: call.shape, real: make([]float32, perExample(call.shape))}
	k := &recurrentCell{s: s, hidden: n, clip: s.clip(), forget: s.n.Int("input_forget") != 0}
	rows, pace := 4*n, call.pace()
	gates, h, c, state := make([]float32, rows), make([]float32, batch*n), make([]float32, batch*n), make([]int32, batch*n)
	for d := range directions {
		k.f = f[3*d:][:3]
		w, r := rowsOf(&in[1], d), rowsOf(&in[2], d)
		if in[3].real != nil {
			k.bias = make([]float32, rows)
			for j, both := 0, in[3].real[2*d*rows:]; j < rows; j++ {
				k.bias[j] = both[j] + both[rows+j]
			}
		}
		if in[7].real != nil {
			k.peephole = in[7].real[d*3*n:][:3*n]
		}
		begin(h, in[5].real, d)
		begin(c, in[6].real, d)
		for i := range longest {
			own := integer.Centred(state, h)
			for b, length := range lengths {
				if err := pace.done(rows * (inputs + n)); err != nil {
					return y, err
				}
				hidden, cell := h[b*n:][:n], c[b*n:][:n]
				if i >= length {
					if length == 0 || s.n.Int(EndedAttr) == 0 {
						clear(hidden)
					}
					continue
				}
				t := i
				if reverse || d == 1 {
					t = length - 1 - i
				}
				for o := range gates {
					gates[o] = w.scaled(o, codes[(t*batch+b)*inputs:][:inputs], scale) + r.scaled(o, state[b*n:][:n], own)
				}
				k.gates(gates, hidden, cell)
				switch which := s.n.Int(outputAttr); {
				case which == 0:
					copy(y.real[((t*directions+d)*batch+b)*n:], hidden)
				case i == length-1 && which == 1:
					copy(y.real[(d*batch+b)*n:], hidden)
				case i == length-1:
					copy(y.real[(d*batch+b)*n:], cell)
				}
			}
		}
	}
	return y, nil
}

// begin sets the states of a direction to the initial ones [directions, batch, hidden], zeros where there are none.
func begin(state, initial []float32, direction int) {
	clear(state)
	if initial != nil {
		copy(state, initial[direction*len(state):])
	}
}
