// Package engine compiles a network into a program of steps over memory that is planned once, and runs it.
//
// A quantized network runs in integers from the first layer to the last: codes of one byte, int32 accumulators and
// biases, and the graph's requantization convention. What has no integer form runs in floating point between a
// dequantization and a quantization; Islands lists such parts. A float network runs through the same interface, and so
// does one whose layers find the scales of their inputs while they run (dynamic quantization).
//
// A Program may be run by several goroutines at once. Package pipeline makes one of a file.
//
// How a network becomes a program:
//
//	lower   every node becomes at most a few steps; a Relu or Clip that is alone in reading a layer becomes part of
//	        that layer's clamp; what only renames elements (Flatten, Reshape, Squeeze, …) becomes no step
//	pack    weights are laid out for the kernels of this processor (package internal/gemm)
//	plan    values whose lives do not overlap share memory; slices of channels, and what is concatenated, lie in one value
//
// The workers of a Run share the examples of the batch. A worker that finds none left helps the others: it takes parts
// of the steps that they are at, rows of pixels or channels, so that one example alone is computed by all. Layers that
// have more weights than rows are run on a few examples at once, so that weights are read once for all of them. None of
// this changes a bit: results depend neither on the batch nor on the number of workers.
//
// Convolutions read the windows of a picture where they lie and leave out what is padding, where the processor has kernels
// for that; else windows are copied to a panel, a block of rows at a time. docs/kernels.md has the whole story.
//
// What is not a matrix product is in package internal/elementwise.
//
// Between steps a value of shape [batch, channels, height, width] lies channels last, unless it meets only operators that
// take it as well row-major; other values lie row-major. One pass decides that for every value (layoutOf).
// A code is stored as an unsigned byte: unsigned codes as they are, signed ones plus 128, so that all kernels multiply
// unsigned activations by signed weights. The caller sees none of this: inputs, outputs and traced values are
// channels first, as in ONNX.
package engine
