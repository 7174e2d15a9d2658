package tensor_test

import (
	"fmt"

	"linquant/tensor"
)

func Example() {
	// A tensor is bytes with a type and a shape; a typed slice becomes one, and comes back, without copying.
	t, err := tensor.Of(tensor.Shape{2, 3}, []int8{1, 2, 3, -4, -5, -6})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.DType, t.Shape, t.Data)
	codes, _ := tensor.As[int8](t)
	fmt.Println(codes)
	real, _ := t.Float32s()
	fmt.Println(real)

	_, err = tensor.Of(tensor.Shape{2, 2}, codes)
	fmt.Println(err)
	// Output:
	// int8 [2, 3] [1 2 3 252 251 250]
	// [1 2 3 -4 -5 -6]
	// [1 2 3 -4 -5 -6]
	// int8 tensor of shape [2, 2] needs 4 elements of 1 bytes, have 6 bytes
}

func ExampleFloat32ToFloat16() {
	h := tensor.Float32ToFloat16(0.1)
	fmt.Printf("%#04x %v\n", h, tensor.Float16ToFloat32(h))
	// Output: 0x2e66 0.099975586
}
