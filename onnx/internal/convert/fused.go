package convert

import (
	"maps"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The functions here take apart what ONNX Runtime's optimizer has made one: models are saved so too.

// fusedActivation is a Conv or Gemm, the last of inputs of a Conv being added to it, and a function of what comes out.
func fusedActivation(s build.Node) error {
	op, numbers := graph.Conv, []float32(nil)
	if s.Raw.Op == raw.MSFusedConv {
		numbers = s.Raw.Floats("activation_params")
	} else {
		op = graph.Gemm
		for _, name := range []string{"activation_alpha", "activation_beta"} {
			if v, ok := s.Raw.Attrs[name].(float32); ok {
				numbers = append(numbers, v)
			}
		}
	}
	attrs := maps.Clone(s.Raw.Attrs)
	for _, name := range []string{"activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma"} {
		delete(attrs, name)
	}
	inputs := raw.Trim(s.Raw.Inputs[:min(len(s.Raw.Inputs), 3)])
	y, err := s.Insert("layer", op, attrs, inputs...)
	if err != nil {
		return err
	}
	if z := s.Raw.Input(3); z != "" {
		if y, err = s.Insert("sum", graph.Add, graph.Attrs{}, y, z); err != nil {
			return err
		}
	}
	name := s.Raw.Str("activation")
	if name == "" {
		return s.Become(graph.Identity, graph.Attrs{}, y)
	}
	names, ok := map[string][]string{
		"Relu": nil, "Sigmoid": nil, "Tanh": nil, "LeakyRelu": {"alpha"}, "HardSigmoid": {"alpha", "beta"}, "Clip": {"min", "max"},
	}[name]
	if !ok || len(numbers) < len(names) {
		return s.Errorf("its activation is %q with %d parameters: save the model without ONNX Runtime's optimizations", name, len(numbers))
	}
	activation := graph.Attrs{}
	for i, n := range names {
		activation[n] = numbers[i]
	}
	return s.Become(graph.Op(name), activation, y)
}

// fusedMatMul is a MatMul of matrices that are turned first, times a number.
func fusedMatMul(s build.Node) error {
	if s.Raw.Int("transBatchA") != 0 || s.Raw.Int("transBatchB") != 0 {
		return s.Errorf("it transposes the batch: save the model without ONNX Runtime's optimizations")
	}
	var operands [2]string
	for i, attr := range []string{"transA", "transB"} {
		operands[i] = s.Raw.Inputs[i]
		if s.Raw.Int(attr) == 0 {
			continue
		}
		rank, err := s.Rank(i)
		if err != nil {
			return err
		}
		if rank < 2 {
			return s.Errorf("%s is set, and its input %d has %d dimensions", attr, i, rank)
		}
		perm := make([]int, rank)
		for d := range perm {
			perm[d] = d
		}
		perm[rank-2], perm[rank-1] = rank-1, rank-2
		if operands[i], err = s.Insert(attr, graph.Transpose, graph.Attrs{"perm": perm}, operands[i]); err != nil {
			return err
		}
	}
	alpha := s.Raw.Float("alpha")
	s.Raw.Attrs = graph.Attrs{}
	if alpha == 1 {
		s.Raw.Op, s.Raw.Inputs = graph.MatMul, operands[:]
		return nil
	}
	y, err := s.Insert("product", graph.MatMul, graph.Attrs{}, operands[:]...)
	if err != nil {
		return err
	}
	factor, err := s.ConstantOf("alpha", tensor.Shape{}, []float32{alpha})
	s.Raw.Op, s.Raw.Inputs = graph.Mul, []string{y, factor}
	return err
}

// skipNorm is the LayerNormalization, or RMSNormalization, of a sum, which is its fourth output.
func skipNorm(s build.Node) error {
	op, bias := graph.LayerNormalization, 4
	if s.Raw.Op == raw.MSSkipRMSNorm {
		op, bias = graph.RMSNormalization, 3
	}
	outputs, epsilon := s.Raw.Outputs, s.Raw.Float("epsilon")
	for i, o := range outputs {
		if (i == 1 || i == 2) && s.Net.Reads(o) {
			return s.Errorf("its output %d (%q) is used, a statistic for training: save the model without ONNX Runtime's optimizations", i, o)
		}
	}
	terms := []string{s.Raw.Inputs[0], s.Raw.Inputs[1]}
	if b := s.Raw.Input(bias); b != "" {
		terms = append(terms, b)
	}
	sum := terms[0]
	for i, term := range terms[1:] {
		var err error
		if last := i == len(terms)-2; last && len(outputs) > 3 && outputs[3] != "" {
			if err = s.Beside(graph.Add, outputs[3], graph.Attrs{}, sum, term); err != nil {
				return err
			}
			sum = outputs[3]
		} else if sum, err = s.Insert("sum", graph.Add, graph.Attrs{}, sum, term); err != nil {
			return err
		}
	}
	s.Raw.Inputs = append([]string{sum}, raw.Trim(s.Raw.Inputs[2:min(len(s.Raw.Inputs), bias)])...)
	s.Raw.Op, s.Raw.Attrs, s.Raw.Outputs = op, graph.Attrs{"axis": -1, "epsilon": epsilon}, outputs[:1]
	return nil
}
