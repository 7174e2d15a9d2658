// Package engine compiles a network into a program of steps over memory that is planned once, and runs it.
//
// A quantized network runs in integers from the first layer to the last: codes of one byte, int32 accumulators and
// biases, and the graph's requantization convention. What has no integer form runs in floating point between a
// dequantization and a quantization; Islands lists such parts. A float network runs through the same interface.
//
// How a network becomes a program:
//
//	lower   every node becomes at most a few steps; a Relu or Clip that is alone in reading a layer becomes part of
//	        that layer's clamp; what only renames elements (Flatten, Reshape, Squeeze, …) becomes no step
//	pack    weights are laid out for the kernels of this processor (package internal/gemm)
//	plan    values whose lives do not overlap share memory
//
// A program runs one example at a time. The batch is a loop over examples, which the workers of a Run share, so results
// depend neither on the batch nor on the number of workers.
//
// Between steps a value of shape [batch, channels, height, width] lies channels last, other values lie row-major.
// A code is stored as an unsigned byte: unsigned codes as they are, signed ones plus 128, so that all kernels multiply
// unsigned activations by signed weights. The caller sees none of this: inputs, outputs and traced values are
// channels first, as in ONNX.
package engine
