// Package pipeline goes the whole way: it opens a network of any kind, quantizes it, runs it, measures what that cost and
// writes it, as one call or in steps that can each be used alone. The command is flags and tables on top of it.
//
//	r, err := pipeline.Quantize(ctx, pipeline.Config{
//		Model: "resnet20.th", Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: "cifar10:DIR"}},
//	})
//	defer r.Close()
//	err = r.Export(file, onnx.ExportConfig{})
//
// The steps:
//
//	Open, Read               any model, from a path or from memory: a *Network
//	Network.Calibrate        the ranges of its activations
//	Network.Quantize         the same network in integers, with these ranges; Network.Dynamic without
//	Network.Compile          a *Model, which runs; Load and LoadFile open and compile
//	Model.Classify           the classes of an image; Model.Run for everything else
//	Model.Accuracy, Compare  what quantization cost
//	Check                    whether that is more than a budget
//	Network.Export           an ONNX file
//	Weights                  the weights of a checkpoint alone, as safetensors
//
// Nothing here prints: progress goes to a callback, and what a caller should know is a value. Errors that a program may
// want to tell apart have types: ConfigError, NetworkError, InputsError, RangeError, LabelsError and NoWeightsError, the sentinels
// ErrQuantized and ErrClosed, and those of the stages.
package pipeline
