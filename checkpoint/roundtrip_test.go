package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	_ "linquant/internal/testing/seeds"
	"linquant/tensor"

	"pgregory.net/rapid"
)

// drawTensors draws tensors of the given types with any bytes: what a file holds is not interpreted.
func drawTensors(t *rapid.T, dtypes []tensor.DType) []tensor.Tensor {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tensor.Tensor {
		shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape"))
		dtype := rapid.SampledFrom(dtypes).Draw(t, "dtype")
		n, _ := shape.Elements()
		size := n * dtype.Size()
		data := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
		return tensor.Tensor{DType: dtype, Shape: shape, Data: data}
	}), 0, 5).Draw(t, "tensors")
}

func sortedValues(m map[string]tensor.DType) []tensor.DType { return slices.Sorted(maps.Values(m)) }

// checkRoundTrip writes tensors, opens the result, copies it through Tensor.Output and compares both with what went in.
func checkRoundTrip(t *rapid.T, in []tensor.Tensor, format Format, save func(w io.Writer, out []Output) error) {
	outputs := make([]Output, len(in))
	for i, x := range in {
		outputs[i] = FromTensor(fmt.Sprintf("layer/%d.wéight", i), x)
	}
	var first, second bytes.Buffer
	if err := save(&first, outputs); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(first.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if f.Format != format || len(f.Tensors()) != len(in) {
		t.Fatalf("%v with %d tensors, want %v with %d", f.Format, len(f.Tensors()), format, len(in))
	}
	copies := make([]Output, len(in))
	for i, x := range f.Tensors() {
		got, err := x.Read()
		if err != nil {
			t.Fatal(err)
		}
		want := in[i]
		if x.Name != outputs[i].Name || got.DType != want.DType || !got.Shape.Equal(want.Shape) ||
			!bytes.Equal(got.Data, want.Data) {
			t.Fatalf("tensor %d: wrote %v, read %q %v", i, want, x.Name, got)
		}
		copies[i] = x.Output()
	}
	if err := save(&second, copies); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatal("copying the file tensor by tensor changed it")
	}
}

func TestSafetensorsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metadata := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")
		in := drawTensors(t, sortedValues(safetensorsDTypes))
		checkRoundTrip(t, in, Safetensors, func(w io.Writer, out []Output) error {
			return WriteSafetensors(w, metadata, out)
		})
		var b bytes.Buffer
		if err := WriteSafetensors(&b, metadata, nil); err != nil {
			t.Fatal(err)
		}
		f, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(f.Metadata, metadata) {
			t.Fatalf("metadata %q came back as %q", metadata, f.Metadata)
		}
	})
}

func TestNPZRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkRoundTrip(t, drawTensors(t, sortedValues(npyDTypes)), NPZ, WriteNPZ)
	})
}

func TestNPYRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, x := range drawTensors(t, sortedValues(npyDTypes)) {
			checkOne := func(w io.Writer, out []Output) error {
				var b bytes.Buffer
				if err := out[0].Write(&b); err != nil {
					return err
				}
				return WriteNPY(w, tensor.Tensor{DType: out[0].DType, Shape: out[0].Shape, Data: b.Bytes()})
			}
			var b bytes.Buffer
			if err := checkOne(&b, []Output{FromTensor("", x)}); err != nil {
				t.Fatal(err)
			}
			f, err := openBytes(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Tensors()[0].Read()
			if err != nil || f.Tensors()[0].Name != arrayName || !got.Shape.Equal(x.Shape) || !bytes.Equal(got.Data, x.Data) {
				t.Fatalf("wrote %v, read %v, %v", x, got, err)
			}
		}
	})
}

func TestWriteErrors(t *testing.T) {
	f32 := counting("w", tensor.Float32, tensor.Shape{2, 3})
	delivering := func(n int) []Output {
		return []Output{{Name: "w", DType: tensor.Float32, Shape: tensor.Shape{2}, Write: func(w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		}}}
	}
	safetensors := func(out []Output) error { return WriteSafetensors(io.Discard, nil, out) }
	npz := func(out []Output) error { return WriteNPZ(io.Discard, out) }
	for _, c := range []struct {
		name  string
		save  func([]Output) error
		out   []Output
		words []string
	}{
		{"duplicate", safetensors, []Output{f32, f32}, []string{`"w"`, "two tensors"}},
		{"reserved", safetensors, []Output{counting("__metadata__", tensor.Int8, nil)}, []string{"reserved"}},
		{"empty name", npz, []Output{counting("", tensor.Int8, nil)}, []string{"no name"}},
		{"not UTF-8", npz, []Output{counting("\xff", tensor.Int8, nil)}, []string{"UTF-8"}},
		{"complex128", safetensors, []Output{counting("w", tensor.Complex128, nil)}, []string{`"w"`, "complex128"}},
		{"bfloat16", npz, []Output{counting("w", tensor.BFloat16, nil)}, []string{`"w"`, "bfloat16", "float32"}},
		{"float8", npz, []Output{counting("w", tensor.Float8E5M2, nil)}, []string{`"w"`, "float8_e5m2", "safetensors"}},
		{"rank", npz, []Output{counting("w", tensor.Int8, make(tensor.Shape, 65))}, []string{"65", "64"}},
		{"too few", safetensors, delivering(7), []string{`"w"`, "7 bytes", "8"}},
		{"too many", npz, delivering(9), []string{`"w"`, "more bytes"}},
		{"no function", npz, []Output{{Name: "w", DType: tensor.Int8}}, []string{"Output.Write"}},
		{"negative", npz, []Output{{Name: "w", DType: tensor.Int8, Shape: tensor.Shape{-1}}}, []string{"negative"}},
		{"no type", safetensors, []Output{{Name: "w"}}, []string{"invalid"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.save(c.out), c.words...) })
	}
}

func TestSafetensorsBytes(t *testing.T) {
	got := write(t, func(w io.Writer) error {
		return WriteSafetensors(w, map[string]string{"b": "<2>", "a": "1"},
			[]Output{counting("x", tensor.Uint8, tensor.Shape{3}), counting("s", tensor.BFloat16, nil)})
	})
	header := `{"__metadata__":{"a":"1","b":"<2>"},"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},` +
		`"s":{"dtype":"BF16","shape":[],"data_offsets":[3,5]}}`
	for len(header)%8 != 0 {
		header += " "
	}
	want := append(safetensorsFile(header, 3), 0, 1)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
