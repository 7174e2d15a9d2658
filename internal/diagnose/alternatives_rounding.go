package diagnose

import (
	"math"
	"slices"
)

// roundings are ways to come from a real number to a code.
var roundings = []Alternative{
	{
		Name: "ties rounded away from zero",
		Explanation: "A value in the middle between two codes goes to the one farther from the zero point, as C's " +
			"round has it; here it goes to the even one.",
		Remedy:    "Have the runtime round to nearest even (rint, lrintf, nearbyint).",
		Operators: rounded, family: rounding,
		variants: one(func(r *rules) { r.round = halfAway }),
	},
	{
		Name: "ties rounded up",
		Explanation: "A value in the middle between two codes goes to the larger one, which floor(x + 0.5) or an " +
			"added half and a shift do; here it goes to the even one.",
		Remedy:    "Have the runtime round to nearest even.",
		Operators: rounded, family: rounding,
		variants: one(func(r *rules) { r.round = halfUp }),
	},
	{
		Name: "truncation",
		Explanation: "What is behind the point is dropped, as a cast to an integer does, instead of rounding to the " +
			"nearest.",
		Remedy:    "Have the runtime round before it casts.",
		Operators: rounded, family: rounding,
		variants: one(func(r *rules) { r.round = math.Trunc }),
	},
	{
		Name: "rounding down",
		Explanation: "The next smaller integer is taken, as floor or a shift without an added half does, instead of " +
			"the nearest.",
		Remedy:    "Have the runtime add a half before it shifts, or round to nearest even.",
		Operators: rounded, family: rounding,
		variants: []func(r *rules){
			func(r *rules) { r.round = math.Floor },
			func(r *rules) { r.fixed = func(acc int64, s scales) int64 { return fixedFloor(acc, s.exact(), 31) } },
		},
	},
	{
		Name: "the zero point added before rounding",
		Explanation: "The zero point is part of what is rounded: with an odd one ties go the other way, as in " +
			"PyTorch's reference; ONNX rounds first and adds then.",
		Remedy:    "Take the convention torch (quantize --requant torch) for that runtime, or have it round first.",
		Operators: rounded, family: adding,
		variants: one(func(r *rules) { r.zero = beforeRounding }),
	},
	{
		Name: "the zero point added after rounding",
		Explanation: "The product is rounded and then the zero point added, as in ONNX; this network's convention " +
			"adds it first.",
		Remedy:    "Take the convention onnx (quantize --requant onnx) for that runtime.",
		Operators: rounded, family: adding,
		variants: one(func(r *rules) { r.zero = afterRounding }),
	},
	{
		Name:        "wrap-around instead of saturation",
		Explanation: "A result beyond the codes' range keeps its low 8 bits, where it should become the nearest code.",
		Remedy:      "Have the runtime clamp before it casts to 8 bits.",
		Operators:   rounded, family: alone,
		variants: one(func(r *rules) { r.wrap = true }),
	},
	{
		Name: "a reciprocal instead of a division",
		Explanation: "The real is multiplied by 1/scale, rounded to float32, as PyTorch's quantize_per_tensor does; " +
			"ONNX divides by the scale.",
		Remedy:    "Have the runtime divide, or take scales that are powers of two, for which both agree.",
		Operators: dividing, family: scaling,
		variants: []func(r *rules){
			func(r *rules) { r.reciprocal = true },
			func(r *rules) { r.reciprocal, r.double = true, true },
		},
	},
	{
		Name: "double precision",
		Explanation: "Between accumulator or input and code the runtime, or the program that made the dump, computes " +
			"in float64; here every step is rounded to float32.",
		Remedy:    "Have it compute in float32; in NumPy give scales as np.float32.",
		Operators: rounded, family: scaling,
		variants: []func(r *rules){
			func(r *rules) {
				r.double = true
				r.scaled = func(acc float64, s scales) float64 { return acc * s.exact() }
			},
			func(r *rules) {
				r.double = true
				r.scaled = func(acc float64, s scales) float64 { return acc * float64(s.multiplier()) }
			},
		},
	},
	{
		Name:        "no clamp for Relu or Clip",
		Explanation: "The values below a Relu's zero, or beyond a Clip's bounds, are still there.",
		Remedy: "Take the value after the activation for the dump; or its bounds got lost when the layer was " +
			"fused.",
		Operators: clamps, family: operands,
		variants: one(func(r *rules) { r.noClamp = true }),
	},
	{
		Name: "the activation behind it applied already",
		Explanation: "The dump's value is clamped as the Relu or Clip that reads it will do: the runtime has fused " +
			"them.",
		Remedy:    "Nothing is wrong: store the dump's array under the name of the activation's output.",
		Operators: slices.Concat(sums, added), family: operands,
		variants: one(func(r *rules) { r.clampSoon = true }),
	},
}
