// Package ptq is post-training quantization: it turns a trained network into integers without training.
//
// Weights alone need no data: Weights writes those of a checkpoint as integer codes. A whole network needs the ranges
// of its activations, measured on examples:
//
//	points, err := ptq.Points(g, cfg)              // which values to observe, and the codes that they will have
//	ranges, err := calib.Run(…, points, …)         // observe them, choose ranges for these codes
//	q, report, err := ptq.Quantize(ctx, g, ranges, cfg) // the same network in integers
//
// Quantize takes a folded float network (graph.Fold) and returns a graph of the same operators, its values annotated
// with parameters and its weights integers, and a report of what that cost. What has no integer form stays in floating
// point, between a DequantizeLinear and a QuantizeLinear, and is reported.
package ptq
