package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/internal/toy"
	"linquant/tensor"
)

// writeFixtures writes the files that the scripts work on: x.npy, the demonstration's 5×5 tensor; vgg.safetensors, a
// VGG of a few channels; module.safetensors, the same as DataParallel names it; nan.safetensors, with a weight that has
// a NaN; huge.safetensors, with weights near the end of float32's range; names.safetensors, with odd names; and files of
// torch.save with several parts: ema.pt, generator_discriminator.pt, numpy_params_batch_stats.pt.
func writeFixtures(dir string) error {
	rows := toy.Load().Linear.Tensor
	x, err := tensor.Of(tensor.Shape{len(rows), len(rows[0])}, slices.Concat(rows...))
	if err != nil {
		return err
	}
	nan, err := tensor.Of(tensor.Shape{1, 2}, []float32{1, float32(nanValue())})
	if err != nil {
		return err
	}
	files := map[string]func(w io.Writer) error{
		"x.npy": func(w io.Writer) error { return checkpoint.WriteNPY(w, x) },
		"nan.safetensors": func(w io.Writer) error {
			return checkpoint.WriteSafetensors(w, nil, []checkpoint.Output{checkpoint.FromTensor("fc.weight", nan)})
		},
		"huge.safetensors":   writeHuge,
		"names.safetensors":  writeNames,
		"vgg.safetensors":    func(w io.Writer) error { return writeVGG(w, "") },
		"module.safetensors": func(w io.Writer) error { return writeVGG(w, "module.") },
	}
	for _, name := range []string{"ema.pt", "generator_discriminator.pt", "numpy_params_batch_stats.pt"} {
		files[name] = func(w io.Writer) error {
			b, err := os.ReadFile(filepath.Join("../../checkpoint/testdata/nested", name))
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		}
	}
	return writeFiles(dir, files)
}

func writeFiles(dir string, files map[string]func(w io.Writer) error) error {
	for name, write := range files {
		var buf bytes.Buffer
		if err := write(&buf); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), buf.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func nanValue() float64 { zero := 0.0; return zero / zero }

func writeHuge(w io.Writer) error {
	t, err := tensor.Of(tensor.Shape{2, 2}, []float32{3e38, -3e38, 3.4e38, 1})
	if err != nil {
		return err
	}
	return checkpoint.WriteSafetensors(w, nil, []checkpoint.Output{checkpoint.FromTensor("fc.weight", t)})
}

func writeNames(w io.Writer) error {
	one, err := tensor.Of(tensor.Shape{1, 1}, []float32{1})
	if err != nil {
		return err
	}
	none, err := tensor.Of(tensor.Shape{0, 3}, []float32{})
	if err != nil {
		return err
	}
	return checkpoint.WriteSafetensors(w, nil, []checkpoint.Output{
		checkpoint.FromTensor("encoder/0/weight", one),
		checkpoint.FromTensor("\x1b[31mred.weight", one),
		checkpoint.FromTensor("pruned.weight", none),
	})
}

// writeVGG writes a VGG with 4 to 8 channels and reproducible weights.
func writeVGG(w io.Writer, prefix string) error {
	var outputs []checkpoint.Output
	add := func(name string, shape ...int) error {
		n, err := tensor.Shape(shape).Elements()
		if err != nil {
			return err
		}
		x := ramp(n)
		if strings.HasSuffix(name, "running_var") {
			for i := range x {
				x[i] = 1 + x[i]/2 // a variance is not negative
			}
		}
		t, err := tensor.Of(shape, x)
		outputs = append(outputs, checkpoint.FromTensor(prefix+name, t))
		return err
	}
	in := 3
	for i, out := range []int{4, 4, 6, 6, 8, 8, 8, 8} {
		if err := add(fmt.Sprintf("backbone.conv%d.weight", i), out, in, 3, 3); err != nil {
			return err
		}
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			if err := add(fmt.Sprintf("backbone.bn%d.%s", i, name), out); err != nil {
				return err
			}
		}
		in = out
	}
	if err := add("classifier.weight", 10, in); err != nil {
		return err
	}
	if err := add("classifier.bias", 10); err != nil {
		return err
	}
	return checkpoint.WriteSafetensors(w, nil, outputs)
}

// ramp returns n values that cover (-1, 1) in a scrambled order.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*37%101-50) / 51
	}
	return x
}
