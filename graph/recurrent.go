package graph

import (
	"math"
	"slices"
	"strings"

	"linquant/internal/arith"
	"linquant/tensor"
)

// Recurrent layers. X is [steps, batch, inputs], with the attribute layout [batch, steps, inputs]; W [directions, gates·hidden,
// inputs], R [directions, gates·hidden, hidden], B [directions, 2·gates·hidden], lengths [batch], states [directions, batch,
// hidden], peepholes [directions, 3·hidden]. Output 0 has every step, [steps, directions, batch, hidden], output 1 the last
// hidden state, output 2 of LSTM the last cell. Names of activations stand in one attribute, between commas.

// recurrent is what the nodes of an operator have in common.
type recurrent struct {
	gates       int
	activations []string // of one direction, where the attribute names none
	outputs     int
}

var recurrents = map[Op]recurrent{
	LSTM: {4, []string{"Sigmoid", "Tanh", "Tanh"}, 3},
	GRU:  {3, []string{"Sigmoid", "Tanh"}, 2},
	RNN:  {1, []string{"Tanh"}, 2},
}

// directions returns how many there are, and of which kind the first is.
func (s site) directions() (n int, reverse bool, err error) {
	switch d := s.n.Str("direction"); d {
	case "forward":
		return 1, false, nil
	case "reverse":
		return 1, true, nil
	case "bidirectional":
		return 2, false, nil
	default:
		return 0, false, s.errorf("direction is %q: use forward, reverse or bidirectional", d)
	}
}

// recur returns the shape of a recurrent layer's output.
func (s site) recur() (tensor.Shape, error) {
	r, x, w, u := recurrents[s.n.Op], s.shape(0), s.shape(1), s.shape(2)
	n, _, err := s.directions()
	if err != nil {
		return nil, err
	}
	if _, err := s.activations(n); err != nil {
		return nil, err
	}
	last := s.n.Int("layout") != 0
	if len(x) != 3 || len(w) != 3 || len(u) != 3 {
		return nil, s.errorf("X, W and R are %s, %s and %s: each has three dimensions", show(x), show(w), show(u))
	}
	if batched(x) && !last {
		return nil, s.errorf("the first dimension of %s is steps and not the batch: read the whole input as one example", show(x))
	}
	hidden := u[2]
	if h := s.n.Int("hidden_size"); h != 0 { // else it follows from R
		hidden = h
	}
	steps, batch := x[0], x[1]
	if last {
		steps, batch = x[1], x[0]
	}
	states := tensor.Shape{n, batch, hidden}
	if last {
		states = tensor.Shape{batch, n, hidden}
	}
	wants := []tensor.Shape{nil, {n, r.gates * hidden, x[2]}, {n, r.gates * hidden, hidden}, {n, 2 * r.gates * hidden}, {batch}, states}
	if s.n.Op == LSTM {
		wants = append(wants, states, tensor.Shape{n, 3 * hidden})
	}
	for i := 1; i < len(s.n.Inputs); i++ {
		if s.n.Inputs[i] != "" && !s.shape(i).Equal(wants[i]) {
			return nil, s.errorf("input %d (%q) is %s: for %s and a hidden size of %d it is %s", i, s.n.Inputs[i], show(s.shape(i)), show(x), hidden, show(wants[i]))
		}
	}
	which := s.n.Int(outputAttr)
	switch {
	case which < 0 || which >= r.outputs:
		return nil, s.errorf("it has no output %d", which)
	case which > 0:
		return states, nil
	case last:
		return tensor.Shape{batch, steps, n, hidden}, nil
	}
	return tensor.Shape{steps, n, batch, hidden}, nil
}

// activation is a function of an element, with the numbers that it takes and what they are where none are given.
type activation struct {
	f        func(x, alpha, beta float32) float32
	defaults []float32
}

func plain(f func(float64) float64) activation {
	return activation{func(x, _, _ float32) float32 { return float32(f(float64(x))) }, nil}
}

var activations = map[string]activation{
	"affine":          {func(x, a, b float32) float32 { return float32(a*x) + b }, []float32{1, 0}},
	"elu":             {func(x, a, _ float32) float32 { return elu(x, a) }, []float32{1}},
	"hardsigmoid":     {func(x, a, b float32) float32 { return min(max(float32(a*x)+b, 0), 1) }, []float32{0.2, 0.5}},
	"leakyrelu":       {func(x, a, _ float32) float32 { return leakyRelu(x, a) }, []float32{0.01}},
	"relu":            {func(x, _, _ float32) float32 { return max(x, 0) }, nil},
	"scaledtanh":      {func(x, a, b float32) float32 { return a * float32(arith.Tanh(float64(b*x))) }, []float32{1, 1}},
	"sigmoid":         plain(arith.Sigmoid),
	"softplus":        plain(arith.Softplus),
	"softsign":        {func(x, _, _ float32) float32 { return softsign(x) }, nil},
	"tanh":            plain(arith.Tanh),
	"thresholdedrelu": {func(x, a, _ float32) float32 { return thresholdedRelu(x, a) }, []float32{1}},
}

// activations returns the functions of all directions, one after the other.
func (s site) activations(directions int) ([]func(float32) float32, error) {
	own := recurrents[s.n.Op].activations
	names := slices.Repeat(own, directions)
	if given := s.n.Str("activations"); given != "" {
		if names = strings.Split(given, ","); len(names) != len(own)*directions {
			return nil, s.errorf("activations are %q: %d are needed", given, len(own)*directions)
		}
	}
	numbers := [2][]float32{s.n.Floats("activation_alpha"), s.n.Floats("activation_beta")}
	list := make([]func(float32) float32, len(names))
	for i, name := range names {
		a, ok := activations[strings.ToLower(name)]
		if !ok {
			return nil, s.errorf("the activation %q is unknown", name)
		}
		var of [2]float32
		for k, v := range a.defaults {
			if of[k] = v; len(numbers[k]) > 0 { // they are given to those that take any, in order
				of[k], numbers[k] = numbers[k][0], numbers[k][1:]
			}
		}
		list[i] = func(x float32) float32 { return a.f(x, of[0], of[1]) }
	}
	return list, nil
}

// recurrentCell computes one step of one direction: h and c are the states, which it replaces; x and own are the sums of the
// input and of the state before, gate after gate.
type recurrentCell struct {
	s            site
	hidden       int
	f            []func(float32) float32
	clip         func(float32) float32
	r, rb        []float32 // of the state, for GRU
	peephole     []float32
	bias         []float32 // of LSTM, added last: where a step's rounding says so
	forget       bool      // the input gate stands for the forget gate
	beforeReset  bool
	scratch, own []float32
}

// addProducts adds to dst the products of a matrix, row by row, with a vector: in float64, where products of two float32 are exact.
func addProducts(dst, matrix, x []float32) {
	for o := range dst {
		row := matrix[o*len(x):][:len(x)]
		var a, b float64
		i := 0
		for ; i+1 < len(row); i += 2 {
			a += float64(row[i]) * float64(x[i])
			b += float64(row[i+1]) * float64(x[i+1])
		}
		if i < len(row) {
			a += float64(row[i]) * float64(x[i])
		}
		dst[o] += float32(a + b)
	}
}

// step computes one step for one example; gates are the sums of its input and of both biases, but for the last gate of a GRU
// without that of the state.
func (k *recurrentCell) step(gates, h, c []float32) {
	n := k.hidden
	at := func(i int) []float32 { return gates[i*n:][:n] }
	switch k.s.n.Op {
	case RNN:
		addProducts(gates, k.r, h)
		for j := range h {
			h[j] = k.f[0](k.clip(gates[j]))
		}
	case GRU:
		z, r, g := at(0), at(1), at(2)
		addProducts(gates[:2*n], k.r[:2*n*n], h)
		for j := range n {
			z[j], r[j] = k.f[0](k.clip(z[j])), k.f[0](k.clip(r[j]))
		}
		if k.beforeReset {
			copy(k.own, k.rb[2*n:])
			addProducts(k.own, k.r[2*n*n:], h)
			for j := range n {
				g[j] += float32(r[j] * k.own[j])
			}
		} else {
			for j := range n {
				k.scratch[j] = r[j] * h[j]
				g[j] += k.rb[2*n+j]
			}
			addProducts(g, k.r[2*n*n:], k.scratch)
		}
		for j := range n {
			h[j] = float32((1-z[j])*k.f[1](k.clip(g[j]))) + float32(z[j]*h[j])
		}
	case LSTM:
		addProducts(gates, k.r, h)
		k.gates(gates, h, c)
	}
}

// gates computes the states of an LSTM from the sums of its gates, in the order input, output, forget, cell.
func (k *recurrentCell) gates(sums, h, c []float32) {
	n := k.hidden
	sum := func(gate, j int, c float32) float32 {
		x := sums[gate*n+j]
		if k.peephole != nil && gate < 3 {
			x += float32(k.peephole[gate*n+j] * c)
		}
		if k.bias != nil {
			x += k.bias[gate*n+j]
		}
		return k.clip(x)
	}
	for j := range n {
		in := k.f[0](sum(0, j, c[j]))
		keep := 1 - in
		if !k.forget {
			keep = k.f[0](sum(2, j, c[j]))
		}
		c[j] = float32(keep*c[j]) + float32(in*k.f[1](sum(3, j, 0)))
		h[j] = k.f[0](sum(1, j, c[j])) * k.f[2](c[j])
	}
}

// evalRecurrent runs all directions of all examples.
func (s site) evalRecurrent(call call) (array, error) {
	if IsDynamic(s.n) {
		return s.evalDynamicLSTM(call)
	}
	op := recurrents[s.n.Op]
	directions, reverse, err := s.directions()
	if err != nil {
		return array{}, err
	}
	f, err := s.activations(directions)
	if err != nil {
		return array{}, err
	}
	in := append(slices.Clone(call.in), make([]array, 8)...)
	x, last, n := in[0], s.n.Int("layout") != 0, in[2].shape[2]
	steps, batch, inputs := x.shape[0], x.shape[1], x.shape[2]
	if last {
		steps, batch = batch, steps
	}
	lengths, _, err := s.lengths(in[4], steps, batch)
	if err != nil {
		return array{}, err
	}
	y := array{shape: call.shape, real: make([]float32, perExample(call.shape))}
	rows := op.gates * n
	gates, h, c := make([]float32, rows), make([]float32, n), make([]float32, n)
	k := &recurrentCell{
		s: s, hidden: n, clip: s.clip(), beforeReset: s.n.Op == GRU && s.n.Int("linear_before_reset") != 0,
		forget: s.n.Op == LSTM && s.n.Int("input_forget") != 0, scratch: make([]float32, n), own: make([]float32, n), rb: make([]float32, rows),
	}
	at := func(d, b int) int { // of a state
		if last {
			return (b*directions + d) * n
		}
		return (d*batch + b) * n
	}
	for d := range directions {
		k.f = f[d*len(op.activations):][:len(op.activations)]
		k.r = in[2].real[d*rows*n:][:rows*n]
		bias := make([]float32, rows)
		if in[3].real != nil {
			both := in[3].real[2*d*rows:][:2*rows]
			k.rb = both[rows:]
			for j := range bias {
				bias[j] = both[j]
				if s.n.Op != GRU || j < 2*n {
					bias[j] += both[rows+j]
				}
			}
		}
		if in[7].real != nil {
			k.peephole = in[7].real[d*3*n:][:3*n]
		}
		pace := call.pace()
		for b, length := range lengths {
			clear(h)
			clear(c)
			if in[5].real != nil {
				copy(h, in[5].real[at(d, b):])
			}
			if in[6].real != nil {
				copy(c, in[6].real[at(d, b):])
			}
			for i := range length {
				if err := pace.done(rows * (inputs + n)); err != nil {
					return y, err
				}
				t := i
				if reverse || d == 1 {
					t = length - 1 - i
				}
				from, to := (t*batch+b)*inputs, ((t*directions+d)*batch+b)*n
				if last {
					from, to = (b*steps+t)*inputs, ((b*steps+t)*directions+d)*n
				}
				copy(gates, bias)
				addProducts(gates, in[1].real[d*rows*inputs:][:rows*inputs], x.real[from:][:inputs])
				k.step(gates, h, c)
				if s.n.Int(outputAttr) == 0 {
					copy(y.real[to:], h)
				}
			}
			switch s.n.Int(outputAttr) {
			case 1:
				copy(y.real[at(d, b):], h)
			case 2:
				copy(y.real[at(d, b):], c)
			}
		}
	}
	return y, nil
}

// clip returns what bounds the inputs of activations.
func (s site) clip() func(x float32) float32 {
	limit := s.n.Float("clip")
	if !(limit > 0) {
		return same
	}
	return func(x float32) float32 { return min(max(x, -limit), limit) }
}

// lengths returns the length of every sequence of a batch, and of the longest.
func (s site) lengths(given array, steps, batch int) (list []int, longest int, err error) {
	list = slices.Repeat([]int{steps}, batch)
	longest = steps
	if given.real != nil {
		longest = 0
	}
	for b := range given.real {
		if list[b] = int(given.real[b]); list[b] < 0 || list[b] > steps {
			return nil, 0, s.errorf("a sequence has the length %d, and there are %d steps", list[b], steps)
		}
		longest = max(longest, list[b])
	}
	return list, longest, nil
}

// recurrentWork is about how many multiplications a recurrent layer takes.
func (s site) recurrentWork() int64 {
	x, w, r := s.shape(0), s.shape(1), s.shape(2)
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return math.MaxInt32
	}
	return int64(perExample(x)/x[2]) * int64(perExample(w)+perExample(r))
}
