package ptq

import (
	"linquant/graph"
	"linquant/quant"
)

// NetworkReport is what the quantization of a network came to.
type NetworkReport struct {
	Layers      []LayerReport // those with integer weights, in the order in which they run
	Activations []Activation  // the values of Points in order, then the constants that an Add or Mul reads
	Float       []Island      // what stays in floating point

	WeightMethod string // that codes of weights were made by
	Examples     int    // that layers were shown; 0 where the method watches none
	Memory       int64  // that examples took at most, in bytes
	Resumed      int    // layers that were finished before (Config.Resume)

	FloatBytes  int64 // of all weights, biases and other constants of the float network
	WeightBytes int64 // of the quantized network's, as they are stored: codes one to a byte, with their scales
	PackedBytes int64 // the same with the codes of weights packed at their bits (quant.PackedRows)
}

// LayerReport is what the quantization of one Conv, Gemm or MatMul came to; under Dynamic also of a weight of a recurrent layer, which has
// several, and of the table of a Gather.
type LayerReport struct {
	Node   string // its name, or that of its output where it has none
	Op     graph.Op
	Bits   int // of the weight
	Per    quant.Granularity
	Weight Layer // of the weight alone

	PackedBytes int64 // of the weight: its codes packed at their bits, and its scales
	BiasBytes   int64

	Shown   int // examples that its method was shown; 0 where it looked at the weights alone
	Samples int // of its inputs, that Reconstruct chose codes by
	Inputs  int // of one output, that Reconstruct told apart by these

	// Constant says that its inputs, or those of one of its groups, are the same in all samples: these tell nothing about its weights, which
	// were rounded.
	Constant bool

	// Raised is the number of output channels whose weight scale was made larger, so that a bias which is enormous
	// beside the weights fits an int32.
	Raised int

	Input, Output Activation // zero where the layer is dynamic

	Dynamic bool // it quantizes its input while it runs, and makes reals
	Stored  bool // its weight is stored as codes and computed with as the reals that they stand for
}

// FileBytes returns the bytes of the weight in an ONNX file, codes and scales: codes take a byte each there, and with int4 those of up to 4
// bits half of one.
func (l LayerReport) FileBytes(int4 bool) int64 {
	if !int4 || l.Bits > 4 {
		return l.Weight.Bytes
	}
	n, _ := l.Weight.Shape.Elements() // as there are codes
	return l.Weight.Bytes - int64(n/2)
}

// Island is a node that stays in floating point.
type Island struct {
	Node   string
	Op     graph.Op
	Reason string
}

// watched fills in what the method was and saw.
func (r *NetworkReport) watched(p *plan) {
	r.WeightMethod = p.cfg.WeightMethod.String()
	if p.watcher != nil {
		r.Examples, r.Memory = p.watcher.examples, p.watcher.held
	}
	if p.finished != nil {
		r.Resumed = p.finished.taken
	}
}

// total adds up the bytes of all constants that the nodes of the two networks read.
func (r *NetworkReport) total(from, to *graph.Graph) {
	r.FloatBytes, _ = ConstantBytes(from)
	r.WeightBytes, r.PackedBytes = ConstantBytes(to)
}

// ConstantBytes returns the bytes of all constants that nodes read, of a network in floats or in integers: as they are
// stored, codes one to a byte, with their scales, and zero points where they are not all 0; and with the codes of fewer
// than 8 bits packed (quant.PackedRows).
func ConstantBytes(g *graph.Graph) (stored, packed int64) {
	for name := range constants(g) {
		v := g.Value(name)
		stored += storedBytes(v)
		packed += packedBytes(v)
	}
	return stored, packed
}

// constants returns the names of the constants that nodes read.
func constants(g *graph.Graph) map[string]bool {
	found := map[string]bool{}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			if isConst(g, in) {
				found[in] = true
			}
		}
	}
	return found
}
