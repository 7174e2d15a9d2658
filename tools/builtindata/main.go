// Builtindata writes the built-in data set to an npz file, for train_builtin.py: x_train and x_test (uint8, [N, 3, 32,
// 32]), y_train and y_test (int64, [N]).
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/internal/atomicfile"
	"linquant/tensor"
)

func main() {
	out := flag.String("o", "builtin.npz", "the file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "builtindata:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	var arrays []checkpoint.Output
	for _, split := range []string{"train", "test"} {
		set, err := builtin.Data(split)
		if err != nil {
			return err
		}
		x, y, err := read(set)
		if err != nil {
			return err
		}
		arrays = append(arrays, checkpoint.FromTensor("x_"+split, x), checkpoint.FromTensor("y_"+split, y))
	}
	return atomicfile.Write(path, func(w io.Writer) error { return checkpoint.WriteNPZ(w, arrays) })
}

// read draws the whole set.
func read(set *builtin.Set) (x, y tensor.Tensor, err error) {
	picture := make([]float32, 3*32*32)
	pixels := make([]uint8, 0, set.Len()*len(picture))
	labels := make([]int64, set.Len())
	for i := range labels {
		label, err := set.Read(context.Background(), i, picture)
		if err != nil {
			return x, y, err
		}
		labels[i] = int64(label)
		for _, v := range picture {
			pixels = append(pixels, uint8(v))
		}
	}
	if x, err = tensor.Of(append(tensor.Shape{set.Len()}, set.Shape()...), pixels); err != nil {
		return x, y, err
	}
	y, err = tensor.Of(tensor.Shape{set.Len()}, labels)
	return x, y, err
}
