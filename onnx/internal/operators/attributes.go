package operators

import (
	"strings"

	"linquant/internal/onnxpb"
)

func HasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// AttributeTypes has the types of those attributes that are no integers, or lists of them.
var AttributeTypes = map[string]onnxpb.AttrType{
	"alpha": onnxpb.AttrFloat, "beta": onnxpb.AttrFloat, "epsilon": onnxpb.AttrFloat, "max": onnxpb.AttrFloat,
	"min": onnxpb.AttrFloat, "value": onnxpb.AttrFloat,
	"auto_pad": onnxpb.AttrString, "mode": onnxpb.AttrString, "direction": onnxpb.AttrString,
	"axes": onnxpb.AttrInts, "dilations": onnxpb.AttrInts, "ends": onnxpb.AttrInts, "kernel_shape": onnxpb.AttrInts,
	"pads": onnxpb.AttrInts, "perm": onnxpb.AttrInts, "split": onnxpb.AttrInts,
	"output_padding": onnxpb.AttrInts, "output_shape": onnxpb.AttrInts, "bias": onnxpb.AttrFloat,
	"starts": onnxpb.AttrInts, "strides": onnxpb.AttrInts,

	"gamma": onnxpb.AttrFloat, "cubic_coeff_a": onnxpb.AttrFloat, "extrapolation_value": onnxpb.AttrFloat,
	"approximate": onnxpb.AttrString, "coordinate_transformation_mode": onnxpb.AttrString,
	"nearest_mode": onnxpb.AttrString, "keep_aspect_ratio_policy": onnxpb.AttrString, "scales": onnxpb.AttrFloats,
}
