// Package vary gives a model that is written the dimensions back that the file had open which its network was read from. Reading computes
// what follows from shapes; here the nodes of the file that computed it take the places of nodes that depend on it.
package vary

import (
	"fmt"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
)

// Config is what is known of a network and of what is written of it.
type Config struct {
	Trace  *build.Trace             // of the file
	Bound  map[string]onnxpb.Tensor // inputs of the file that were made constants
	Float  *graph.Graph             // the network as it was read, folded
	Differ map[string]bool          // outputs of its nodes that have other attributes for other shapes
	Other  map[string]bool          // constants of it that are others for other shapes
	Made   *graph.Graph             // what is written, made of Float: Float itself, or in integers
	Raw    *raw.Graph               // that lowered
	Opset  int64                    // of the model
}

// BoundError is why a model cannot have open dimensions.
type BoundError struct{ Reason string }

func (e *BoundError) Error() string { return e.Reason }

func bound(format string, args ...any) error { return &BoundError{fmt.Sprintf(format, args...)} }

// Apply changes the nodes of the model. Every node whose value the file computes from shapes, and every one that is another for other
// shapes, becomes the nodes of the file that stand between its operands and its output; all others were made without looking at a shape
// that is open. What is known of values between nodes is left out, and so are nodes that nothing needs any more.
func Apply(c Config, m *onnxpb.Graph) error {
	p := newPlanner(c)
	for name := range c.Raw.Values {
		p.used[name] = true
	}
	for i := range m.Nodes {
		for _, name := range slices.Concat(m.Nodes[i].Inputs, m.Nodes[i].Outputs) {
			p.used[name] = true
		}
	}
	for _, condition := range c.Trace.Conditions {
		if k, err := p.cone(condition); err != nil || k.shapes {
			return bound("a branch of it is chosen by shapes (%q)", condition)
		}
	}
	rows := map[string]string{} // what computes the values of Float's nodes in the model
	for name, n := range c.Raw.Of {
		if n.Op != graph.QuantizeLinear && n.Op != graph.DequantizeLinear {
			rows[stem(c, n)] = name
		}
	}
	before, err := p.constants(m)
	if err != nil {
		return err
	}
	instead, left := map[string]*part{}, map[string]bool{}
	for _, n := range c.Float.Nodes {
		part, err := p.node(n, rows)
		if err != nil {
			return err
		}
		if part == nil {
			continue
		}
		row := rows[n.Outputs[0]]
		if part.nodes == nil {
			left[row] = true
			continue
		}
		instead[row] = part
	}
	var nodes []onnxpb.Node
	for i := range m.Nodes {
		n := &m.Nodes[i]
		for _, in := range n.Inputs {
			if part := before[in]; part != nil {
				nodes = append(nodes, part.nodes...)
				m.Initializers = append(m.Initializers, part.constants...)
				delete(before, in)
			}
		}
		if k := slices.IndexFunc(n.Outputs, func(out string) bool { return instead[out] != nil }); k >= 0 {
			part := instead[n.Outputs[k]]
			nodes = append(nodes, part.nodes...)
			m.Initializers = append(m.Initializers, part.constants...)
			continue
		}
		nodes = append(nodes, *n)
	}
	if err := p.repad(nodes); err != nil {
		return err
	}
	m.Nodes, m.Values = nodes, nil
	prune(m)
	for i := range m.Nodes {
		for _, out := range m.Nodes[i].Outputs {
			if left[out] {
				return bound("%q depends on them, and the file does not say how", out)
			}
		}
	}
	return ordered(m)
}

// Computed returns the operands of nodes of the network that are constants, and that the file computes from shapes.
func Computed(c Config) map[string]bool {
	p, found := newPlanner(c), map[string]bool{}
	for _, n := range c.Float.Nodes {
		for _, in := range n.Inputs {
			v := c.Float.Value(in)
			if v == nil || v.Const == nil || found[in] {
				continue
			}
			found[in] = c.Other[in]
			if _, made := p.makers[in]; made && !found[in] {
				k, err := p.cone(in)
				found[in] = err != nil || k.shapes
			}
		}
	}
	return found
}

func newPlanner(c Config) *planner {
	p := &planner{
		Config: c, makers: map[string]int{}, readers: map[string][]int{}, used: map[string]bool{}, programs: map[string]string{}, computed: map[string]bool{},
		pads: map[string]onnxpb.Attr{},
	}
	for i := range c.Trace.Nodes {
		for _, out := range c.Trace.Nodes[i].Outputs {
			p.makers[out] = i
		}
		for _, in := range c.Trace.Nodes[i].Inputs {
			p.readers[in] = append(p.readers[in], i)
		}
	}
	return p
}

// constants returns what computes, from shapes, the constants of the model of which the file does so, by their names. They are no
// initializers any more.
func (p *planner) constants(m *onnxpb.Graph) (map[string]*part, error) {
	before := map[string]*part{}
	var err error
	m.Initializers = slices.DeleteFunc(m.Initializers, func(t onnxpb.Tensor) bool {
		if _, made := p.makers[t.Name]; !made || err != nil || p.Float.Value(t.Name) == nil || p.Float.Value(t.Name).Const == nil ||
			p.Made.Value(t.Name) == nil || p.Made.Value(t.Name).Quant != nil {
			return false
		}
		k, e := p.cone(t.Name)
		if err = e; err != nil || !k.shapes && !p.Other[t.Name] {
			return false
		}
		part := &part{}
		names := map[string]string{t.Name: t.Name}
		for _, i := range k.nodes {
			if err = p.add(part, &p.Trace.Nodes[i], k, names, false); err != nil {
				return false
			}
		}
		before[t.Name], p.computed[t.Name] = part, true
		return true
	})
	return before, err
}

// stem is the name that the value of a node of what is written has in Float.
func stem(c Config, n *graph.Node) string {
	out := n.Outputs[0]
	if c.Float.Value(out) == nil {
		return strings.TrimSuffix(out, codes.CodesSuffix)
	}
	return out
}

// part is what takes the place of a node.
type part struct {
	nodes     []onnxpb.Node
	constants []onnxpb.Tensor
}

type planner struct {
	Config
	makers   map[string]int // nodes of the file by what they make
	readers  map[string][]int
	used     map[string]bool        // names of the model
	programs map[string]string      // values that follow from shapes alone, as the model has them already
	computed map[string]bool        // constants that are computed in the model
	pads     map[string]onnxpb.Attr // of layers, by their names
}

// available reports whether a value of the file is one that the network computes.
func (p *planner) available(name string) bool {
	v := p.Float.Value(name)
	return v != nil && v.Const == nil
}

// node returns what takes the place of a node; nil where it stays, and a part without nodes where it has to go and nothing of the file is like it.
func (p *planner) node(n *graph.Node, rows map[string]string) (*part, error) {
	y := n.Outputs[0]
	if _, ok := p.makers[y]; !ok {
		if p.differs(n) {
			return &part{}, nil
		}
		return nil, nil
	}
	k, err := p.cone(y)
	if err != nil || !k.shapes && len(k.padded) == 0 && !p.differs(n) {
		return nil, err
	}
	if weighs(p.Float, n) && !k.shapes && len(k.padded) > 0 {
		return nil, p.pad(k, n)
	}
	if weighs(p.Float, n) {
		return nil, bound("the weights, windows or operands of %v depend on them", n)
	}
	row, ok := rows[y]
	if !ok {
		return nil, bound("%v depends on them, and is no node of its own in the model", n)
	}
	i := slices.IndexFunc(p.Raw.Nodes, func(r *raw.Node) bool { return r.Outputs[0] == row })
	if i < 0 || len(p.Raw.Nodes[i].Inputs) != len(n.Inputs) {
		return nil, bound("%v depends on them, and is another node in the model", n)
	}
	return p.emit(k, n, p.Raw.Nodes[i])
}

// differs reports whether a node is another one for other shapes.
func (p *planner) differs(n *graph.Node) bool {
	return p.Differ[n.Outputs[0]] || slices.ContainsFunc(n.Inputs, func(in string) bool { return p.Other[in] && !p.computed[in] })
}

// weighs reports whether a node multiplies by constant weights.
func weighs(g *graph.Graph, n *graph.Node) bool {
	switch n.Op {
	case graph.Conv, graph.Gemm, graph.MatMul, graph.LSTM, graph.GRU, graph.RNN:
		return len(n.Inputs) > 1 && g.Value(n.Inputs[1]) != nil && g.Value(n.Inputs[1]).Const != nil
	}
	return false
}

// cone is the nodes of the file from values that the network computes to one of them.
type cone struct {
	to     string
	nodes  []int             // in the file's order
	data   map[string]bool   // values of the network whose elements are read
	sized  map[string]string // values whose shapes are read, and the values of the network that have these
	shapes bool              // a shape is read
	padded []int             // nodes whose pads depend on the size of what they read
	seen   map[string]bool
}

// cone finds it.
func (p *planner) cone(to string) (*cone, error) {
	k := &cone{to: to, data: map[string]bool{}, sized: map[string]string{}, seen: map[string]bool{}}
	if err := p.grow(k, to); err != nil {
		return nil, err
	}
	slices.Sort(k.nodes)
	return k, nil
}

func (p *planner) grow(k *cone, name string) error {
	if name == "" || k.seen[name] {
		return nil
	}
	k.seen[name] = true
	if name != k.to && (p.available(name) || p.computed[name]) {
		k.data[name] = true
		return nil
	}
	i, made := p.makers[name]
	if !made {
		if _, ok := p.Trace.Constants[name]; !ok {
			if _, ok := p.Bound[name]; !ok {
				return bound("nothing that is known makes %q", name)
			}
		}
		return nil
	}
	if slices.Contains(k.nodes, i) {
		return nil
	}
	n := &p.Trace.Nodes[i]
	for a := range n.Attrs {
		if n.Attrs[a].Graph != nil {
			return bound("%q is made by a node with nodes inside", name)
		}
		if n.Attrs[a].Name == "auto_pad" && strings.HasPrefix(n.Attrs[a].String, "SAME") && strided(n) {
			k.padded = append(k.padded, i)
		}
	}
	k.nodes = append(k.nodes, i)
	if n.Domain == "" && (n.Op == "Shape" || n.Op == "Size") {
		if p.constant(n.Inputs[0]) {
			return p.grow(k, n.Inputs[0])
		}
		k.shapes = true
		source, ok := p.sameShape(n.Inputs[0], 0)
		if !ok {
			return bound("the shape of %q is read, which the network does not compute", n.Inputs[0])
		}
		k.sized[n.Inputs[0]] = source
		return nil
	}
	for _, in := range n.Inputs {
		if err := p.grow(k, in); err != nil {
			return err
		}
	}
	return nil
}

// strided reports whether a window moves by more than one.
func strided(n *onnxpb.Node) bool {
	for i := range n.Attrs {
		if n.Attrs[i].Name == "strides" {
			return slices.ContainsFunc(n.Attrs[i].Ints, func(s int64) bool { return s != 1 })
		}
	}
	return false
}

// pad gives the layer in the model that was made of n the pads that the file says, which follow from the size of what it reads.
func (p *planner) pad(k *cone, n *graph.Node) error {
	file := &p.Trace.Nodes[k.padded[0]]
	if len(k.padded) > 1 || file.Op != "Conv" || n.Op != graph.Conv || slices.ContainsFunc(k.nodes, func(i int) bool { return p.Trace.Nodes[i].Op == "Pad" }) {
		return bound("the windows of %v depend on them", n)
	}
	p.pads[n.Label()] = file.Attrs[slices.IndexFunc(file.Attrs, func(a onnxpb.Attr) bool { return a.Name == "auto_pad" })]
	return nil
}

// repad sets these pads, and reports whether all were found.
func (p *planner) repad(nodes []onnxpb.Node) error {
	for i := range nodes {
		n := &nodes[i]
		way, ok := p.pads[n.Name]
		if !ok || n.Op != "Conv" && n.Op != "ConvInteger" && n.Op != "QLinearConv" {
			continue
		}
		n.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a onnxpb.Attr) bool { return a.Name == "pads" || a.Name == "auto_pad" })
		n.Attrs = append(n.Attrs, way)
		delete(p.pads, n.Name)
	}
	for name := range p.pads {
		return bound("the windows of %q depend on them", name)
	}
	return nil
}

func (p *planner) constant(name string) bool {
	_, initial := p.Trace.Constants[name]
	_, given := p.Bound[name]
	return initial || given
}

// keeping are operators whose output has the shape of their first input; of pairs that of the operand that is no constant of few dimensions.
var keeping = map[string]bool{
	"Abs": true, "Cast": true, "Ceil": true, "Clip": true, "Dropout": true, "Elu": true, "Erf": true, "Exp": true, "Floor": true, "Gelu": true,
	"HardSigmoid": true, "HardSwish": true, "Identity": true, "LayerNormalization": true, "LeakyRelu": true, "Log": true, "LogSoftmax": true,
	"Mish": true, "Neg": true, "Not": true, "Reciprocal": true, "Relu": true, "Selu": true, "Sigmoid": true, "Softmax": true, "Softplus": true,
	"Softsign": true, "Sqrt": true, "Tanh": true, "BatchNormalization": true, "InstanceNormalization": true,
}

var pairs = map[string]bool{"Add": true, "Sub": true, "Mul": true, "Div": true, "Pow": true}

// sameShape finds a value that the network computes and that has the shape of one, by what stands between: functions of elements, and
// biases.
func (p *planner) sameShape(name string, depth int) (string, bool) {
	if p.holds(name) {
		return name, true
	}
	if depth > 16 {
		return "", false
	}
	if i, ok := p.makers[name]; ok {
		if from, ok := p.keeps(&p.Trace.Nodes[i]); ok {
			if source, ok := p.sameShape(from, depth+1); ok {
				return source, true
			}
		}
	}
	for depth = max(depth, 8); depth <= 16; depth++ { // forwards, where what follows is computed in one
		readers := p.readers[name]
		if len(readers) == 0 {
			return "", false
		}
		found := ""
		for _, i := range readers {
			n := &p.Trace.Nodes[i]
			if from, ok := p.keeps(n); ok && from == name && len(n.Outputs) > 0 {
				found = n.Outputs[0]
				break
			}
		}
		if found == "" {
			return "", false
		}
		if name = found; p.holds(name) {
			return name, true
		}
	}
	return "", false
}

// holds reports whether the model has something of the shape of a value of the network.
func (p *planner) holds(name string) bool {
	return p.available(name) && (p.Raw == nil || p.Raw.Holds[p.holder(name)] != "")
}

// keeps returns the input of a node whose shape its output has.
func (p *planner) keeps(n *onnxpb.Node) (string, bool) {
	switch {
	case n.Domain != "" || len(n.Inputs) == 0:
	case keeping[n.Op]:
		return n.Inputs[0], true
	case pairs[n.Op] && len(n.Inputs) == 2:
		for i, in := range n.Inputs {
			c, ok := p.Trace.Constants[in]
			if elements(c.Dims) == 1 && ok && len(c.Dims) <= 1 || ok && len(c.Dims) == 1 && p.biased(n.Inputs[1-i], c.Dims[0]) {
				return n.Inputs[1-i], true
			}
		}
	}
	return "", false
}

// biased reports whether a value is what a MatMul by a constant with so many columns makes.
func (p *planner) biased(name string, columns int64) bool {
	i, ok := p.makers[name]
	if !ok || p.Trace.Nodes[i].Op != "MatMul" || len(p.Trace.Nodes[i].Inputs) != 2 {
		return false
	}
	w, ok := p.Trace.Constants[p.Trace.Nodes[i].Inputs[1]]
	return ok && len(w.Dims) == 2 && w.Dims[1] == columns
}

func elements(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}

// holder returns the name that a value of Float has in what is written.
func (p *planner) holder(name string) string {
	if p.Raw.Holds[name] != "" {
		return name
	}
	return name + codes.CodesSuffix
}
