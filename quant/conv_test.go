package quant_test

import (
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

// convCase is a convolution of codes with PyTorch's accumulators; input and output are [batch, channels, height,
// width].
type convCase struct {
	ZeroPoint   int32        `json:"zero_point"`
	Stride      int          `json:"stride"`
	Pad         int          `json:"pad"`
	InputShape  tensor.Shape `json:"input_shape"`
	Input       []int32      `json:"input"`
	WeightShape tensor.Shape `json:"weight_shape"`
	Weight      []int8       `json:"weight"`
	Bias        []int32      `json:"bias"`
	Folded      []int32      `json:"folded"`
	OutputShape tensor.Shape `json:"output_shape"`
	Accumulator []int32      `json:"accumulator"`
}

// TestConvolutionFolding checks that the folded bias makes a convolution of raw codes, padded with the zero point,
// right.
func TestConvolutionFolding(t *testing.T) {
	cases := readJSON[reference](t, "testdata/vectors.json").Conv
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		folded := make([]int32, len(c.Bias))
		if err := quant.FoldZeroPoint(folded, c.Bias, c.Weight, c.ZeroPoint); err != nil {
			t.Fatal(err)
		}
		equal(t, "folded bias", folded, c.Folded)
		equal(t, "accumulator", c.convolve(folded), c.Accumulator)
	}
}

// convolve is the definition of a convolution, over codes padded with the zero point.
func (c convCase) convolve(bias []int32) []int32 {
	var acc []int32
	outputs, kh, kw := c.WeightShape[0], c.WeightShape[2], c.WeightShape[3]
	channels := c.WeightShape[1]
	for n := range c.OutputShape[0] {
		for o := range outputs {
			for i := range c.OutputShape[2] {
				for j := range c.OutputShape[3] {
					sum := bias[o]
					for ch := range channels {
						for y := range kh {
							for x := range kw {
								code := c.at(n, ch, i*c.Stride+y-c.Pad, j*c.Stride+x-c.Pad)
								sum += code * int32(c.Weight[((o*channels+ch)*kh+y)*kw+x])
							}
						}
					}
					acc = append(acc, sum)
				}
			}
		}
	}
	return acc
}

// at returns an input code; outside the picture, the zero point.
func (c convCase) at(n, channel, y, x int) int32 {
	channels, height, width := c.InputShape[1], c.InputShape[2], c.InputShape[3]
	if y < 0 || x < 0 || y >= height || x >= width {
		return c.ZeroPoint
	}
	return c.Input[((n*channels+channel)*height+y)*width+x]
}
