package ptq

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// Dynamic turns the layers of a folded float graph into ones that quantize their inputs while they run
// (graph.SetDynamic): no calibration data is needed, for each layer takes the range of each example of its input as it
// comes. Weights are codes as Quantize makes them; activations have 8 bits, unsigned and affine; sums are brought back
// to reals, and what is between layers stays in floating point. The graph is left as it is.
//
// So do LSTMs, whose weights have a scale for each row. GRUs and RNNs, which have no such operator, and Gathers of a constant table by
// indices that are computed, such as embeddings, have codes for what is stored, and compute with the reals that they stand for: a scale
// for each row of a table, and for each row of the weights of all directions (see LayerReport.Stored). With PerTensor each has one scale.
//
// Of the configuration WeightBits, PerTensor, WeightMethod, Examples, Resume and KeepEdges count, and overrides of weight bits and of
// Float; what it says about activations must be the default. The report has the dynamic layers, and under Float those
// with weights that stay in floating point.
//
// Errors: those of Quantize about the network, its weights and patterns, and of ctx; a network without a layer that can be
// dynamic.
func Dynamic(ctx context.Context, g *graph.Graph, cfg Config) (*graph.Graph, *NetworkReport, error) {
	if err := check(g); err != nil {
		return nil, nil, err
	}
	cfg, err := cfg.dynamic()
	if err != nil {
		return nil, nil, err
	}
	p := &plan{ctx: ctx, g: g, cfg: cfg, producers: g.Producers(), consumers: g.Consumers()}
	if p.settings, err = settings(g, cfg, storesWeight); err != nil {
		return nil, nil, err
	}
	p.chooseMethod()
	p.reduceRange(func(n *graph.Node) int {
		if n.Op == graph.Conv {
			return 0 // ConvInteger does not saturate (PairsSaturate)
		}
		return 8
	})
	if err := p.checkResume(); err != nil {
		return nil, nil, err
	}
	p.reduceRecurrent()
	d := &dynamicBuilder{
		plan: p, out: g.Clone(), report: &NetworkReport{}, floats: map[string]bool{}, made: map[string][]*graph.Value{},
		before: map[*graph.Node][]*graph.Node{}, reals: map[string]string{},
	}
	if err := d.layers(); err != nil {
		return nil, nil, err
	}
	d.report.total(g, d.out)
	d.report.watched(p)
	if err := graph.Check(d.out); err != nil {
		return nil, nil, fmt.Errorf("the quantized network is not sound: %w", err)
	}
	return d.out, d.report, nil
}

// dynamic returns the configuration with its defaults filled in, or what in it dynamic layers do not have.
func (cfg Config) dynamic() (Config, error) {
	cfg, err := cfg.complete()
	switch {
	case err != nil:
		return cfg, err
	case cfg.ActBits != 8 || cfg.ActSigned || cfg.ActSymmetric:
		return cfg, errors.New("dynamic quantization has activations of 8 bits, unsigned and affine: " +
			"leave the configuration of activations out")
	case cfg.Requant != quant.ONNX:
		return cfg, errors.New("dynamic quantization brings sums to reals, and has no convention of requantization: " +
			"leave it out")
	}
	for _, o := range cfg.Overrides {
		if o.ActBits != 0 && o.ActBits != 8 {
			return cfg, &OverrideError{o.Pattern, errors.New("dynamic quantization has activations of 8 bits")}
		}
	}
	return cfg, nil
}

// dynamicBuilder makes the layers of a copy of the graph dynamic.
type dynamicBuilder struct {
	*plan
	out    *graph.Graph
	report *NetworkReport
	floats map[string]bool               // constants that nodes read as reals
	made   map[string][]*graph.Value     // codes of constants: several where layers quantize one differently
	before map[*graph.Node][]*graph.Node // nodes that are put before a node of out
	reals  map[string]string             // what these make of constants of codes
}

func (d *dynamicBuilder) layers() error {
	reasons := make([]string, len(d.g.Nodes))
	for i, n := range d.g.Nodes {
		reasons[i] = d.notDynamic(n)
		first, last := storedInputs(n)
		for k, in := range n.Inputs {
			if k < first || k > last || reasons[i] != "" {
				d.floats[in] = true
			}
		}
	}
	for _, name := range d.g.Outputs {
		d.floats[name] = true
	}
	for i, n := range d.g.Nodes {
		switch {
		case ended.Err(d.ctx) != nil:
			return ended.Err(d.ctx)
		case reasons[i] == "":
			quantize := d.layer
			if !hasWeight(d.g, n) {
				quantize = d.stored
			}
			if err := quantize(n, d.out.Nodes[i]); err != nil {
				return nodeError(n, err)
			}
		case storesWeight(d.g, n):
			d.report.Float = append(d.report.Float, Island{Node: n.Label(), Op: n.Op, Reason: reasons[i]})
		}
	}
	if len(d.report.Layers) == 0 {
		return errors.New("the network has no layer that can be dynamic: no Conv, Gemm or MatMul with a constant weight, no recurrent layer, no " +
			"table of embeddings")
	}
	nodes := make([]*graph.Node, 0, len(d.out.Nodes))
	for _, n := range d.out.Nodes {
		nodes = append(append(nodes, d.before[n]...), n)
	}
	d.out.Nodes = nodes
	return nil
}

// notDynamic says why a node does not become a dynamic layer; "" where it does.
func (d *dynamicBuilder) notDynamic(n *graph.Node) string {
	if reason := graph.NoLayer(d.g, n); reason != "" && !storesWeight(d.g, n) || reason != "" && hasWeight(d.g, n) {
		return reason
	}
	if d.settings[n].float {
		return "left in floating point as the configuration asks"
	}
	return ""
}

// layer makes c, the copy of a node, dynamic.
func (d *dynamicBuilder) layer(n, c *graph.Node) error {
	w, err := d.codeWeight(n, Activation{}, d.soFar(n, c))
	if err != nil {
		return err
	}
	l := &integerLayer{report: LayerReport{Dynamic: true}}
	if err := d.setWeight(l, n, w); err != nil {
		return err
	}
	graph.SetDynamic(c)
	c.Inputs[1] = d.codes(n.Input(1), l.weight)
	if w.Bias != nil {
		l.report.BiasBytes = 4 * int64(len(w.Bias))
		if err := d.bias(n, c, w.Bias); err != nil {
			return err
		}
	}
	d.report.Layers = append(d.report.Layers, l.report)
	return nil
}

// bias gives c, the copy of a node, its bias of one element per output channel: the constant that it has, if that is it.
func (d *dynamicBuilder) bias(n, c *graph.Node, bias []float32) error {
	name := n.Input(2)
	if v := d.g.Value(name); v != nil && v.Const.Shape.Equal(tensor.Shape{len(bias)}) {
		if old, err := v.Const.Float32s(); err == nil && slices.Equal(old, bias) {
			return nil
		}
	}
	t, err := tensor.Of(tensor.Shape{len(bias)}, bias)
	if err != nil {
		return err
	}
	if name == "" {
		name = n.Label() + "_bias"
	}
	name = d.out.Unique(name + "_channels")
	d.out.AddConst(name, t)
	c.Inputs = append(c.Inputs[:2:2], name)
	return nil
}

// soFar returns the network as it is before c, the copy of a node, becomes dynamic.
func (d *dynamicBuilder) soFar(n, c *graph.Node) built {
	return built{
		g: d.out, nodes: slices.Index(d.out.Nodes, c), input: n.Input(0), names: func(value string) []string { return []string{value} },
	}
}

// codes adds a constant of codes that stands for the constant of that name: under the name, unless somebody reads the
// reals.
func (d *dynamicBuilder) codes(name string, v *graph.Value) string {
	for _, old := range d.made[name] {
		if sameCodes(old, v) {
			return old.Name // two layers share it
		}
	}
	if v.Name = name; d.floats[name] || len(d.made[name]) > 0 {
		v.Name = d.out.Unique(name + "_quantized")
	}
	d.out.Values[v.Name] = v
	d.made[name] = append(d.made[name], v)
	return v.Name
}
