package diagnose

import (
	"slices"

	"linquant/graph"
)

// layers are ways to sum products.
var layers = []Alternative{
	{
		Name: "zero instead of the zero point as padding",
		Explanation: "The picture is padded with the code 0, which stands for −zero point × scale; real 0 has the " +
			"zero point for its code.",
		Remedy:    "Have the runtime pad with the input's zero point, or quantize with one that is 0.",
		Operators: slices.Concat([]graph.Op{graph.Conv}, pools), family: operands,
		variants: one(func(r *rules) { r.sum.zeroPad, r.padCode = true, true }),
	},
	{
		Name: "saturating sums of pairs",
		Explanation: "Neighbouring products of unsigned and signed bytes are added in 16 bits with saturation, as the " +
			"instruction VPMADDUBSW does on processors without VNNI.",
		Remedy:    "Quantize weights to 7 bits (quantize --weight-bits 7), or run it on a processor with VNNI.",
		Operators: sums, family: operands,
		variants: []func(r *rules){
			func(r *rules) { r.sum.pairs = channelsFirst },
			func(r *rules) { r.sum.pairs = channelsLast },
		},
	},
	{
		Name:        "weights of 7 bits",
		Explanation: "The runtime has cut the 8-bit weights to 7 bits, so that sums of two products fit 16 bits.",
		Remedy:      "Quantize to 7 bits here too (quantize --weight-bits 7), which does it with scales that fit.",
		Operators:   sums, family: operands,
		variants: []func(r *rules){
			func(r *rules) { r.sum.weights = clamped },
			func(r *rules) { r.sum.weights = halved },
		},
	},
	{
		Name:        "the bias left out",
		Explanation: "The accumulator lacks the bias.",
		Remedy:      "Look whether the runtime got the layer's third input, or was made for layers without.",
		Operators:   sums, family: operands,
		variants: one(func(r *rules) { r.noBias = true }),
	},
	{
		Name: "the input's zero point left out",
		Explanation: "The codes of the input are multiplied as they are, and zero point × Σ weights is not " +
			"subtracted.",
		Remedy:    "Fold −zero point × Σ weights into the bias, or have the runtime subtract the zero point.",
		Operators: sums, family: operands,
		variants: one(func(r *rules) { r.sum.noInputZero = true }),
	},
	{
		Name:        "the weight's zero points left out",
		Explanation: "The weights have zero points, and the runtime takes them for symmetric.",
		Remedy:      "Quantize weights symmetrically.",
		Operators:   sums, family: operands,
		variants: one(func(r *rules) { r.sum.noWeightZeros = true }),
	},
	{
		Name:        "one weight scale for all channels",
		Explanation: "Every output channel is computed with the first channel's scale.",
		Remedy:      "Quantize weights per tensor for a runtime that has no scales per channel.",
		Operators:   sums, family: operands,
		variants: one(func(r *rules) { r.oneScale = true }),
	},
	{
		Name: "weight scales on the wrong axis",
		Explanation: "The weight's scales are taken for those of the input channels, where they belong to the output " +
			"channels.",
		Remedy: "Set the axis of DequantizeLinear to that of the output channels: 0 for Conv, and for Gemm 0 " +
			"with transB or 1 without.",
		Operators: sums, family: alone,
		variants: one(func(r *rules) { r.inputAxis = true }),
	},
	{
		Name: "computed in floating point",
		Explanation: "Inputs are dequantized, the operator computes in float32, and its result is quantized: the " +
			"runtime has no integer form of it, or did not fuse it.",
		Remedy:    "Nothing is wrong where single steps differ at ties; else see why the layer was not fused.",
		Operators: stages, family: alone,
		variants: one(func(r *rules) { r.inReals = true }),
	},
}

// operators are ways in which single operators differ.
var operators = []Alternative{
	{
		Name: "padding counted otherwise in averages",
		Explanation: "count_include_pad has the opposite effect: an average at the border is divided by another " +
			"number of elements.",
		Remedy:    "Write count_include_pad explicitly, or pad with a Pad node.",
		Operators: []graph.Op{graph.AveragePool}, family: operands,
		variants: one(func(r *rules) { r.padCount = true }),
	},
	{
		Name: "the mean of the codes themselves",
		Explanation: "Codes are averaged as integers, ties away from the code 0, without a multiplier and without " +
			"regard to the zero point, as TensorFlow Lite does where input and output have one scale.",
		Remedy:    "Nothing is wrong: results differ at ties only.",
		Operators: averages, family: alone,
		variants: one(func(r *rules) { r.rawMean = true }),
	},
}
