package graph

import (
	"fmt"
	"math"
	"slices"

	"linquant/quant"
	"linquant/tensor"
)

// storage returns the element type of a value with these parameters: float32 without any.
func storage(q *quant.Params) tensor.DType {
	if q == nil {
		return tensor.Float32
	}
	return q.Type.Storage()
}

// passes reports whether the operator hands on its input's codes, so that its output has its input's parameters.
func passes(n *Node) bool { return of(n).Role == RolePass && !FloatOnly(n) }

// passQuant gives an output without parameters those of the input where the operator passes codes on, or only clamps
// them.
func (s site) passQuant(out *Value) {
	if out.Quant == nil && (passes(s.n) || of(s.n).Role == RoleClamp) {
		out.Quant = s.value(0).Quant
	}
}

// SameParams reports whether codes with the parameters a stand for the same reals with the parameters b.
func SameParams(a, b *quant.Params) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// checkQuant checks the parameters of every value, and that every node is all codes or all reals. Shapes are used where
// they are known.
func checkQuant(g *Graph) error {
	for _, name := range g.names() {
		v := g.Values[name]
		if v.Quant == nil {
			continue
		}
		if err := checkParams(v); err != nil {
			return valueErrorf("value", name, ": %w", err)
		}
	}
	for _, n := range g.Nodes {
		if err := (site{g, n}).checkQuant(); err != nil {
			return err
		}
	}
	return nil
}

// checkParams checks a quantized value's parameters by themselves and against its shape and storage.
func checkParams(v *Value) error {
	p := v.Quant
	switch {
	case v.Const == nil && p.Per != quant.PerTensor:
		return fmt.Errorf("it is quantized per %v: only constants are, a value that is computed has one scale", p.Per)
	case v.Const == nil:
		return p.Check(nil)
	case v.Const.DType != storage(p):
		return fmt.Errorf("codes of type %v are stored as %v, not %v", p.Type, storage(p), v.Const.DType)
	}
	return p.Check(v.Const.Shape)
}

// checkQuant checks what the node's operator asks of the quantization of its inputs and output.
func (s site) checkQuant() error {
	out := s.g.Values[s.n.Outputs[0]]
	switch s.n.Op {
	case QuantizeLinear:
		if s.value(0).Quant != nil || out.Quant == nil {
			return s.errorf("it makes codes of reals: input %q must have no quantization parameters and output %q must have some", s.n.Inputs[0], out.Name)
		}
		return s.checkReals(1)
	case DequantizeLinear:
		if s.value(0).Quant == nil || out.Quant != nil {
			return s.errorf("it makes reals of codes: input %q must have quantization parameters and output %q none", s.n.Inputs[0], out.Name)
		}
		return nil
	}
	if IsDynamic(s.n) {
		return s.checkDynamic(out)
	}
	codes := s.value(0).Quant != nil
	for i, name := range s.n.Inputs {
		if name != "" && (s.value(i).Quant != nil) != codes {
			return s.errorf("it mixes codes and reals (inputs %q and %q): put a QuantizeLinear or DequantizeLinear between", s.n.Inputs[0], name)
		}
	}
	if codes != (out.Quant != nil) {
		if codes {
			return s.errorf("its inputs are codes, and its output %q has no quantization parameters: set its Quant", out.Name)
		}
		return s.errorf("its inputs are reals, and its output %q has quantization parameters: insert a QuantizeLinear", out.Name)
	}
	if !codes {
		if IsQLinear(s.n) {
			return s.errorf("%s says how codes are rounded, and its values are reals: remove the attribute", qlinearAttr)
		}
		return s.checkReals(len(s.n.Inputs))
	}
	return s.checkIntegers(out)
}

// surelyReal reports whether operand i of an operator whose operands are of one type is reals, whatever inference finds: a
// constant, or an input.
func (s site) surelyReal(i int) bool {
	if o := of(s.n); !o.Counting || o.Class == ClassSelect {
		return false
	}
	v := s.value(i)
	return v != nil && (v.Const != nil || slices.Contains(s.g.Inputs, s.n.Inputs[i])) && v.Quant == nil && !Counts(v.DType)
}

// checkReals checks that those of the first n operands that are constants and no codes hold floats. Where types are inferred
// with the shapes they need to only beside another operand that is surely reals.
func (s site) checkReals(n int) error {
	o := of(s.n)
	inferred := o.Counting || o.types != nil || o.Class == ClassReference
	sure, reals := -1, 0
	for i := range s.n.Inputs {
		if inferred && s.surelyReal(i) {
			sure = i
			reals++
		}
	}
	for i := range n {
		v := s.value(i)
		if v == nil || v.Const == nil || v.Const.DType.IsFloat() || inferred && (reals == 0 || reals == 1 && sure == i) {
			continue
		}
		return s.errorf("constant %q holds %v and has no quantization parameters: set its Quant or convert it to float32", v.Name, v.Const.DType)
	}
	return nil
}

// checkIntegers checks a node all of whose values are codes.
func (s site) checkIntegers(out *Value) error {
	activations := len(s.n.Inputs)
	if FloatOnly(s.n) {
		return s.errorf("it has no form in integers: put a DequantizeLinear before it and a QuantizeLinear after")
	}
	if of(s.n).Class == ClassLayer {
		activations = 1
		if err := s.checkWeight(); err != nil {
			return err
		}
	}
	if passes(s.n) && !SameParams(s.value(0).Quant, out.Quant) {
		return s.errorf("it passes codes on, so its output %q must have the quantization parameters of %q", out.Name, s.n.Inputs[0])
	}
	for i := range activations {
		if q := s.value(i).Quant; q.Per != quant.PerTensor || q.Type.Bits > 8 {
			return s.errorf("input %q is quantized per %v with %d bits: an operand has one scale and 2 to 8 bits", s.n.Inputs[i], q.Per, q.Type.Bits)
		}
	}
	if q := out.Quant; q.Type.Bits > 8 {
		return s.errorf("output %q has %d bits: it must have 2 to 8", out.Name, q.Type.Bits)
	}
	return nil
}

// checkWeightCodes checks the weight of a Conv, Gemm or MatMul on codes.
func (s site) checkWeightCodes() error {
	if s.n.Op == Gemm && !plainGemm(s.n) {
		return s.errorf("on codes alpha and beta are 1 and transA is 0: apply graph.Fold before quantizing")
	}
	w := s.value(1)
	q, rank := w.Quant, len(s.shape(1))
	switch {
	case q.Type.Bits > 8:
		return s.errorf("weight %q has %d bits: it must have 2 to 8", w.Name, q.Type.Bits)
	case q.Per != quant.PerTensor && rank < 2:
		return s.errorf("weight %q has %d scales for 1 output channels: quantize a vector per tensor", w.Name, len(q.Scale))
	case q.Per == quant.PerGroup || q.Per == quant.PerChannel && q.Axis != ChannelAxis(s.n, rank):
		return s.errorf("weight %q is quantized per %v on axis %d, which gives the accumulators of an output no common scale: quantize it per tensor or per channel on axis %d",
			w.Name, q.Per, q.Axis, ChannelAxis(s.n, rank))
	}
	return nil
}

// checkWeight checks the weight and bias of a Conv, Gemm or MatMul on codes.
func (s site) checkWeight() error {
	if err := s.checkWeightCodes(); err != nil || s.n.Input(2) == "" {
		return err
	}
	b, x, q := s.value(2), s.value(0), s.value(1).Quant
	p := b.Quant
	if b.Const == nil || p.Type != quant.Int(32) {
		return s.errorf("bias %q must be a constant of int32 codes", b.Name)
	}
	if rank := len(b.Const.Shape); rank != 1 || len(p.Scale) != 1 && len(p.Scale) != b.Const.Shape[0] {
		return s.errorf("bias %q is %v with %d scales: on codes it is [channels]", b.Name, b.Const.Shape, len(p.Scale))
	}
	for c := range max(len(p.Scale), len(q.Scale)) {
		sw := q.Scale[min(c, len(q.Scale)-1)]
		want, got := float64(x.Quant.Scale[0])*float64(sw), float64(p.Scale[min(c, len(p.Scale)-1)])
		if math.Abs(got-want) > 1e-5*want || p.ZeroPointOf(min(c, len(p.Scale)-1)) != 0 {
			return s.errorf("bias %q of channel %d has scale %g and zero point %d: it must have input scale × weight scale, %g, and 0",
				b.Name, c, got, p.ZeroPointOf(min(c, len(p.Scale)-1)), want)
		}
	}
	return nil
}

// ChannelAxis returns the dimension of a Conv's, Gemm's or MatMul's weight whose indices are the output channels; rank
// is the weight's number of dimensions.
func ChannelAxis(n *Node, rank int) int {
	switch {
	case n.Op == MatMul:
		return rank - 1
	case n.Op == Gemm && n.Int("transB") == 0:
		return 1
	}
	return 0
}

// checkCodes checks that the constants' codes of fewer bits than their storage are codes of their type.
func checkCodes(g *Graph) error {
	for _, name := range g.names() {
		v := g.Values[name]
		if v.Const == nil || v.Quant == nil || v.Quant.Type.Bits >= 8 {
			continue
		}
		if err := v.Quant.Of(*v.Const).Check(); err != nil {
			return valueErrorf("constant", name, ": %w", err)
		}
	}
	return nil
}
