package linquant_test

import (
	"fmt"
	"log"

	"linquant/checkpoint"
	"linquant/quant"
	"linquant/tensor"
)

// From a file to integers: open a checkpoint, read one weight and quantize it to 4 bits with one scale per channel.
func Example() {
	f, err := checkpoint.Open("checkpoint/testdata/torch.zip.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	t, err := f.Tensor("strided")
	if err != nil {
		log.Fatal(err)
	}
	w, err := t.Float32s(nil)
	if err != nil {
		log.Fatal(err)
	}
	codes := make([]int8, len(w))
	p, err := quant.QuantizeSymmetric(codes, w, t.Shape, quant.Int(4), quant.Layout{Per: quant.PerChannel})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(w)
	fmt.Println(codes)
	fmt.Println(p.Scale)
	// Output:
	// [4 7 12 15 20 23]
	// [4 7 6 7 6 7]
	// [1 2.142857 3.2857144]
}

// The 5×5 tensor of docs/quantization.md at 2 bits: scale and zero point of its range, its codes, and the real values
// that they stand for.
func Example_affine() {
	x := []float32{
		0.0523, 0.6364, -0.0968, -0.0020, 0.1940,
		0.7500, 0.5507, 0.6188, -0.1734, 0.4677,
		-0.0669, 0.3836, 0.4297, 0.6267, -0.0695,
		0.1536, -0.0038, 0.6075, 0.6817, 0.0601,
		0.6446, -0.2500, 0.5376, -0.2226, 0.2333,
	}
	lo, hi, err := quant.Extremes(x)
	if err != nil {
		log.Fatal(err)
	}
	scale, zeroPoint, err := quant.AffineScale(lo, hi, quant.Int(2))
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
	fmt.Println("min", lo, "max", hi, "scale", scale, "zero point", zeroPoint)
	for row := 0; row < len(x); row += 5 {
		fmt.Printf("%2d  %5.2f\n", codes[row:row+5], back[row:row+5])
	}
	// Output:
	// min -0.25 max 0.75 scale 0.3333333333333333 zero point -1
	// [-1  1 -1 -1  0]  [ 0.00  0.67  0.00  0.00  0.33]
	// [ 1  1  1 -2  0]  [ 0.67  0.67  0.67 -0.33  0.33]
	// [-1  0  0  1 -1]  [ 0.00  0.33  0.33  0.67  0.00]
	// [-1 -1  1  1 -1]  [ 0.00  0.00  0.67  0.67  0.00]
	// [ 1 -2  1 -2  0]  [ 0.67 -0.33  0.67 -0.33  0.33]
}

// Two channels of very different size, at 4 bits: with one scale for both, the small one is rounded to nothing.
func Example_granularity() {
	w := []float32{
		1.40, -0.65, 0.20, 0.85,
		0.07, -0.05, 0.03, -0.01,
	}
	shape := tensor.Shape{2, 4}
	for _, layout := range []quant.Layout{
		{},
		{Per: quant.PerChannel},
		{Per: quant.PerGroup, GroupSize: 2},
	} {
		codes := make([]int8, len(w))
		p, err := quant.QuantizeSymmetric(codes, w, shape, quant.Int(4), layout)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("per %-7v %2d %2d  scales %.4f\n", layout.Per, codes[:4], codes[4:], p.Scale)
	}
	// Output:
	// per tensor  [ 7 -3  1  4] [ 0  0  0  0]  scales [0.2000]
	// per channel [ 7 -3  1  4] [ 7 -5  3 -1]  scales [0.2000 0.0100]
	// per group   [ 7 -3  2  7] [ 7 -5  7 -2]  scales [0.2000 0.1214 0.0100 0.0043]
}

// One output channel of the fully-connected demonstration, in integers: the bias, the folded zero point, the output.
func Example_layer() {
	input := quant.TensorParams(quant.Int(2), 0.281600009649992, -2)
	weight := quant.Params{Type: quant.Int(2), Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{0.24982}}
	output := quant.TensorParams(quant.Int(2), 0.46815229455629986, 0)
	codes := []int8{1, -1, 0, 1, 0, -1, -1, -1}

	bias := make([]int32, 1)
	if err := quant.QuantizeBias(bias, []float32{0.1954}, input, weight); err != nil {
		log.Fatal(err)
	}
	fmt.Println("bias", bias[0])

	layer, err := quant.NewLinear(codes, tensor.Shape{1, 8}, weight, []float32{0.1954}, input, output, quant.Torch)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("folded", layer.Bias[0])

	y := make([]int8, 1)
	if err := quant.Forward(layer, y, []int8{0, 1, 1, -1, 1, 1, -1, -1}); err != nil {
		log.Fatal(err)
	}
	m := quant.Torch.Multiplier(input.Scale[0], weight.Scale[0], output.Scale[0])
	fmt.Printf("multiplier %.5f, output code %d\n", m, y[0])
	// Output:
	// bias 3
	// folded -1
	// multiplier 0.15027, output code 0
}

// Where the conventions part: the accumulator 585 times the float32 nearest to 1/90 is a little more than 6.5. A product
// rounded to float32 is exactly 6.5, a tie, and goes to the even 6; in integers no product is rounded, and the code is 7.
func Example_tie() {
	out := quant.TensorParams(quant.Int(8), 1, 0)
	m := float64(float32(1) / 90)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		r, err := quant.NewRequantizer(c, []float64{m}, out)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c, r.Code(585, 0))
	}
	fmt.Printf("%.9f\n", 585*m)
	// Output:
	// onnx 6
	// torch 6
	// fixed 7
	// fixed-double 7
	// 6.500000157
}
