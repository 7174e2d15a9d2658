package quant_test

import (
	"fmt"
	"log"

	"linquant/quant"
	"linquant/tensor"
)

// A small tensor at 2 bits: four codes, and a scale and zero point that spread its range over them.
func ExampleQuantize() {
	x := []float32{-1, -0.45, 0.2, 0.65, 1}
	scale, zeroPoint, err := quant.AffineScaleOf(x, quant.Int(2))
	if err != nil {
		log.Fatal(err)
	}
	p := quant.TensorParams(quant.Int(2), scale, zeroPoint)
	codes := make([]int8, len(x))
	if err := quant.Quantize(codes, x, nil, p); err != nil {
		log.Fatal(err)
	}
	back := make([]float32, len(x))
	if err := quant.Dequantize(back, codes, nil, p); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("scale %.4f, zero point %d\n", scale, zeroPoint)
	fmt.Println(codes)
	fmt.Printf("%.3f\n", back)
	// Output:
	// scale 0.6667, zero point 0
	// [-2 -1 0 1 1]
	// [-1.333 -0.667 0.000 0.667 0.667]
}

// Weights get one scale per output channel, so that a channel of small weights keeps its precision.
func ExampleSymmetricParams() {
	w := []float32{
		0.1, -0.4, 1.27,
		0.001, -0.002, 0.00254,
	}
	shape := tensor.Shape{2, 3}
	p, err := quant.SymmetricParams(w, shape, quant.Int(8), quant.Layout{Per: quant.PerChannel})
	if err != nil {
		log.Fatal(err)
	}
	codes := make([]int8, len(w))
	if err := quant.Quantize(codes, w, shape, p); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Scale)
	fmt.Println(codes[:3], codes[3:])
	// Output:
	// [0.01 2e-05]
	// [10 -40 127] [50 -100 127]
}

// A fully-connected layer that computes on integers alone.
func ExampleNewLinear() {
	input := quant.TensorParams(quant.Uint(8), 0.01, 128)
	output := quant.TensorParams(quant.Int(8), 0.02, 0)
	weight := quant.Params{Type: quant.Int(8), Scale: []float32{0.01}} // one scale for all
	layer, err := quant.NewLinear([]int8{100, -50, 25, 0}, tensor.Shape{2, 2}, weight,
		[]float32{0.1, -0.1}, input, output, quant.ONNX)
	if err != nil {
		log.Fatal(err)
	}

	x := make([]uint8, 2)
	if err := quant.Quantize(x, []float32{0.5, 1}, nil, input); err != nil {
		log.Fatal(err)
	}
	y := make([]int8, 2)
	if err := quant.Forward(layer, y, x); err != nil {
		log.Fatal(err)
	}
	values := make([]float32, 2)
	if err := quant.Dequantize(values, y, nil, output); err != nil {
		log.Fatal(err)
	}
	fmt.Println("codes", x, "to", y)
	fmt.Printf("values [0.50 1.00] to %.2f; exactly 0.10 and 0.025\n", values)
	// Output:
	// codes [178 228] to [5 1]
	// values [0.50 1.00] to [0.10 0.02]; exactly 0.10 and 0.025
}

// The four conventions differ where a value lies halfway between two codes: here 2.5 and -2.5, with zero point 1.
func ExampleConvention() {
	out := quant.TensorParams(quant.Int(8), 1, 1)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		r, err := quant.NewRequantizer(c, []float64{0.5}, out)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c, r.Code(5, 0), r.Code(-5, 0))
	}
	// Output:
	// onnx 3 -1
	// torch 4 -2
	// fixed 4 -1
	// fixed-double 4 -1
}
