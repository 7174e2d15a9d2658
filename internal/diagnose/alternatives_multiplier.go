package diagnose

import (
	"slices"

	"linquant/quant"
)

// exact returns x·w/y in float64.
func (s scales) exact() float64 { return float64(s.x) * float64(s.w) / float64(s.y) }

// multipliers are ways to bring an accumulator to the output's scale.
var multipliers = []Alternative{
	{
		Name: "a multiplier rounded otherwise",
		Explanation: "Input scale × weight scale / output scale is computed in another order or rounded once from " +
			"float64, and its last bit differs; here the product is rounded to float32, then the quotient.",
		Remedy:    "Have the runtime compute f32(f32(Sx·Sw)/Sy), or store multipliers.",
		Operators: stages, family: scaling,
		variants: []func(r *rules){
			multiplied(func(s scales) float32 { return float32(s.exact()) }),
			multiplied(func(s scales) float32 { return s.x * float32(s.w/s.y) }),
			multiplied(func(s scales) float32 { return float32(s.x/s.y) * s.w }),
			multiplied(func(s scales) float32 { return float32(s.x*s.w) * float32(1/s.y) }),
			multiplied(func(s scales) float32 { return 1 / float32(s.y/float32(s.x*s.w)) }),
			averaged(func(sx, sy float32, n int) float64 { return float64(float32(sx/sy) / float32(n)) }),
			averaged(func(sx, sy float32, n int) float64 { return float64(sx / float32(sy*float32(n))) }),
			averaged(func(sx, sy float32, n int) float64 { return float64(sx) / float64(n) / float64(sy) }),
			averaged(func(sx, sy float32, n int) float64 {
				return float64(float32(sx/sy) * float32(1/float32(n)))
			}),
		},
	},
	{
		Name: "a product and then a division",
		Explanation: "The accumulator is multiplied by Sx·Sw, which gives the real, and that is divided by the " +
			"output's scale: dequantized and quantized in two steps instead of one multiplication.",
		Remedy: "Let the runtime fuse the layer (for ONNX Runtime: give Relu and QuantizeLinear no other reader, " +
			"and do not ask for the values between).",
		Operators: stages, family: scaling,
		variants: []func(r *rules){
			func(r *rules) {
				r.scaled = func(acc float64, s scales) float64 {
					return float64(float32(float32(acc)*float32(s.x*s.w)) / s.y)
				}
			},
			func(r *rules) {
				r.scaled = func(acc float64, s scales) float64 {
					return float64(float32(float32(acc)*float32(s.x*s.w)) * float32(1/s.y))
				}
			},
		},
	},
	{
		Name: "a fixed-point multiplier rounded once",
		Explanation: "The accumulator is multiplied by an integer and shifted, with one rounding (TensorFlow Lite's " +
			"single rounding, QNNPACK's precise form); this network's convention is another.",
		Remedy:    "Take the convention fixed (quantize --requant fixed) for that runtime.",
		Operators: stages, family: scaling,
		variants: []func(r *rules){
			func(r *rules) { r.convention = quant.Fixed },
			fixedBy(fixedOnce, 31), fixedBy(fixedOnce, 24),
		},
	},
	{
		Name: "a fixed-point multiplier rounded twice",
		Explanation: "The accumulator is multiplied by an integer, of which the high half is kept, and shifted, " +
			"rounding both times (gemmlowp, TensorFlow Lite, QNNPACK); this network's convention is another.",
		Remedy:    "Take the convention fixed-double (quantize --requant fixed-double) for that runtime.",
		Operators: slices.Concat(stages, added), family: scaling,
		variants: []func(r *rules){
			func(r *rules) { r.convention = quant.FixedDouble },
			fixedBy(fixedTwice, 31), fixedBy(fixedTwice, 24),
		},
	},
	{
		Name: "a float multiplier",
		Explanation: "The accumulator is multiplied in float32 and rounded to even, as in ONNX Runtime; this " +
			"network's convention multiplies by integers.",
		Remedy:    "Take the convention onnx (quantize --requant onnx) for that runtime.",
		Operators: slices.Concat(stages, added), family: scaling,
		conventions: []quant.Convention{quant.Fixed, quant.FixedDouble},
		variants: []func(r *rules){
			func(r *rules) { r.convention = quant.ONNX },
			func(r *rules) { r.convention = quant.Torch },
		},
	},
	{
		Name: "operands brought to the sum's scale one by one",
		Explanation: "Each operand is multiplied by its scale over the sum's, as ONNX Runtime's QLinearAdd does; here " +
			"both are dequantized, added, and the sum divided.",
		Remedy: "Write DequantizeLinear, Add and QuantizeLinear and keep the runtime from fusing them " +
			"(graph_optimization_level), or accept single steps at ties.",
		Operators: added, family: scaling,
		variants: []func(r *rules){
			func(r *rules) { r.paired = ratios },
			func(r *rules) { r.paired = constants },
			func(r *rules) { r.paired = fusedRatios },
		},
	},
}

// multiplied is the variant that has another float32 multiplier.
func multiplied(m func(s scales) float32) func(r *rules) {
	return func(r *rules) {
		r.scaled = func(acc float64, s scales) float64 { return float64(float32(float32(acc) * m(s))) }
	}
}

// averaged is the variant that has another multiplier for means.
func averaged(m func(sx, sy float32, n int) float64) func(r *rules) {
	return func(r *rules) { r.average = m }
}

// fixedBy is the variant that multiplies by the float32 multiplier as an integer of so many bits.
func fixedBy(f func(acc int64, m float64, bits int) int64, bits int) func(r *rules) {
	return func(r *rules) {
		r.fixed = func(acc int64, s scales) int64 { return f(acc, float64(s.multiplier()), bits) }
	}
}
