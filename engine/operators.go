package engine

import "linquant/graph"

// lowering is how the nodes of an operator become steps, and in which order they take elements.
type lowering struct {
	reals, codes func(s *lowerer) error // by what the node makes; codes is nil where graph.Check lets no node through
	reads        reading
}

// reading is in which order the nodes of an operator take the elements of values and give them.
type reading uint8

const (
	pictures reading = iota // channels last where a value has three dimensions
	alike                   // as they lie, and gives them alike
	anyOrder                // from any order to any other
)

// loweringOf returns the lowering of an operator: its own, or that of its class.
func loweringOf(op graph.Op) (l lowering, ok bool) {
	if l, ok = byOperator[op]; ok {
		return l, true
	}
	if row, known := graph.Lookup(op); known {
		l, ok = byClass[row.Class]
	}
	return l, ok
}

// byClass has what all operators of a class have in common. A function of elements needs no more than its row in graph.
var byClass = map[graph.Class]lowering{
	graph.ClassUnary:     {(*lowerer).floatUnary, (*lowerer).integerUnary, alike},
	graph.ClassBinary:    {(*lowerer).floatBinary, (*lowerer).integerBinary, alike},
	graph.ClassReduction: {reals: (*lowerer).reduce},
	graph.ClassReshape:   {(*lowerer).rename, (*lowerer).rename, anyOrder},
	graph.ClassBoundary:  {(*lowerer).boundary, (*lowerer).boundary, alike},
	graph.ClassJoin:      {(*lowerer).concat, (*lowerer).concat, alike},
	graph.ClassSelect:    {reals: (*lowerer).where, reads: anyOrder},
	graph.ClassReference: {reals: (*lowerer).reference, reads: anyOrder},
	graph.ClassResample:  {(*lowerer).resize, (*lowerer).resize, pictures},
}

var byOperator = map[graph.Op]lowering{
	graph.Conv:   {(*lowerer).floatConv, (*lowerer).integerConv, pictures},
	graph.Gemm:   {(*lowerer).floatLinear, (*lowerer).integerLinear, pictures},
	graph.MatMul: {(*lowerer).floatLinear, (*lowerer).integerLinear, anyOrder},

	graph.AveragePool:       {(*lowerer).floatAverage, (*lowerer).integerAverage, pictures},
	graph.GlobalAveragePool: {(*lowerer).floatAverage, (*lowerer).integerAverage, pictures},
	graph.MaxPool:           {(*lowerer).maxPool, (*lowerer).maxPool, pictures},
	graph.GlobalMaxPool:     {(*lowerer).maxPool, (*lowerer).maxPool, pictures},

	graph.BatchNormalization:    {reals: (*lowerer).batchNorm},
	graph.InstanceNormalization: {reals: (*lowerer).norm},
	graph.GroupNormalization:    {reals: (*lowerer).norm},
	graph.LayerNormalization:    {reals: (*lowerer).norm, reads: alike},
	graph.RMSNormalization:      {reals: (*lowerer).norm, reads: alike},
	graph.Softmax:               {reals: (*lowerer).softmax, reads: alike},
	graph.LogSoftmax:            {reals: (*lowerer).softmax, reads: alike},

	graph.Identity:  {(*lowerer).rename, (*lowerer).rename, alike},
	graph.Dropout:   {(*lowerer).rename, (*lowerer).rename, alike},
	graph.Transpose: {(*lowerer).transpose, (*lowerer).transpose, anyOrder},
	graph.Slice:     {(*lowerer).slice, (*lowerer).slice, alike},
	graph.Pad:       {(*lowerer).pad, (*lowerer).pad, pictures},
	graph.Gather:    {(*lowerer).pick, (*lowerer).pick, pictures},
	graph.Expand:    {(*lowerer).pick, (*lowerer).pick, pictures},
	graph.Tile:      {(*lowerer).pick, (*lowerer).pick, pictures},
}
