package netgen

import (
	"fmt"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// picks chooses and repeats elements.
func (b *generator) picks(x string, shape tensor.Shape) {
	axis := b.in(1, len(shape)-1, "axis")
	switch b.in(0, 3, "pick") {
	case 0:
		n := shape[axis]
		indices := rapid.SliceOfN(rapid.IntRange(-n, n-1), 1, 6).Draw(b.T, "indices")
		b.add(graph.Gather, graph.Attrs{"axis": axis, "indices": indices}, 0, x)
	case 1:
		target := []int{rapid.SampledFrom([]int{1, graph.Batch}).Draw(b.T, "batch")}
		for _, n := range shape[1:] {
			if n == 1 {
				n = b.in(1, 4, "times")
			}
			target = append(target, n)
		}
		b.add(graph.Expand, graph.Attrs{"shape": target}, 0, x)
	case 2:
		repeats := []int{1}
		for range shape[1:] {
			repeats = append(repeats, b.in(1, 2, "repeats"))
		}
		b.add(graph.Tile, graph.Attrs{"repeats": repeats}, 0, x)
	case 3:
		b.where(x, shape)
	}
}

// where takes elements of a value, of another or a constant, by a mask that is broadcast.
func (b *generator) where(x string, shape tensor.Shape) {
	if b.codes {
		return
	}
	own := append(tensor.Shape{1}, shape[1:]...)
	for d := range own {
		if b.yes("broadcast") {
			own[d] = 1
		}
	}
	n, _ := own.Elements()
	mask := make([]float32, n)
	for i := range mask {
		mask[i] = float32(b.between(0, 1))
	}
	name := fmt.Sprintf("mask%d", b.n)
	b.g.AddConst(name, mustTensor(own, mask))
	operands := []string{x, b.pick("operand")}
	if b.yes("constant") {
		operands[1] = b.operand(x, own)
	}
	if b.yes("exchanged") {
		operands[0], operands[1] = operands[1], operands[0]
	}
	b.add(graph.Where, nil, 0, append([]string{name}, operands...)...)
}
