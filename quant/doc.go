// Package quant is the arithmetic of linear quantization: real numbers become n-bit integers and back by
//
//	real = scale × (code − zeroPoint)
//
// and a layer computes on the integers alone. Everything here is exact: the same bits as the PyTorch repository this
// project began as, on every processor.
//
// The original's functions (quantization/linear.py) and ours:
//
//	get_quantized_range                       Type.Range
//	linear_quantize                           Quantize
//	get_quantization_scale_and_zero_point     AffineScaleOf, AffineScale
//	linear_quantize_feature                   QuantizeAffine
//	get_quantization_scale_for_weight         AbsMax, SymmetricScale
//	linear_quantize_weight_per_channel        QuantizeSymmetric with PerChannel
//	linear_quantize_bias_per_output_channel   BiasParams, QuantizeBias
//	shift_quantized_linear_bias               FoldZeroPoint
//	shift_quantized_conv2d_bias               FoldZeroPoint
//	quantized_linear                          NewLinear, Forward with the convention Torch
//
// One difference is deliberate. The original casts x/scale to int8 before it adds the zero point and clamps, so that
// values far outside the range wrap around; here they saturate.
//
// The theory is in Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference", CVPR 2018.
package quant
