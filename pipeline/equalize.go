package pipeline

import (
	"context"
	"fmt"

	"linquant/graph"
	"linquant/ptq"
)

// NotEqualized warns that equalization found nothing to do, or could not correct biases.
type NotEqualized struct{ Reason string }

// Warning is one line.
func (w NotEqualized) Warning() string { return w.Reason }

// equalize makes the float network that is to become integers, where the configuration asks for equalized weights.
func (r *Result) equalize(ctx context.Context, cfg *Config) error {
	if m, ok := cfg.Quant.WeightMethod.(ptq.Equalized); !ok || m.Network != nil {
		return nil
	}
	if cfg.Calibration.Ranges != nil && !cfg.Dynamic {
		return &ConfigError{"Calibration.Ranges", "", "they are of the network before its channels are scaled, and equalization changes what " +
			"layers compute: give Calibration.Data, or leave out equalization"}
	}
	folded, err := r.Float.Folded(ctx)
	if err != nil {
		return err
	}
	norms, err := graph.BatchMoments(ctx, r.Float.graph)
	if err != nil {
		return r.Float.named(err)
	}
	g, done, err := ptq.Equalize(ctx, folded, norms)
	if err != nil {
		return r.Float.named(err)
	}
	r.Equalization = done
	cfg.Quant.WeightMethod = ptq.Equalized{Network: done}
	if done.Channels == 0 {
		r.Warnings = append(r.Warnings, NotEqualized{fmt.Sprintf("equalization scaled nothing in %d layers: no channel that one of them "+
			"writes and others read has something to share", done.Layers)})
	}
	if len(norms) == 0 {
		r.Warnings = append(r.Warnings, NotEqualized{"biases are not corrected: the network has no batch normalizations left whose " +
			"statistics would say what layers are given"})
	}
	r.equal = r.Float.made(g)
	r.equal.folded = g
	if r.equal.source != nil {
		r.equal.fixed = "channels were scaled"
	}
	return nil
}

// source returns the float network that becomes integers.
func (r *Result) source() *Network {
	if r.equal != nil {
		return r.equal
	}
	return r.Float
}
