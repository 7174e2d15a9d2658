// Package netgen draws small random networks of every operator, for tests that compare two ways of computing the same.
// What is drawn depends on the draws of rapid alone, so that a seed is a network.
package netgen

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// generator draws small networks of every operator, on codes or on reals.
type generator struct {
	*rapid.T
	g         *graph.Graph
	codes     bool
	exact     bool     // no sums of products, which are not the evaluator's to the last bit where they are of reals
	values    []string // computed so far
	n         int      // of nodes
	seed      uint64   // of constants
	leastBits int      // of weights; 2 if less
}

var conventions = []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble}

// Draw returns a network with one input x, of codes or of reals. One of codes may take reals or codes, and give either;
// its layers are of one convention of rounding, which is drawn too.
func Draw(t *rapid.T, codes bool) *graph.Graph {
	b := begin(t, codes)
	b.g.Requant = rapid.SampledFrom(conventions).Draw(t, "convention")
	b.g.AddInput("x", append(tensor.Shape{graph.Batch}, b.inputShape()...))
	b.values = []string{b.first()}
	if b.in(0, 2, "reshaped first") == 0 {
		b.reshaped(b.values[0], b.shape(b.values[0]))
	}
	for range b.in(1, 7, "nodes") {
		b.grow()
	}
	last := b.last()
	if codes && b.yes("output as reals") {
		b.g.AddNode(graph.DequantizeLinear, "dequantize", "y", nil, last)
		last = "y"
	}
	b.g.Outputs = []string{last}
	if other := b.pick("other output"); b.yes("two outputs") && other != last {
		b.g.Outputs = append(b.g.Outputs, other)
	}
	return b.g
}

func begin(t *rapid.T, codes bool) *generator {
	return &generator{T: t, g: graph.New("drawn"), codes: codes, seed: rapid.Uint64().Draw(t, "seed")}
}

// inputShape draws that of one example: a picture, a vector, or tokens.
func (b *generator) inputShape() tensor.Shape {
	switch b.in(0, 5, "input") {
	case 0:
		return tensor.Shape{b.in(1, 5, "length") * b.in(1, 5, "length") * b.in(1, 5, "length")}
	case 1:
		return tensor.Shape{b.in(1, 6, "tokens"), b.in(1, 3, "heads") * b.in(1, 4, "width")}
	}
	return tensor.Shape{b.in(1, 6, "channels"), b.in(1, 8, "height"), b.in(1, 8, "width")}
}

// first returns the value that the network begins with: the input, or its codes, which it may have itself.
func (b *generator) first() string {
	if !b.codes {
		return "x"
	}
	if b.in(0, 3, "input of codes") == 0 {
		b.g.Values["x"].Quant = b.params(1)
		return "x"
	}
	x := "x"
	if b.in(0, 3, "reals before") == 0 { // functions of reals, whatever makes the codes
		b.codes, b.exact, b.values = false, true, []string{"x"}
		b.reshaped("x", b.shape("x"))
		b.codes, b.exact = true, false
		x = b.last()
	}
	b.g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, x)
	b.g.Values["x_quantized"].Quant = b.params(1)
	b.g.Values["x_quantized"].Shape = b.shape(x)
	return "x_quantized"
}

func (b *generator) last() string { return b.values[len(b.values)-1] }

func (b *generator) in(lo, hi int, what string) int { return rapid.IntRange(lo, hi).Draw(b.T, what) }

func (b *generator) yes(what string) bool { return rapid.Bool().Draw(b.T, what) }

func (b *generator) pick(what string) string {
	// Mostly the last one, so that networks are deep.
	if len(b.values) > 1 && b.in(0, 3, what) == 0 {
		return rapid.SampledFrom(b.values).Draw(b.T, what)
	}
	return b.values[len(b.values)-1]
}

func (b *generator) next() uint64 {
	b.seed = b.seed*6364136223846793005 + 1442695040888963407
	return b.seed >> 33
}

func (b *generator) between(lo, hi int32) int32 { return lo + int32(b.next()%uint64(hi-lo+1)) }

func (b *generator) shape(name string) tensor.Shape {
	if s := b.g.Values[name].Shape; s != nil {
		return s
	}
	return b.g.Values["x"].Shape
}

// grow appends a node to one of the values.
func (b *generator) grow() {
	x := b.pick("operand")
	shape := b.shape(x)
	ops := []func(string, tensor.Shape){
		b.same, b.function, b.function, b.function, b.clamp, b.pair, b.otherPair, b.number, // also of a number for each example
		b.pair, b.constantPair, b.concat, b.slice, b.picks, b.transpose, b.reshape, b.softmax, b.matMul,
		b.reduction, b.logSoftmax, b.norm, b.resize, b.reshaped, b.reshaped, b.references, b.references, b.references, b.references,
	}
	if len(shape) == 1 {
		ops = ops[:8]
	}
	if len(shape) == 4 {
		ops = append(ops, b.conv, b.conv, b.conv, b.conv, b.conv, b.pool, b.pool, b.globalPool, b.globalMax, b.pad, b.pad, b.flatten, b.batchNorm, b.rearranged,
			b.branches, b.branches, b.branches)
	}
	if len(shape) == 3 {
		ops = append(ops, b.heads, b.heads)
	}
	if len(shape) == 2 {
		ops = append(ops, b.gemm, b.gemm, b.gemm, b.gemm)
	}
	ops[b.in(0, len(ops)-1, "operator")](x, shape)
}

// add appends a node if it is valid, and reports whether it was. Its output has parameters of that spread, 0 for those of
// the input.
func (b *generator) add(op graph.Op, attrs graph.Attrs, spread float64, inputs ...string) bool {
	name := fmt.Sprintf("v%d", b.n)
	trial := b.g.Clone()
	trial.AddNode(op, "n"+name, name, attrs, inputs...)
	trial.Outputs = []string{name}
	if b.codes {
		if spread != 0 {
			trial.Values[name].Quant = b.params(spread)
			tieScale(trial, trial.Values[name].Quant, inputs)
		} else {
			trial.Values[name].Quant = b.g.Values[inputs[0]].Quant
		}
	}
	inferred, err := graph.InferShapes(trial)
	if err != nil {
		if strings.Contains(err.Error(), "attribute") { // it would never be drawn
			b.Fatal(err)
		}
		return false
	}
	if n, _ := inferred.Values[name].Shape[1:].Elements(); n > 4000 {
		return false
	}
	b.g.Nodes, b.g.Values = trial.Nodes, inferred.Values
	b.values = append(b.values, name)
	b.n++
	return true
}
