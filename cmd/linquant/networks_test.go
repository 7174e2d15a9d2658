package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
)

// writeNetworkFixtures writes the files that the scripts about whole networks work on.
//
//	labelled.npz    the first images of the built-in test set, as bytes, with their labels
//	unlabelled.npz  the same without
//	named.npz       two of them as bytes, under the name of the network's input
//	pixels.npy      two of them as bytes, for run
//	floats.npy      the same two, divided by 255; floats.npz has their labels too
//	one.npy         the first of them
//	nan.npy         an input of nothing but NaN
//	rnn.npz         weights of a recurrent layer and of a convolution of one dimension, with what stands beside them
//	small.npz       images of 8×8 pixels
//	grey.npz        images of one grey
//	float.onnx      the built-in network
//	other.onnx      the same with other names
//	soup.onnx       the same with an operator that there is not
//	cut.onnx        the first half of it
func writeNetworkFixtures(dir string) error {
	const images, shown, size = 4, 2, 3 * 32 * 32
	set, err := builtin.Data(dataset.Test)
	if err != nil {
		return err
	}
	pixels, labels := make([]uint8, 0, images*size), make([]int32, images)
	real := make([]float32, size)
	for i := range labels {
		label, err := set.Read(context.Background(), i, real)
		if err != nil {
			return err
		}
		labels[i] = int32(label)
		for _, v := range real {
			pixels = append(pixels, uint8(v))
		}
	}
	floats := make([]float32, shown*size)
	for i := range floats {
		floats[i] = float32(pixels[i]) / 255
	}
	grey := bytes.Repeat([]uint8{128}, images*size)
	image := tensor.Shape{images, 3, 32, 32}
	network, err := exported()
	if err != nil {
		return err
	}
	// Replacements are as long as what they replace, or the file would not decode.
	const known, unknown = "GlobalAveragePool", "GlobalAverageSoup"
	renamed := network
	for old, name := range map[string]string{"backbone": "headbone", "avgpool": "avgpond", "flatten": "flotten", "classifier": "categorise"} {
		renamed = bytes.ReplaceAll(renamed, []byte(old), []byte(name))
	}
	err = writeFiles(dir, map[string]func(w io.Writer) error{
		"labelled.npz":   npzOf(arrayOf("x", image, pixels), arrayOf("y", tensor.Shape{images}, labels)),
		"unlabelled.npz": npzOf(arrayOf("x", image, pixels)),
		"small.npz":      npzOf(arrayOf("x", tensor.Shape{images, 3, 8, 8}, pixels[:images*3*8*8]), arrayOf("y", tensor.Shape{images}, labels)),
		"grey.npz":       npzOf(arrayOf("x", image, grey), arrayOf("y", tensor.Shape{images}, labels)),
		"pixels.npy":     npyOf(arrayOf("", tensor.Shape{shown, 3, 32, 32}, pixels[:shown*size])),
		"named.npz": npzOf(arrayOf("input", tensor.Shape{shown, 3, 32, 32}, pixels[:shown*size]),
			arrayOf("other", tensor.Shape{1}, []float32{1})),
		"rnn.npz": npzOf(arrayOf("rnn.weight_hh_l0", tensor.Shape{8, 2}, floats[:16]), arrayOf("rnn.bias_hh_l0", tensor.Shape{8}, floats[:8]),
			arrayOf("rnn.weight_ih_l0_reverse", tensor.Shape{8, 3}, floats[:24]), arrayOf("conv.weight", tensor.Shape{2, 3, 4}, floats[:24]),
			arrayOf("bn.running_mean", tensor.Shape{2, 1}, floats[:2])),
		"nan.npy":    npyOf(arrayOf("", tensor.Shape{3, 32, 32}, slices.Repeat([]float32{float32(nanValue())}, size))),
		"one.npy":    npyOf(arrayOf("", tensor.Shape{3, 32, 32}, pixels[:size])),
		"floats.npy": npyOf(arrayOf("", tensor.Shape{shown, 3, 32, 32}, floats)),
		"floats.npz": npzOf(arrayOf("x", tensor.Shape{shown, 3, 32, 32}, floats), arrayOf("y", tensor.Shape{shown}, labels[:shown])),
		"float.onnx": whole(network),
		"other.onnx": whole(renamed),
		"soup.onnx":  whole(bytes.ReplaceAll(network, []byte(known), []byte(unknown))),
		"cut.onnx":   whole(network[:len(network)/2]),
	})
	return errors.Join(err, writeImageFixtures(dir, pixels[:size]), writeModelFixtures(dir, network), writePreparedFixtures(dir), writePartFixtures(dir))
}

// arrayOf makes an array of elements that fill the shape.
func arrayOf[E tensor.Element](name string, shape tensor.Shape, elements []E) array {
	t, err := tensor.Of(shape, elements)
	if err != nil {
		panic(err)
	}
	return array{name, t}
}

func npyOf(a array) func(w io.Writer) error {
	return func(w io.Writer) error { return checkpoint.WriteNPY(w, a.Tensor) }
}

func npzOf(arrays ...array) func(w io.Writer) error {
	var outputs []checkpoint.Output
	for _, a := range arrays {
		outputs = append(outputs, checkpoint.FromTensor(a.name, a.Tensor))
	}
	return func(w io.Writer) error { return checkpoint.WriteNPZ(w, outputs) }
}

func whole(data []byte) func(w io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(data); return err }
}

// exported returns the built-in network as a float ONNX model.
func exported() ([]byte, error) {
	n, err := pipeline.Open(context.Background(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	var buf bytes.Buffer
	err = n.Export(&buf, onnx.ExportConfig{})
	return buf.Bytes(), err
}
