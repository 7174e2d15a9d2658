// Package stats measures arrays of float32: their summary, their histogram, and how far an approximation is from a
// reference. Inspecting a checkpoint, drawing its weights and reporting what quantization cost all ask it the same way.
//
// Sums are float64, in an order that is fixed by the data's length alone, and no product is fused with a sum: the
// results are the same bits on every processor.
package stats
