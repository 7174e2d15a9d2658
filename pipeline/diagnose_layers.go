package pipeline

import (
	"context"
	"math"
	"slices"

	"linquant/calib"
	"linquant/dataset"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// layers lists what makes codes, and measures it.
func (d *diagnosing) layers(ctx context.Context) error {
	float, err := d.n.Folded(ctx)
	if err != nil {
		return err
	}
	if err := d.makeAlone(ctx, float); err != nil {
		return err
	}
	d.list(float)
	if err := d.values(ctx, float); err != nil {
		return err
	}
	layers, total := d.result.Layers, 0.0
	report := reporter(d.cfg.Progress, Progress{Stage: Diagnosing, Total: len(layers), Of: d.n.Name})
	for i := range layers {
		report(i)
		l := &layers[i]
		g, seen, err := d.alone(l)
		if err != nil {
			return err
		}
		if l.Output, l.Alone, err = d.sample.losses(ctx, g, seen, d.watchedValue(l)); err != nil {
			return err
		}
		total += l.Output.noise()
		l.Channels = d.oddChannels(float, l.Node)
	}
	report(len(layers))
	for i := range layers {
		if total > 0 {
			layers[i].Share = layers[i].Output.noise() / total
		}
	}
	return nil
}

// makeAlone quantizes the weights of every layer as where nothing else is codes.
func (d *diagnosing) makeAlone(ctx context.Context, float *graph.Graph) error {
	cfg := d.cfg.Quant
	cfg.Progress = d.quantProgress()
	if m, ok := cfg.WeightMethod.(ptq.Reconstruct); ok {
		m.Quick = true
		cfg.WeightMethod = m
	}
	var err error
	d.float = float
	d.weights, err = d.n.layersAlone(ctx, float, d.made.Ranges, cfg)
	return err
}

// layersAlone is a network in integers whose weights were quantized as if each layer were alone.
type layersAlone struct {
	n      *Network // the float one
	float  *graph.Graph
	graph  *graph.Graph
	nodes  map[string]*graph.Node // of graph, by name
	report *ptq.NetworkReport
}

func (n *Network) layersAlone(ctx context.Context, float *graph.Graph, ranges calib.Ranges, cfg ptq.Config) (*layersAlone, error) {
	cfg.Alone = true
	g, report, err := ptq.Quantize(ctx, float, ranges, cfg)
	if err != nil {
		return nil, n.named(err)
	}
	a := &layersAlone{n, float, g, map[string]*graph.Node{}, report}
	for _, node := range g.Nodes {
		a.nodes[node.Label()] = node
	}
	return a, nil
}

// weights gives the layer of that name in g, which is a copy of the float network, the codes of its weights, as the reals that they stand for.
func (a *layersAlone) weights(g *graph.Graph, layer string) error {
	n := g.Nodes[slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Label() == layer })]
	n.Inputs = n.Inputs[:1:1]
	for _, in := range a.nodes[layer].Inputs[1:] {
		if in == "" {
			n.Inputs = append(n.Inputs, "")
			continue
		}
		real, err := realsOf(a.graph.Value(in))
		if err != nil {
			return a.n.named(err)
		}
		name := g.Unique(layer + "_from_codes")
		g.AddConst(name, real)
		n.Inputs = append(n.Inputs, name)
	}
	return nil
}

func (d *diagnosing) quantProgress() func(ptq.Progress) {
	if d.cfg.Progress == nil {
		return nil
	}
	return reconstructing(d.cfg.Progress)
}

// list fills in the layers, in the order in which they run, with the activations whose parameters they share.
func (d *diagnosing) list(float *graph.Graph) {
	d.activations = map[string]ptq.Activation{}
	for _, a := range d.made.Report.Activations {
		if v := float.Value(a.Value); v != nil && v.Const == nil {
			d.activations[a.Value] = a
		}
	}
	weights := map[string]ptq.LayerReport{}
	owned := map[string]string{} // values, by the layer whose codes they are
	for _, l := range d.made.Report.Layers {
		weights[l.Node] = l
	}
	claimed := map[string]bool{}
	for _, l := range d.made.Report.Layers {
		if a := l.Output; a.Value != "" && !claimed[a.Value] {
			owned[l.Node], claimed[a.Value] = a.Value, true
		}
	}
	producers := float.Producers()
	for _, a := range d.made.Report.Activations {
		if _, ok := d.activations[a.Value]; !ok || claimed[a.Value] {
			continue
		}
		n := producers[a.Value]
		for n != nil { // back to what made it, before what only moves and clamps it
			role, _ := graph.RoleOf(float, n)
			from := producers[n.Input(0)]
			_, own := d.activations[n.Input(0)]
			if role != graph.RoleClamp && role != graph.RolePass || from == nil || own || weights[from.Label()].Node != "" {
				break
			}
			n = from
		}
		if n == nil {
			d.result.Layers = append(d.result.Layers, Diagnosed{Value: a.Value, ActBits: a.Type.Bits})
			continue
		}
		if _, has := owned[n.Label()]; has {
			n = producers[a.Value]
		}
		owned[n.Label()] = a.Value
	}
	for _, n := range float.Nodes {
		w, value := weights[n.Label()], owned[n.Label()]
		if w.Node == "" && value == "" {
			continue
		}
		d.result.Layers = append(d.result.Layers, Diagnosed{
			Node: n.Label(), Op: n.Op, Value: value, WeightBits: w.Bits, ActBits: d.activations[value].Type.Bits,
		})
	}
}

// watchedValue is the value of the float network at which a layer is looked at.
func (d *diagnosing) watchedValue(l *Diagnosed) string {
	if l.Value != "" {
		return l.Value
	}
	return d.node(l.Node).Outputs[0]
}

// node returns the node of the float network with that name.
func (d *diagnosing) node(name string) *graph.Node {
	i := slices.IndexFunc(d.float.Nodes, func(n *graph.Node) bool { return n.Label() == name })
	return d.float.Nodes[i]
}

// alone returns the float network with the codes of one layer's weights and of its value, as the reals that they stand for, and the name
// that the value has for its readers.
func (d *diagnosing) alone(l *Diagnosed) (*graph.Graph, string, error) {
	g := d.float.Clone()
	if l.WeightBits > 0 {
		if err := d.weights.weights(g, l.Node); err != nil {
			return nil, "", err
		}
	}
	watched := d.watchedValue(l)
	if l.Value != "" {
		watched = throughCodes(g, d.activations[l.Value])
	}
	if err := graph.Check(g); err != nil {
		return nil, "", d.n.named(err)
	}
	return g, watched, nil
}

// throughCodes makes a value of the network codes, and gives its readers what these stand for, whose name it returns.
func throughCodes(g *graph.Graph, a ptq.Activation) string {
	v := g.Value(a.Value)
	codes, reals := v.Clone(), v.Clone()
	codes.Name, reals.Name = g.Unique(a.Value+"_codes"), g.Unique(a.Value+"_from_codes")
	p := quant.TensorParams(a.Type, float64(a.Scale), a.ZeroPoint)
	codes.Quant, codes.DType = &p, tensor.Int8
	if a.Type.Unsigned {
		codes.DType = tensor.Uint8
	}
	g.Values[codes.Name], g.Values[reals.Name] = codes, reals
	at := 0 // of the first node behind the value
	for i, n := range g.Nodes {
		for k, in := range n.Inputs {
			if in == a.Value {
				n.Inputs[k] = reals.Name
			}
		}
		if slices.Contains(n.Outputs, a.Value) {
			at = i + 1
		}
	}
	for i, out := range g.Outputs {
		if out == a.Value {
			g.Outputs[i] = reals.Name
		}
	}
	node := func(op graph.Op, from, to string) *graph.Node {
		return &graph.Node{Name: to, Op: op, Inputs: []string{from}, Outputs: []string{to}, Attrs: graph.Attrs{}}
	}
	g.Nodes = slices.Insert(g.Nodes, at, node(graph.QuantizeLinear, a.Value, codes.Name), node(graph.DequantizeLinear, codes.Name, reals.Name))
	return reals.Name
}

// realsOf returns a constant of codes as the reals that they stand for.
func realsOf(v *graph.Value) (tensor.Tensor, error) {
	t := *v.Const
	if v.Quant == nil {
		return t, nil
	}
	real := make([]float32, t.Elements())
	var err error
	switch t.DType {
	case tensor.Int32:
		var codes []int32
		if codes, err = tensor.As[int32](t); err == nil {
			err = quant.Dequantize(real, codes, t.Shape, *v.Quant)
		}
	default:
		var codes []int8
		if codes, err = tensor.As[int8](t); err == nil {
			err = quant.Dequantize(real, codes, t.Shape, *v.Quant)
		}
	}
	if err != nil {
		return t, err
	}
	return tensor.Of(t.Shape, real)
}

// values measures the values of the network in integers, and what of the ranges the float network uses.
func (d *diagnosing) values(ctx context.Context, float *graph.Graph) error {
	var names []string
	for i := range d.result.Layers {
		if name := d.watchedValue(&d.result.Layers[i]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if err := d.sample.hold(ctx, float, names); err != nil {
		return err
	}
	for i := range d.result.Layers {
		l := &d.result.Layers[i]
		a, ok := d.activations[l.Value]
		if !ok {
			continue
		}
		lo, hi := a.Type.Range()
		low, high := a.Scale*float32(lo-a.ZeroPoint), a.Scale*float32(hi-a.ZeroPoint)
		// Half a step beyond the outermost codes still rounds to them.
		least, most, clipped := math.Inf(1), math.Inf(-1), 0
		values := d.sample.values[l.Value]
		for _, x := range values {
			least, most = min(least, float64(x)), max(most, float64(x))
			if x < low-a.Scale/2 || x > high+a.Scale/2 {
				clipped++
			}
		}
		if len(values) > 0 {
			used := min(most, float64(high)) - max(least, float64(low))
			l.RangeUse, l.Clipped = max(0, used/float64(high-low)), float64(clipped)/float64(len(values))
		}
	}
	mc := MeasureConfig{Threads: d.cfg.Threads, Progress: d.cfg.Progress}
	compared, err := Compare(ctx, d.n, d.made.Network, dataset.Limit(d.compared, d.sample.held), mc)
	if err != nil {
		return err
	}
	all := map[string]Loss{}
	for _, c := range compared.Layers {
		all[c.Name] = Loss{c.SQNR, c.Cosine}
	}
	for i := range d.result.Layers {
		l := &d.result.Layers[i]
		var ok bool
		if l.All, ok = all[d.watchedValue(l)]; !ok {
			l.All = Loss{math.NaN(), math.NaN()}
		}
	}
	return nil
}
