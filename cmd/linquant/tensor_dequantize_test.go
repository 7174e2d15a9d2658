package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/tensor"
)

// TestIntegersOfAnyWidth reads what NumPy makes of a number without a type, and what others take for it.
func TestIntegersOfAnyWidth(t *testing.T) {
	of := func(name string, x any) checkpoint.Output {
		var v tensor.Tensor
		var err error
		shape := tensor.Shape{2}
		switch x := x.(type) {
		case []int64:
			v, err = tensor.Of(shape, x)
		case []int32:
			v, err = tensor.Of(shape, x)
		case []int16:
			v, err = tensor.Of(shape, x)
		case []int8:
			v, err = tensor.Of(shape, x)
		case []uint8:
			v, err = tensor.Of(shape, x)
		case []float32:
			v, err = tensor.Of(shape, x)
		}
		if err != nil {
			t.Fatal(err)
		}
		return checkpoint.FromTensor(name, v)
	}
	var buf bytes.Buffer
	err := checkpoint.WriteNPZ(&buf, []checkpoint.Output{
		of("int64", []int64{1, -2}), of("int32", []int32{1, -2}), of("int16", []int16{1, -2}), of("int8", []int8{1, -2}),
		of("uint8", []uint8{1, 254}), of("float32", []float32{1, -2}),
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.New(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "x.npz")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"int64", "int32", "int16", "int8", "uint8"} {
		want := []int64{1, -2}
		if name == "uint8" {
			want[1] = 254
		}
		if got, err := integers(f, name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := integers(f, "float32"); err == nil || !strings.Contains(err.Error(), "x.npz: array float32: it has float32 and not integers; convert it with astype('int64')") {
		t.Errorf("float32: %v", err)
	}
}
