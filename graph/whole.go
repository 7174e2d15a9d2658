package graph

import (
	"maps"
	"slices"

	"linquant/quant"
	"linquant/tensor"
)

// Whole reports whether the network takes its whole input as one example: no input has the symbolic batch for its first
// dimension. Such a network may do to its first dimensions what it likes.
func (g *Graph) Whole() bool {
	for _, name := range g.Inputs {
		if v := g.Values[name]; v != nil && batched(v.Shape) {
			return false
		}
	}
	return len(g.Inputs) > 0
}

// ExampleShape returns the shape of one example of a value that depends on an input: without the first dimension where that
// is the batch, or the number 1 in a network that takes its whole input as one example.
func ExampleShape(s tensor.Shape) tensor.Shape {
	if len(s) > 0 && (s[0] == Batch || s[0] == 1) {
		return s[1:]
	}
	return s
}

// mostIndices bounds how many nodes one becomes that is applied to each index of a first dimension.
const mostIndices = 1024

// OneExample returns a Whole network as one with a batch, whose only example is the whole input: what an engine that
// computes examples runs. A value of shape [1, …] becomes [Batch, …], and any other [d, …] becomes [Batch, d, …], so that
// nothing changes for nodes that keep a first dimension of 1 apart; the others get a dimension more, between Reshapes that
// move nothing. A Conv, a pool and what else wants pictures, on several of them, becomes a node for each; a Conv whose input is
// quantized while it runs, all of it at once, stays one.
//
// Values keep their names, elements and parameters. Shapes of g must have been inferred; it is not changed. A node that is
// computed ByReference stays as it is, and computes on the shapes that g has. Errors name the node.
func OneExample(g *Graph) (*Graph, error) {
	from := *g
	from.Values = maps.Clone(g.Values) // what Gemms are taken apart to comes to it
	r := &oneExample{from: &from, varies: map[string]bool{}, to: &Graph{
		Name: g.Name, Inputs: g.Inputs, Outputs: g.Outputs, Requant: g.Requant, Metadata: g.Metadata,
		Values: make(map[string]*Value, len(g.Values)),
	}}
	for _, name := range g.Inputs {
		r.varies[name] = true
	}
	for _, n := range g.Nodes {
		r.varies[n.Outputs[0]] = slices.ContainsFunc(n.Inputs, func(in string) bool { return r.varies[in] })
	}
	for name, v := range g.Values {
		c := v.Clone()
		if r.varies[name] {
			c.Shape = oneExampleShape(v.Shape)
		}
		r.to.Values[name] = c
	}
	for _, n := range g.Nodes {
		if err := r.node(n); err != nil {
			return nil, err
		}
	}
	return r.to, nil
}

// oneExampleShape is the shape that a value of a Whole network has in one with a batch.
func oneExampleShape(s tensor.Shape) tensor.Shape {
	return append(tensor.Shape{Batch}, ExampleShape(s)...)
}

// oneExample makes the graph.
type oneExample struct {
	from, to *Graph
	varies   map[string]bool // the values that depend on an input
}

// node adds what stands for a node.
func (r *oneExample) node(n *Node) error {
	out := n.Outputs[0]
	switch class := of(n).Class; {
	case !r.varies[out], ByReference(n):
		r.to.Nodes = append(r.to.Nodes, n.Clone())
		return nil
	case class == ClassReshape && of(n).Unary == nil:
		r.reshape(n.Name, out, n.Inputs[0])
		return nil
	}
	if same := r.same(n); same != nil {
		r.to.Nodes = append(r.to.Nodes, same)
		return nil
	}
	switch {
	case n.Op == Gemm:
		return r.gemm(n)
	case n.Op == Conv && IsDynamic(n):
		return r.dynamicPictures(n)
	case ofPictures(n):
		return r.eachIndex(n)
	}
	return r.lifted(n)
}

// ofPictures reports whether the first dimension of the operator's input is examples, whatever the network takes them for.
func ofPictures(n *Node) bool {
	switch n.Op {
	case Conv, BatchNormalization, InstanceNormalization, GroupNormalization, Resize:
		return true
	}
	return of(n).Class == ClassPool
}

// same returns the node where it computes with examples what it computes with the whole values; else nil. An operator
// without attributes looks at shapes alone, and for others their first dimension must be the batch's place.
func (r *oneExample) same(n *Node) *Node {
	leads := func(name string) bool {
		s := r.from.Values[name].Shape
		return len(s) > 0 && s[0] == 1
	}
	names := append(slices.Clone(n.Inputs), n.Outputs[0])
	anywhere := of(n).Unary != nil || of(n).Binary != nil || of(n).Class == ClassBoundary || n.Op == MatMul || n.Op == Where
	if !anywhere && slices.ContainsFunc(names, func(name string) bool { return r.varies[name] && !leads(name) }) {
		return nil
	}
	c := batchSized(n)
	shape, err := site{r.to, c}.infer()
	if err != nil || !shape.Equal(r.to.Values[n.Outputs[0]].Shape) {
		return nil
	}
	return c
}

// batchSized returns a copy of a node; the sizes that a Resize names begin with the batch in it, as its input does.
func batchSized(n *Node) *Node {
	c := n.Clone()
	if n.Op == Resize && n.Attrs["sizes"] != nil {
		sizes := slices.Clone(n.Ints("sizes"))
		sizes[0], c.Attrs["sizes"] = Batch, sizes
	}
	return c
}

// reshape adds a Reshape of a value to the shape that another has already.
func (r *oneExample) reshape(name, out, in string) {
	r.to.AddNode(Reshape, name, out, Attrs{"shape": slices.Clone([]int(r.to.Values[out].Shape))}, in)
}

// shaped returns a value with the elements of another and the given shape: that one, if it has the shape.
func (r *oneExample) shaped(name string, shape tensor.Shape) string {
	v := r.to.Values[name]
	if v.Shape.Equal(shape) {
		return name
	}
	out := r.beside(name, shape)
	r.reshape(out, out, name)
	return out
}

// beside adds a value that holds what another does, of another shape.
func (r *oneExample) beside(name string, shape tensor.Shape) string {
	v := r.to.Values[name].Clone()
	v.Name, v.Shape = r.to.Unique(name+"_whole"), shape
	r.to.Values[v.Name] = v
	return v.Name
}

// first returns a constant with a dimension of 1 before those of another.
func (r *oneExample) first(name string, shape tensor.Shape) string {
	v := r.to.Values[name].Clone()
	v.Name, v.Shape = r.to.Unique(name+"_whole"), append(tensor.Shape{1}, shape...)
	if v.Const != nil {
		t := *v.Const
		t.Shape = v.Shape
		v.Const = &t
	}
	r.to.Values[v.Name] = v
	return v.Name
}

// lifted adds a node whose operands have the batch before all their dimensions.
func (r *oneExample) lifted(n *Node) error {
	c, s := n.Clone(), site{r.from, n}
	rank := 0 // of all that varies, aligned at the right
	if class := of(n).Class; class == ClassBinary || class == ClassSelect || n.Op == MatMul || n.Op == Expand {
		rank = len(r.from.Values[n.Outputs[0]].Shape)
		for i, in := range n.Inputs {
			if r.varies[in] {
				rank = max(rank, len(s.shape(i)), 2)
			}
		}
	}
	for i, in := range n.Inputs {
		shape := slices.Clone(s.shape(i))
		switch {
		case n.Op == Concat && !r.varies[in]: // one with a first dimension of 1 is joined to every example
			c.Inputs[i] = r.first(in, shape)
			continue
		case !r.varies[in]:
			continue
		}
		if n.Op == MatMul && i == 1 && len(shape) == 1 {
			shape = append(shape, 1)
		}
		for len(shape) < rank {
			shape = slices.Insert(shape, 0, 1)
		}
		c.Inputs[i] = r.shaped(in, append(tensor.Shape{Batch}, shape...))
	}
	if err := s.lift(c, rank); err != nil {
		return err
	}
	return r.add(c, n)
}

// add adds a node of lifted operands for one of the whole network, and the Reshape behind it.
func (r *oneExample) add(c, n *Node) error {
	shape, err := site{r.to, c}.infer()
	if err != nil {
		return n.errorf("its whole input is one example, and so it cannot run: %w", err)
	}
	out := n.Outputs[0]
	if shape.Equal(r.to.Values[out].Shape) {
		r.to.Nodes = append(r.to.Nodes, c)
		return nil
	}
	c.Outputs = []string{r.beside(out, shape)}
	r.to.Nodes = append(r.to.Nodes, c)
	r.reshape(out, out, c.Outputs[0])
	return nil
}

// lift changes the attributes of c, a copy of the node, to those of operands with one dimension more in front; those of an
// Expand of rank dimensions.
func (s site) lift(c *Node, rank int) error {
	n, x := s.n, s.shape(0)
	first := func(v int, list []int) []int { return slices.Insert(slices.Clone(list), 0, v) }
	named := func(dims []bool) []int {
		axes := []int{}
		for d, yes := range dims {
			if yes {
				axes = append(axes, d+1)
			}
		}
		return axes
	}
	switch {
	case of(n).Class == ClassReduction:
		dims, err := ReducedDims(n, len(x))
		if err != nil {
			return err
		}
		if c.Attrs["axes"] = named(dims); len(named(dims)) == 0 {
			c.Attrs["noop_with_empty_axes"] = 1
		}
	case n.Op == Transpose:
		perm, err := PermOf(n, len(x))
		if err != nil {
			return err
		}
		moved := []int{0}
		for _, p := range perm {
			moved = append(moved, p+1)
		}
		c.Attrs["perm"] = moved
	case n.Op == Slice:
		axes := n.Ints("axes")
		if axes == nil {
			for d := range n.Ints("starts") {
				axes = append(axes, d)
			}
		}
		moved := make([]int, len(axes))
		for i, a := range axes {
			d, err := s.dimension("axes:", a, len(x))
			if err != nil {
				return err
			}
			moved[i] = d + 1
		}
		c.Attrs["axes"] = moved
	case n.Op == Pad:
		pads := n.Ints("pads")
		half := len(pads) / 2
		c.Attrs["pads"] = append(first(0, pads[:half]), first(0, pads[half:])...)
	case n.Op == Tile:
		c.Attrs["repeats"] = first(1, n.Ints("repeats"))
	case n.Op == Expand:
		shape := slices.Clone(n.Ints("shape"))
		for len(shape) < rank {
			shape = first(1, shape)
		}
		c.Attrs["shape"] = first(1, shape)
	case n.Op == MatMul, of(n).Unary != nil, of(n).Binary != nil, of(n).Class == ClassSelect:
	default:
		if _, ok := of(n).Attr("axis"); !ok {
			return n.errorf("it has no form for a whole input that is one example: let its first dimension be 1")
		}
		c.Attrs["axis"] = AxisOf(n, len(x)) + 1
	}
	return nil
}

// mostRepeated bounds the bytes of the weights of dynamicPictures.
const mostRepeated = 256 << 20

// dynamicPictures adds one node for a dynamic Conv of several pictures, which have one range together: their channels lie side by
// side, each in groups of its own, so that the weights are there for every picture.
func (r *oneExample) dynamicPictures(n *Node) error {
	x := r.from.Values[n.Inputs[0]].Shape
	size := int64(len(r.to.Values[n.Inputs[1]].Const.Data))
	if len(x) != 4 || x[0] < 1 || int64(x[0]) > mostRepeated/max(size, 1) {
		return n.errorf("its input is %s in a network that takes its whole input as one example: weights of %d bytes are too large for as many pictures",
			show(x), size)
	}
	c := n.Clone()
	c.Attrs["group"] = x[0] * n.Int("group")
	c.Inputs[0] = r.shaped(n.Inputs[0], tensor.Shape{Batch, x[0] * x[1], x[2], x[3]})
	for i, in := range n.Inputs[1:] {
		if in != "" {
			c.Inputs[1+i] = r.repeated(in, x[0])
		}
	}
	return r.add(c, n)
}

// repeated returns a constant that is there so many times, one after the other, along its first dimension.
func (r *oneExample) repeated(name string, times int) string {
	v := r.to.Values[name].Clone()
	v.Name = r.to.Unique(name + "_whole")
	t := *v.Const
	t.Shape = slices.Clone(t.Shape)
	t.Shape[0] *= times
	t.Data = slices.Repeat(t.Data, times)
	v.Const, v.Shape = &t, t.Shape
	if v.Quant != nil && v.Quant.Per != quant.PerTensor {
		p := *v.Quant
		if p.Scale = slices.Repeat(p.Scale, times); p.ZeroPoint != nil {
			p.ZeroPoint = slices.Repeat(p.ZeroPoint, times)
		}
		v.Quant = &p
	}
	r.to.Values[v.Name] = v
	return v.Name
}

// eachIndex adds a node for each index of the first dimension, and joins what they compute.
func (r *oneExample) eachIndex(n *Node) error {
	x, out := r.from.Values[n.Inputs[0]].Shape, n.Outputs[0]
	if i := slices.IndexFunc(n.Inputs[1:], func(in string) bool { return r.varies[in] }); i >= 0 {
		return n.errorf("its input %q is computed while the network runs: it must be constant", n.Inputs[1+i])
	}
	if len(x) < 2 || x[0] > mostIndices {
		return n.errorf("its input is %s in a network that takes its whole input as one example: the first dimension is at most %d",
			show(x), mostIndices)
	}
	whole := r.shaped(n.Inputs[0], append(tensor.Shape{Batch}, x...))
	var parts []string
	for i := range x[0] {
		one := r.beside(whole, append(tensor.Shape{Batch, 1}, x[1:]...))
		r.to.AddNode(Slice, one, one, Attrs{"axes": []int{1}, "starts": []int{i}, "ends": []int{i + 1}}, whole)
		c := batchSized(n)
		c.Inputs[0] = r.shaped(one, append(tensor.Shape{Batch}, x[1:]...))
		shape, err := site{r.to, c}.infer()
		if err != nil {
			return n.errorf("its whole input is one example, and so it cannot run: %w", err)
		}
		c.Outputs = []string{r.beside(out, shape)}
		r.to.Nodes = append(r.to.Nodes, c)
		parts = append(parts, r.shaped(c.Outputs[0], append(tensor.Shape{Batch, 1}, shape[1:]...)))
	}
	joined := &Node{Name: r.to.Unique(out + "_whole"), Op: Concat, Inputs: parts, Outputs: []string{out}, Attrs: Attrs{"axis": 1}}
	return r.add(joined, n)
}

// gemm adds a Gemm whose first operand is several rows. With constant weights it is one of a stack of matrices; with
// computed ones products, transpositions and sums.
func (r *oneExample) gemm(n *Node) error {
	s := site{r.from, n}
	if !r.varies[n.Inputs[1]] && !r.varies[n.Input(2)] && n.Int("transA") == 0 {
		if c := n.Input(2); c == "" || rowVector(s.shape(2), r.from.Values[n.Outputs[0]].Shape[1]) {
			m := n.Clone()
			m.Inputs[0] = r.shaped(n.Inputs[0], append(tensor.Shape{Batch}, s.shape(0)...))
			m.Attrs[stackedAttr] = 1
			return r.add(m, n)
		}
	}
	out := r.from.Values[n.Outputs[0]]
	if out.Quant != nil {
		return n.errorf("its operands are computed, or its bias is no row, and it computes with codes: make its weight and bias constants")
	}
	g, from := New(""), r.from // the network that the node is
	for _, in := range n.Inputs {
		if in != "" {
			g.Values[in] = from.Values[in]
		}
	}
	fresh := func(what string) string { return r.from.Unique(r.to.Unique(n.Outputs[0] + "_" + what)) }
	number := func(what string, x float32) string {
		t, err := tensor.Of(tensor.Shape{}, []float32{x})
		if err != nil {
			panic(err) // one number is a scalar
		}
		name := fresh(what)
		g.AddConst(name, t)
		return name
	}
	operands := [2]string{n.Inputs[0], n.Inputs[1]}
	for i, attr := range [2]string{"transA", "transB"} {
		if n.Int(attr) != 0 {
			operands[i] = g.AddNode(Transpose, "", fresh(attr), Attrs{"perm": []int{1, 0}}, operands[i])
		}
	}
	last := g.AddNode(MatMul, n.Name, fresh("product"), nil, operands[0], operands[1])
	if a := n.Float("alpha"); a != 1 {
		last = g.AddNode(Mul, "", fresh("scaled"), nil, last, number("alpha", a))
	}
	if c := n.Input(2); c != "" {
		if b := n.Float("beta"); b != 1 {
			c = g.AddNode(Mul, "", fresh("bias"), nil, c, number("beta", b))
		}
		last = g.AddNode(Add, "", fresh("sum"), nil, last, c)
	}
	g.AddNode(Identity, "", n.Outputs[0], nil, last)
	return r.spell(g, n)
}

// spell adds the nodes of a small network that stands for n, whose values are those of the whole network and others.
func (r *oneExample) spell(g *Graph, n *Node) error {
	for _, m := range g.Nodes {
		s := site{g, m}
		shape, err := s.infer()
		if err != nil {
			return n.errorf("%w", err)
		}
		name := m.Outputs[0]
		g.Values[name].Shape = shape
		r.varies[name] = slices.ContainsFunc(m.Inputs, func(in string) bool { return r.varies[in] })
	}
	for name, v := range g.Values {
		if r.from.Values[name] != nil {
			continue
		}
		c := v.Clone()
		if c.Const != nil {
			c.Shape = c.Const.Shape
		}
		r.from.Values[name] = c
		d := c.Clone()
		if r.varies[name] {
			d.Shape = oneExampleShape(c.Shape)
		}
		r.to.Values[name] = d
	}
	for _, m := range g.Nodes {
		if err := r.node(m); err != nil {
			return err
		}
	}
	return nil
}
