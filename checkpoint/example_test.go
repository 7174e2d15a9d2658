package checkpoint_test

import (
	"bytes"
	"fmt"

	"linquant/checkpoint"
	"linquant/tensor"
)

// A checkpoint is opened by its content, its tensors are listed without being read, and then read one by one.
func ExampleOpen() {
	f, err := checkpoint.Open("testdata/torch.legacy.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Println(f.Format)
	for _, t := range f.Tensors()[:2] {
		values, err := t.Float32s(nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(t.Name, t.DType, t.Shape, len(values))
	}

	// Output:
	// pytorch-legacy
	// contiguous float32 [6, 4] 24
	// transposed float32 [4, 6] 24
}

// Files are written from any number of tensors; each writes its elements when its turn has come.
func ExampleWriteSafetensors() {
	weight, err := tensor.Of(tensor.Shape{1, 3}, []float32{1, 0.5, -2})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	metadata := map[string]string{"made": "by hand"}
	err = checkpoint.WriteSafetensors(&file, metadata, []checkpoint.Output{checkpoint.FromTensor("fc.weight", weight)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", file.Bytes()[8:file.Len()-12])
	// Output: {"__metadata__":{"made":"by hand"},"fc.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}
}
