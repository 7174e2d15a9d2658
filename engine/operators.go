package engine

import "linquant/graph"

// lowering is how the nodes of an operator become steps, and in which order they take elements.
type lowering struct {
	reals, codes func(s *site) error // by what the node makes; codes is nil where graph.Check lets no node through
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
	graph.ClassUnary:     {(*site).floatUnary, (*site).integerUnary, alike},
	graph.ClassBinary:    {(*site).floatBinary, (*site).integerBinary, alike},
	graph.ClassReduction: {reals: (*site).reduce},
	graph.ClassReshape:   {(*site).rename, (*site).rename, anyOrder},
	graph.ClassBoundary:  {(*site).boundary, (*site).boundary, alike},
	graph.ClassJoin:      {(*site).concat, (*site).concat, alike},
	graph.ClassSelect:    {reals: (*site).where},
	graph.ClassResample:  {(*site).resize, (*site).resize, pictures},
}

var byOperator = map[graph.Op]lowering{
	graph.Conv:   {(*site).floatConv, (*site).integerConv, pictures},
	graph.Gemm:   {(*site).floatLinear, (*site).integerLinear, pictures},
	graph.MatMul: {(*site).floatLinear, (*site).integerLinear, anyOrder},

	graph.AveragePool:       {(*site).floatAverage, (*site).integerAverage, pictures},
	graph.GlobalAveragePool: {(*site).floatAverage, (*site).integerAverage, pictures},
	graph.MaxPool:           {(*site).maxPool, (*site).maxPool, pictures},
	graph.GlobalMaxPool:     {(*site).maxPool, (*site).maxPool, pictures},

	graph.BatchNormalization:    {reals: (*site).batchNorm},
	graph.InstanceNormalization: {reals: (*site).norm},
	graph.GroupNormalization:    {reals: (*site).norm},
	graph.LayerNormalization:    {reals: (*site).norm, reads: alike},
	graph.RMSNormalization:      {reals: (*site).norm, reads: alike},
	graph.Softmax:               {reals: (*site).softmax, reads: alike},
	graph.LogSoftmax:            {reals: (*site).softmax, reads: alike},

	graph.Identity:  {(*site).rename, (*site).rename, alike},
	graph.Dropout:   {(*site).rename, (*site).rename, alike},
	graph.Transpose: {(*site).transpose, (*site).transpose, anyOrder},
	graph.Slice:     {(*site).slice, (*site).slice, alike},
	graph.Pad:       {(*site).pad, (*site).pad, pictures},
	graph.Gather:    {(*site).pick, (*site).pick, pictures},
	graph.Expand:    {(*site).pick, (*site).pick, pictures},
	graph.Tile:      {(*site).pick, (*site).pick, pictures},
}
