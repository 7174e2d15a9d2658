// Package linquant is documentation only: the map of a module for linear quantization of neural networks.
//
// The module is one pipeline, without cgo and without Python: open a float network, measure it, turn it into integers,
// run it in integers, and show what that cost. Each stage is a package that takes what the stage before it returns.
//
// The packages, from the arithmetic up:
//
//   - [linquant/tensor]: typed arrays with a shape, and the conversions between element types;
//   - [linquant/quant]: the arithmetic, exact to the bit: scale and zero point, quantize and dequantize, biases, zero-point
//     folding, requantization, and the integer linear layer that serves as the reference;
//   - [linquant/checkpoint]: PyTorch, safetensors and NumPy files, opened by content and read lazily;
//   - [linquant/graph]: networks, float and quantized: operators, shapes, passes, and an evaluator that is easy to believe;
//   - [linquant/vision]: how pixels become an input, and what a classifier's numbers say;
//   - [linquant/models]: networks recognised by the names and shapes of a checkpoint's tensors, as graphs;
//   - [linquant/onnx]: networks from ONNX files and to them, as QDQ or QOperator where they are quantized;
//   - [linquant/calib]: the ranges of activations, measured in one pass over examples;
//   - [linquant/ptq]: post-training quantization of networks, and of the weights of a checkpoint alone;
//   - [linquant/engine]: networks compiled and run, in floating point or in integers;
//   - [linquant/dataset], [linquant/builtin]: examples that stream; some that come with the program, and a network for them;
//   - [linquant/eval]: accuracy with intervals, comparison value by value, latency;
//   - [linquant/pipeline]: all of it as one call, or as steps, for programs; the command stands on it;
//   - [linquant/stats], [linquant/figure]: numbers about arrays, and pictures of them;
//   - linquant/cmd/linquant: the command.
//
// docs/quantization.md teaches the arithmetic from the beginning and docs/integer-inference.md whole networks;
// docs/design.md says how the packages fit together.
package linquant

//go:generate go run -C tools/asmgen . -o ../..
