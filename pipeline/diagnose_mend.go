package pipeline

import (
	"cmp"
	"context"
	"math"
	"slices"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
)

// A network whose weights are reconstructed cannot be tried with the codes that it has: each layer repairs what exactly those before it broke.
// Where a remedy changes a layer, those behind it are reconstructed again, quickly (ptq.Reconstruct.Quick) and from fewer examples and samples;
// the network that a remedy is compared with is made in the same way.
const (
	lightExamples = 128
	lightSamples  = 8192
)

// way is a configuration, with the ranges and codes of a network that was made of it, and what came of that.
type way struct {
	cfg    Config
	ranges calib.Ranges
	codes  map[string]codedLayer
	loss   Loss
	bytes  int64
}

// trial is a remedy and the way that it leads to.
type trial struct {
	Remedy
	way way
}

// mend tries what might help, and puts what does together.
func (d *diagnosing) mend(ctx context.Context) error {
	r := &d.result
	everywhere, overrides := d.remedies()
	report := reporter(d.cfg.Progress, Progress{Stage: Mending, Total: len(everywhere) + len(overrides), Of: d.n.Name})
	done := 0
	all := func(from way, light bool, list []Remedy) ([]trial, error) {
		var tried []trial
		for _, remedy := range list {
			report(done)
			done++
			w, err := d.try(ctx, from, light, remedy)
			if ctx.Err() != nil {
				return nil, err
			}
			if err != nil {
				continue // some layers cannot have such bits, or such ranges: then it is no remedy
			}
			remedy.Output, remedy.Gain, remedy.Bytes = w.loss, w.loss.SQNR-from.loss.SQNR, w.bytes-from.bytes
			if math.IsNaN(remedy.Gain) {
				remedy.Gain = 0
			}
			tried = append(tried, trial{remedy, w})
		}
		slices.SortStableFunc(tried, func(a, b trial) int { return cmp.Compare(b.Gain, a.Gain) })
		return tried, nil
	}
	made := way{cfg: d.cfg, ranges: d.made.Ranges, loss: r.Output, bytes: r.PackedBytes}
	now, err := d.try(ctx, made, true, Remedy{})
	if err != nil {
		return err
	}
	ranges, others := divide(everywhere, func(r Remedy) bool { return r.IsMethod })
	wide, err := all(now, true, ranges)
	if err != nil {
		return err
	}
	more, err := all(made, false, others)
	if err != nil {
		return err
	}
	wide = append(wide, more...)
	slices.SortStableFunc(wide, func(a, b trial) int { return cmp.Compare(b.Gain, a.Gain) })
	if len(wide) > 0 && wide[0].Gain >= leastGain {
		r.Kept, now = append(r.Kept, wide[0].Remedy), wide[0].way
		if !wide[0].IsMethod {
			if now, err = d.try(ctx, now, true, Remedy{}); err != nil {
				return err
			}
		}
	}
	single, err := all(now, true, overrides)
	if err != nil {
		return err
	}
	report(done)
	for _, t := range append(wide, single...) {
		r.Remedies = append(r.Remedies, t.Remedy)
	}
	slices.SortStableFunc(r.Remedies, func(a, b Remedy) int { return cmp.Compare(b.Gain, a.Gain) })
	for i := 0; i < len(single) && i < keptRemedies && single[i].Gain >= leastGain; i++ {
		w := single[i].way
		if i > 0 {
			if w, err = d.try(ctx, now, true, single[i].Remedy); ctx.Err() != nil {
				return err
			}
		}
		if err == nil && w.loss.SQNR >= now.loss.SQNR+leastGain {
			r.Kept, now = append(r.Kept, single[i].Remedy), w
		}
	}
	return d.finish(ctx, now)
}

// divide returns the remedies of which f says so, and the others.
func divide(list []Remedy, f func(Remedy) bool) (yes, no []Remedy) {
	for _, r := range list {
		if f(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

// finish makes the network with all that helps, as Quantize does, and measures it. Where it is no better, nothing is kept.
func (d *diagnosing) finish(ctx context.Context, now way) error {
	r := &d.result
	r.MendedOutput, r.MendedBytes = r.Output, r.PackedBytes
	if len(r.Kept) == 0 {
		return nil
	}
	made, err := d.make(ctx, now.cfg)
	if err != nil {
		return err
	}
	loss, err := d.sample.loss(ctx, made.graph)
	if err != nil {
		return err
	}
	if !(loss.SQNR > r.Output.SQNR) {
		r.Kept = nil
		return nil
	}
	r.MendedOutput, r.MendedBytes = loss, made.Report.PackedBytes
	r.Mended = now.cfg
	r.Mended.Quant.Examples = ptq.Examples{}
	r.MendedAccuracy, err = d.accuracy(ctx, made.Network)
	return err
}

// try makes the network of a way with a remedy more, and measures it; a light one, of fewer samples where it is
// reconstructed, with the codes that are not concerned. The zero Remedy changes nothing.
func (d *diagnosing) try(ctx context.Context, w way, light bool, r Remedy) (way, error) {
	cfg, first := w.cfg, 0 // the first node that the remedy concerns
	measure := false
	switch {
	case r.Override.Pattern != "":
		cfg.Quant.Overrides = append(slices.Clone(cfg.Quant.Overrides), r.Override)
		first = slices.IndexFunc(d.float.Nodes, func(n *graph.Node) bool { return n.Label() == r.Override.Pattern })
	case r.KeepEdges:
		cfg.Quant.KeepEdges = true
	case r.Weights != "":
		method, err := ptq.ParseWeightMethod(r.Weights)
		if err != nil {
			return w, err
		}
		if _, ok := method.(ptq.Reconstruct); ok {
			method = ptq.Reconstruct{Threads: cfg.Threads}
		}
		cfg.Quant.WeightMethod = method
	case r.IsMethod:
		cfg.Calibration.Method, measure = r.Method, true
	case r.Examples > 0:
		cfg.Calibration.Data.Limit, measure = r.Examples, true
		cfg.Quant.Examples = d.n.watched(ctx, cfg)
	}
	next := way{cfg: cfg, ranges: w.ranges, codes: map[string]codedLayer{}}
	if _, err := d.n.CheckRanges(w.ranges, cfg.Quant); err != nil || measure {
		set, _, err := cfg.Calibration.Open(ctx, d.n.Name)
		if err != nil {
			return w, err
		}
		defer set.Close()
		quietly := cfg
		quietly.Progress = nil
		if next.ranges, err = d.n.Calibrate(ctx, set, quietly); err != nil {
			return w, err
		}
	}
	qc := cfg.Quant
	if m, ok := qc.WeightMethod.(ptq.Reconstruct); ok && light {
		m.Samples, m.Quick = lightSamples, true
		fewer := cfg
		fewer.Calibration.Data.Limit = min(lightExamples, cfg.Calibration.Data.Limit)
		qc.WeightMethod, qc.Examples = m, d.n.watched(ctx, fewer)
	}
	qc.WeightMethod = &resuming{WeightMethod: qc.WeightMethod, before: w.codes, same: d.before(first), made: next.codes}
	made, report, err := d.n.Quantize(ctx, next.ranges, qc)
	if err != nil {
		return w, err
	}
	next.bytes = report.PackedBytes
	next.loss, err = d.sample.loss(ctx, made.graph)
	return next, err
}

// before returns a function that reports whether a layer runs before the node of that index.
func (d *diagnosing) before(first int) func(layer string) bool {
	earlier := map[string]bool{}
	for _, n := range d.float.Nodes[:max(first, 0)] {
		earlier[n.Label()] = true
	}
	return func(layer string) bool { return earlier[layer] }
}

// remedies lists what is tried: for the whole network, and overrides of the layers that hurt most.
func (d *diagnosing) remedies() (everywhere, overrides []Remedy) {
	few := false
	for _, l := range d.result.Layers {
		few = few || l.WeightBits > 0 && l.WeightBits < 8
	}
	for _, m := range []ptq.WeightMethod{ptq.Reconstruct{}, ptq.LeastSquares{}, ptq.AbsMax{}} {
		if name := m.String(); name != d.result.Weights && (few || name != (ptq.Reconstruct{}).String()) {
			everywhere = append(everywhere, Remedy{Weights: name})
		}
	}
	for _, m := range []calib.Method{calib.MinMax, calib.MSE, calib.Percentile, calib.Entropy} {
		if m != d.cfg.Calibration.Method {
			everywhere = append(everywhere, Remedy{Method: m, IsMethod: true})
		}
	}
	// More than so many take as much time again.
	if more := min(2*d.result.Examples, ReconstructionExamples, d.most); more > d.result.Examples {
		everywhere = append(everywhere, Remedy{Examples: more})
	}
	worst := d.worst()
	for _, l := range worst[:min(d.dc.Tried, len(worst))] {
		if l.Node == "" || !(l.Output.noise() > 0) {
			continue
		}
		before := len(overrides)
		if l.WeightBits > 0 && l.WeightBits < 8 {
			overrides = append(overrides, Remedy{Override: ptq.Override{Pattern: l.Node, WeightBits: 8}})
		}
		if l.ActBits > 0 && l.ActBits < 8 {
			overrides = append(overrides, Remedy{Override: ptq.Override{Pattern: l.Node, ActBits: 8}})
		}
		if len(overrides) == before {
			overrides = append(overrides, Remedy{Override: ptq.Override{Pattern: l.Node, Float: true}})
		}
	}
	if q := d.cfg.Quant; !q.KeepEdges && slices.ContainsFunc(d.result.Layers, func(l Diagnosed) bool {
		return l.WeightBits > 0 && l.WeightBits < 8 || l.ActBits > 0 && l.ActBits < 8
	}) {
		overrides = append(overrides, Remedy{KeepEdges: true})
	}
	return everywhere, overrides
}
