package engine

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/ended"
	"linquant/internal/gemm"
	"linquant/quant"
	"linquant/tensor"
)

// maxElements bounds one value of one example, so that tables of offsets fit 32 bits and the memory of a machine.
const maxElements = 1 << 27

// Compile makes a program of a network, float or quantized. It computes what depends on constants alone, and leaves g
// as it is. The program does not refer to the memory of g's constants.
//
// Errors name the node and what to do: a graph that is not well formed, an operator that cannot run, an integer layer
// whose sums of products could leave int32 (each output channel's exact interval is computed), a value to keep that does not
// exist, instructions that this processor lacks. A ctx that is done ends it with ctx's error.
func Compile(ctx context.Context, g *graph.Graph, cfg Config) (*Program, error) {
	c, err := compile(ctx, g, cfg, false)
	if err != nil {
		return nil, err
	}
	return c.program(cfg), nil
}

// Check returns the errors with which Compile refuses the network, but for tables that would be too large, and what in it
// would run in floating point (Program.Islands). It makes none of these tables.
func Check(ctx context.Context, g *graph.Graph, cfg Config) ([]Island, error) {
	c, err := compile(ctx, g, cfg, true)
	if err != nil {
		return nil, err
	}
	return c.islands, nil
}

// compile makes the steps and packs their weights.
func compile(ctx context.Context, g *graph.Graph, cfg Config, dry bool) (*compiler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	tier, err := cfg.tier()
	if err != nil {
		return nil, err
	}
	if g, err = graph.Resolve(ctx, g, len(cfg.Keep) > 0 || cfg.KeepAll); err != nil {
		return nil, err
	}
	var whole map[string]*graph.Value
	if g.Whole() {
		whole = g.Values
		if g, err = graph.OneExample(g); err != nil {
			return nil, err
		}
	}
	c := &compiler{
		ctx: ctx, dry: dry, g: g, whole: whole, tier: tier, threads: cfg.threads(), keep: map[string]bool{}, keepAll: cfg.KeepAll, consumers: g.Consumers(),
		quantized: quantized(g), places: map[string]*place{}, folded: map[*graph.Node]bool{}, layout: layoutOf(g), users: map[*buffer][]use{},
		plans: map[windowPlan]func() []*gemm.Int8Windows{}, room: roomFor(graph.Parameters(g)), floatPlans: map[floatPlan]*gemm.Windows{}, realConstants: map[string][]float32{},
		quantizers: map[*place]*quantizeStep{}, outs: map[string]bool{},
	}
	for _, name := range g.Outputs {
		c.outs[name] = true
	}
	if !dry {
		c.steps = make([]step, 0, len(g.Nodes)+len(g.Inputs)+len(g.Outputs))
	}
	for _, name := range cfg.Keep {
		if g.Values[name] == nil {
			return nil, fmt.Errorf("no value %q to keep: the network has none of that name", name)
		}
		c.keep[name] = true
	}
	if err := c.lower(); err != nil {
		return nil, err
	}
	return c, c.pack()
}

// quantized reports whether the network computes with codes: constants that are dequantized are not enough.
func quantized(g *graph.Graph) bool {
	for _, v := range g.Values {
		if v.Quant != nil && v.Const == nil {
			return true
		}
	}
	return false
}

// compiler turns a graph into steps.
type compiler struct {
	ctx       context.Context // of the call that compiles
	g         *graph.Graph
	whole     map[string]*graph.Value // the values as a network has them that takes its whole input as one example; else nil
	tier      cpu.Tier
	threads   int
	keep      map[string]bool
	keepAll   bool
	quantized bool
	consumers map[string][]*graph.Node

	inputs, outputs []IO
	outs            map[string]bool   // the outputs' names
	places          map[string]*place // of values, as they lie between steps
	layout          layout
	folded          map[*graph.Node]bool // nodes that became part of the layer before them
	steps           []step
	users           map[*buffer][]use // the steps that read and write a buffer and its parts
	kept            []*place          // kept values that need no step
	islands         []Island
	jobs            []packing // which may run concurrently
	plans           map[windowPlan]func() []*gemm.Int8Windows
	planned         atomic.Int64 // bytes of those
	floatPlans      map[floatPlan]*gemm.Windows
	realConstants   map[string][]float32 // that layers read; copies, where the file has them elsewhere than processors want them
	packs           packs
	quantizers      map[*place]*quantizeStep // of reals to codes, by what they make
	room            room
	dry             bool // nothing is run: no tables are made
	dynamic         map[dynamicKey]*quantizedInput
	weights         int64 // bytes of constants
}

func (c *compiler) lower() error {
	if len(c.g.Inputs) == 0 || len(c.g.Outputs) == 0 {
		return fmt.Errorf("a network has inputs and outputs, this graph has %d and %d", len(c.g.Inputs), len(c.g.Outputs))
	}
	for i, name := range c.g.Inputs {
		if err := c.input(i, name); err != nil {
			return err
		}
	}
	for _, n := range c.g.Nodes {
		if c.folded[n] {
			continue
		}
		if err := ended.Err(c.ctx); err != nil {
			return err
		}
		if err := c.node(n); err != nil {
			return err
		}
	}
	for i, name := range c.g.Outputs {
		if err := c.output(i, name); err != nil {
			return err
		}
	}
	return c.checkOrders()
}

// wide notes a step that quantizes a value, for layers that want its pixels wider (quantizesWide).
func (c *compiler) wide(s *step) {
	if k, ok := s.kernel.(*quantizeStep); ok {
		c.quantizers[k.to] = k
	}
}

// checkOrders returns an error where a step that computes each element from those in the same place has operands that
// lie otherwise: its numbers would be wrong.
func (c *compiler) checkOrders() error {
	for i := range c.steps {
		k := &c.steps[i]
		for _, p := range k.in {
			if k.inPlace && (p.order != k.out[0].order || p.row() > 0 || k.out[0].row() > 0) {
				return fmt.Errorf("%v %q reads %q in the order %v and makes %v: this is a fault of linquant, please report it",
					k.Op, k.Node, p.name, p.order, k.out[0].order)
			}
		}
	}
	return nil
}

// place makes a place for a value as it lies between steps.
func (c *compiler) place(v *graph.Value) (*place, error) {
	if len(v.Shape) == 0 || v.Shape[0] != graph.Batch {
		return nil, fmt.Errorf("value %q has the shape %v: the first dimension of what depends on an input is graph.Batch",
			v.Name, v.Shape)
	}
	return newPlace(v.Name, v.Shape[1:], c.layout[v.Name], v.Quant)
}

// newPlace makes a place for a value of that shape of one example.
func newPlace(name string, shape tensor.Shape, o order, q *quant.Params) (*place, error) {
	n, err := shape.Elements()
	if err != nil {
		return nil, fmt.Errorf("value %q: %w", name, err)
	}
	if len(shape) > maxRank {
		return nil, fmt.Errorf("value %q has %d dimensions an example: use at most %d", name, len(shape), maxRank)
	}
	if n == 0 || n > maxElements {
		return nil, fmt.Errorf("value %q has %d elements an example: use 1 to %d", name, n, maxElements)
	}
	p := &place{name: name, shape: shape, n: n, order: o, quant: q, input: -1}
	p.buffer = &buffer{n: n, float: q == nil}
	if q != nil {
		if len(q.Scale) != 1 || q.Type.Bits > 8 {
			return nil, fmt.Errorf("value %q has %d scales and codes of type %v: an activation has one scale and 2 to 8 bits",
				name, len(q.Scale), q.Type)
		}
		p.flip = flipOf(q.Type)
	}
	return p, nil
}

// like makes a place for an intermediate result that lies as p does.
func like(p *place, q *quant.Params) *place {
	t := *p
	t.quant, t.flip, t.input, t.codes, t.floats, t.first = q, 0, -1, nil, nil, 0
	if q != nil {
		t.flip = flipOf(q.Type)
	}
	t.buffer = &buffer{n: p.n, float: q == nil}
	return &t
}

// emit appends a step. The first output is what it is named after.
func (c *compiler) emit(n *graph.Node, k kernel, s step) {
	s.kernel = k
	out := s.out[0]
	s.Value, s.Shape = out.name, out.shape
	if s.Op == "" {
		s.Op = string(n.Op)
	}
	s.Node = n.Label()
	if out.quant != nil {
		s.Kind = Integer
	}
	c.wide(&s)
	if c.dry {
		c.steps = c.steps[:0] // the last one is enough
	}
	c.steps = append(c.steps, s)
	c.uses(s.in...)
	c.uses(s.out...)
}

// done makes a computed value known to the nodes that read it, and to Trace.
func (c *compiler) done(name string, p *place) {
	c.places[name] = p
	if c.keep[name] || c.keepAll {
		c.keepPlace(name, p)
	}
}

// keepPlace lets Trace see a value from the last step on.
func (c *compiler) keepPlace(name string, p *place) {
	shown := *p
	shown.name, shown.kind = name, c.typeOf(name)
	if len(c.steps) == 0 {
		c.kept = append(c.kept, &shown)
		return
	}
	last := &c.steps[len(c.steps)-1]
	last.kept = append(last.kept, &shown)
}

// hidden reports whether a value between a node and its only reader may stay uncomputed.
func (c *compiler) hidden(name string) bool {
	return len(c.consumers[name]) == 1 && !c.outs[name] && !c.keep[name] && !c.keepAll
}

// program plans the memory and makes the program.
func (c *compiler) program(cfg Config) *Program {
	codes, floats := plan(c.steps)
	p := &Program{
		inputs: c.inputs, outputs: c.outputs, steps: c.steps, kept: c.kept, islands: c.islands,
		threads: cfg.threads(), tier: c.tier,
	}
	var most need
	for i := range p.steps {
		p.macs += p.steps[i].MACs
		most.grow(p.steps[i].need)
		if k, ok := p.steps[i].kernel.(*codeWindows); ok {
			c.weights += k.biases()
		}
	}
	p.heavyFirst, p.heavyEnd = group(p.steps)
	p.memory = Memory{
		Group:       p.groupSize(),
		Weights:     c.weights + c.planned.Load(),
		Activations: int64(codes) + 4*int64(floats),
		Scratch:     int64(most.codes) + 4*int64(most.floats) + 4*int64(most.sums),
	}
	p.shares = divide(p.steps, p.threads, defaultThresholds())
	ins, outs := len(p.inputs), len(p.outputs)
	p.pool = newPool(cfg.states(), func() *state {
		return &state{
			codes: make([]byte, codes), floats: make([]float32, floats),
			scratch: scratch{codes: make([]byte, most.codes), floats: make([]float32, most.floats), sums: make([]int32, most.sums)},
			in:      make([][]float32, ins), out: make([][]float32, outs),
		}
	})
	return p
}

// node lowers one node.
func (c *compiler) node(n *graph.Node) error {
	v := c.g.Values[n.Outputs[0]]
	if v.Const != nil {
		return nil
	}
	if !slices.ContainsFunc(n.Inputs, func(name string) bool { return name != "" && c.g.Values[name].Const == nil }) {
		return fmt.Errorf("%v reads constants only, and computing it beforehand, with the nodes before it, takes too much time or "+
			"memory for a network of this size: compute it where the model is made", n)
	}
	s := &lowerer{compiler: c, n: n, in: make([]*place, len(n.Inputs)), value: n.Outputs[0]}
	var err error
	if s.out, err = c.place(v); err != nil {
		return err
	}
	for i, name := range n.Inputs {
		if name != "" && c.g.Values[name].Const == nil {
			if s.in[i] = c.places[name]; s.in[i] == nil {
				return fmt.Errorf("%v reads %q before any node makes it: sort the nodes", n, name)
			}
			if s.in[i], err = c.together(n, name, c.loaded(n, s.in[i])); err != nil {
				return err
			}
		}
	}
	return s.lower()
}
