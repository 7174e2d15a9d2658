package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// tiles reports whether every input pixel becomes a tile of the output by itself, as in the decoder of a U-Net: strides
// as long as the kernel, nothing cut off, one group, and a bias that is known. Where the weight is quantized, a
// QuantizeLinear should be right behind the Conv, and the tiles' way into place would be between.
func (t *transposed2d) tiles() bool {
	_, dequantize, _ := weightOf(t.Node, t.Raw.Inputs[1])
	bias, _, known := weightOf(t.Node, t.Raw.Input(2))
	known = t.Raw.Input(2) == "" || known && len(bias.Shape) == 1 && bias.Shape[0] == t.weight.Shape[1]
	return known && dequantize == nil && !t.flat && t.group == 1 &&
		t.strides == t.kernel && t.dilations == [2]int{1, 1} && t.kernel != [2]int{1, 1} &&
		t.before == [2]int{t.kernel[0] - 1, t.kernel[1] - 1} && t.after == [2]int{}
}

// tiled makes a pixel's tile in channels, by a 1×1 Conv without the products with zeros, and moves it into place.
func tiled(s build.Node, t *transposed2d, x string, shape []int) error {
	in, out, area := t.weight.Shape[0], t.weight.Shape[1], t.kernel[0]*t.kernel[1]
	channel := func(i int) int { return i / area }
	weight, err := reordered(s, t.Raw.Inputs[1], "tile", tensor.Shape{out * area, in, 1, 1}, func(i int) int {
		return i%in*out*area + i/in // [out, kernel][in] of [in][out, kernel]
	}, channel)
	if err != nil {
		return err
	}
	inputs := []string{x, weight}
	if b := s.Raw.Input(2); b != "" {
		if b, err = reordered(s, b, "bias", tensor.Shape{out * area}, channel, channel); err != nil {
			return err
		}
		inputs = append(inputs, b)
	}
	if x, err = s.Insert("conv", graph.Conv, graph.Attrs{}, inputs...); err != nil {
		return err
	}
	n, kh, kw, h, w := shape[0], t.kernel[0], t.kernel[1], shape[2], shape[3]
	s.Raw.Inputs = []string{x}
	return rearrange(s, []int{n, out, kh, kw, h, w}, []int{0, 1, 4, 2, 5, 3}, []int{n, out, product(h, kh), product(w, kw)})
}
