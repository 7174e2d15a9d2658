// Package linquant is documentation only: the map of a module for linear quantization of neural networks.
//
// The module is one pipeline, without cgo and without Python: open a float network, measure it, turn it into integers,
// run it in integers, and show what that cost. Each stage is a package that takes what the stage before it returns.
//
// What exists now:
//
//   - [linquant/tensor]: typed arrays with a shape, and the conversions between element types;
//   - [linquant/quant]: the arithmetic, exact to the bit: scale and zero point, quantize and dequantize, biases, zero-point
//     folding, requantization, and the integer linear layer that serves as the reference;
//   - [linquant/stats]: summaries, histograms, and the error of an approximation;
//   - [linquant/checkpoint]: PyTorch, safetensors and NumPy files, opened by content and read lazily;
//   - [linquant/models]: networks recognised by the names and shapes of their tensors;
//   - [linquant/ptq]: post-training quantization, so far of weights;
//   - [linquant/figure]: PNG and SVG pictures of matrices and histograms;
//   - linquant/cmd/linquant: the command.
//
// Running a whole network, in floating point or in integers, calibrating activations, and ONNX are later stages.
// docs/quantization.md teaches the arithmetic from the beginning; docs/design.md says how the packages fit together.
package linquant
