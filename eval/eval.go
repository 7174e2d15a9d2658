// Package eval measures networks: how often they are right, with intervals; how far one network's values are from
// another's; and how fast they run.
//
// It knows networks as what runs and data as what is read, so that a float network and its quantized form are measured
// by the same code on the same examples.
package eval

import "context"

// Network runs on batches. *engine.Program is one.
type Network interface {
	// Run computes outputs from inputs: one slice for each of the network's, the examples of the batch one after the
	// other.
	Run(ctx context.Context, outputs, inputs [][]float32) error
}
