package main

import (
	"fmt"
	"io"
	"slices"

	"linquant/figure"
	"linquant/internal/toy"
	"linquant/quant"
	"linquant/tensor"
)

// fcDemo computes the toy fully-connected layer in integers, as the original's test_quantized_fc does.
func fcDemo(w io.Writer, v toy.Vectors) (figure.Figure, error) {
	in := v.FC
	layer, err := quantizeFC(in)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "* Test quantized_fc()\n")
	fmt.Fprintf(w, "    target bitwidth: %d bits\n", in.FeatureBits)
	fmt.Fprintf(w, "      batch size: %d\n", len(in.Input))
	fmt.Fprintf(w, "      input channels: %d\n", layer.In)
	fmt.Fprintf(w, "      output channels: %d\n", layer.Out)
	c := &checks{w: w}
	values(c, "quantized weight", layer.Weight, in.QuantizedWeight)
	values(c, "quantized input", layer.input, in.QuantizedInput)
	values(c, "shifted bias", layer.Bias, [][]int32{in.ShiftedBias})
	values(c, "quantized output", layer.output, in.QuantizedOutput)
	if err := c.verdict("demo fc"); err != nil {
		return nil, err
	}
	return layer.draw(in)
}

// quantizedFC is the toy layer with everything that was computed on the way.
type quantizedFC struct {
	*quant.Linear
	weight                            quant.Params
	input, output                     []int8
	realWeight, realInput, realOutput []float32 // restored from the codes
}

func quantizeFC(in toy.FC) (*quantizedFC, error) {
	x, weight := slices.Concat(in.Input...), slices.Concat(in.Weight...)
	shape := tensor.Shape{len(in.Weight), len(in.Weight[0])}

	scale, zeroPoint, err := quant.AffineScaleOf(x, quant.Int(in.FeatureBits))
	if err != nil {
		return nil, err
	}
	input := quant.TensorParams(quant.Int(in.FeatureBits), scale, zeroPoint)
	l := &quantizedFC{}
	if l.input, l.realInput, err = roundTrip(x, input); err != nil {
		return nil, err
	}

	codes := make([]int8, len(weight))
	perChannel := quant.Layout{Per: quant.PerChannel}
	if l.weight, err = quant.QuantizeSymmetric(codes, weight, shape, quant.Int(in.WeightBits), perChannel); err != nil {
		return nil, err
	}
	l.realWeight = make([]float32, len(weight))
	if err := quant.Dequantize(l.realWeight, codes, shape, l.weight); err != nil {
		return nil, err
	}

	output := quant.TensorParams(quant.Int(in.FeatureBits), in.OutputScale, in.OutputZeroPoint)
	if l.Linear, err = quant.NewLinear(codes, shape, l.weight, in.Bias, input, output, quant.Torch); err != nil {
		return nil, err
	}
	l.output = make([]int8, len(in.Input)*l.Out)
	if err := quant.Forward(l.Linear, l.output, l.input); err != nil {
		return nil, err
	}
	l.realOutput = make([]float32, len(l.output))
	return l, quant.Dequantize(l.realOutput, l.output, nil, output)
}

// draw lays out weight, input and output: as they were, as integers, and restored. A batch is drawn with one sample a
// column.
func (l *quantizedFC) draw(in toy.FC) (figure.Figure, error) {
	bits := func(what string) string { return fmt.Sprintf("%d-bit quantized %s", in.FeatureBits, what) }
	samples := func(x []float32, columns int) [][]float64 { return transpose(grid(x, columns)) }
	return figure.Matrices("", [][]figure.Matrix{
		{
			plain("original weight", grid(slices.Concat(in.Weight...), l.In)),
			codes(fmt.Sprintf("%d-bit quantized weight", in.WeightBits), grid(l.Weight, l.In), quant.Int(in.WeightBits)),
			reals("reconstructed weight", grid(l.realWeight, l.In)),
		},
		{
			plain("original input", samples(slices.Concat(in.Input...), l.In)),
			codes(bits("input"), transpose(grid(l.input, l.In)), quant.Int(in.FeatureBits)),
			reals("reconstructed input", samples(l.realInput, l.In)),
		},
		{
			plain("original output", samples(floatFC(in), l.Out)),
			codes("quantized output (integer layer)", transpose(grid(l.output, l.Out)), quant.Int(in.FeatureBits)),
			reals("reconstructed output", samples(l.realOutput, l.Out)),
		},
	})
}

// floatFC computes the layer in floating point.
func floatFC(in toy.FC) []float32 {
	var y []float32
	for _, x := range in.Input {
		for o, row := range in.Weight {
			sum := float64(in.Bias[o])
			for i, w := range row {
				sum += float64(float64(x[i]) * float64(w))
			}
			y = append(y, float32(sum))
		}
	}
	return y
}
