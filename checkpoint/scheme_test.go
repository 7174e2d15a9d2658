package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
	"linquant/tensor"
)

// quantizedFile returns the safetensors file of one quantized weight, "w", and of a float tensor beside it.
func quantizedFile(t testing.TB, s Scheme, c quant.Codes) []byte {
	t.Helper()
	meta := map[string]string{"epoch": "7"}
	outputs, err := s.Outputs("w", c.Shape, meta, func() (quant.Codes, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	outputs = append(outputs, counting("bias", tensor.Float32, tensor.Shape{3}))
	return write(t, func(w io.Writer) error { return WriteSafetensors(w, meta, outputs) })
}

// TestSchemeRoundTrip writes random codes under random parameters in every way there is, and reads them back.
func TestSchemeRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := Scheme{Bits: rapid.IntRange(2, 8).Draw(rt, "bits"), Affine: rapid.Bool().Draw(rt, "affine"), Pack: rapid.Bool().Draw(rt, "pack")}
		shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(1, 5), 0, 4).Draw(rt, "shape"))
		if len(shape) > 0 {
			s.Per = rapid.SampledFrom([]quant.Granularity{quant.PerTensor, quant.PerChannel, quant.PerGroup}).Draw(rt, "per")
			if s.Per != quant.PerTensor {
				s.Axis = rapid.IntRange(0, len(shape)-1).Draw(rt, "axis")
			}
			if s.Per == quant.PerGroup {
				s.GroupSize = rapid.IntRange(1, 9).Draw(rt, "group")
			}
		}
		lo, hi := quant.Int(s.Bits).Range()
		n, _ := shape.Elements()
		scales, err := s.ScaleShape(shape)
		if err != nil {
			rt.Fatal(err)
		}
		k, _ := scales.Elements()
		c := quant.Codes{Params: quant.Params{Type: quant.Int(s.Bits), Layout: s.Layout}, Shape: shape, Data: make([]byte, n)}
		for i := range c.Data {
			c.Data[i] = byte(rapid.Int32Range(lo, hi).Draw(rt, "code"))
		}
		for range k {
			c.Scale = append(c.Scale, rapid.Float32Range(0x1p-100, 0x1p100).Draw(rt, "scale"))
			if s.Affine {
				c.ZeroPoint = append(c.ZeroPoint, rapid.Int32Range(lo, hi).Draw(rt, "zero"))
			}
		}
		f := mustOpen(t, quantizedFile(t, s, c))
		w, err := f.Tensor("w")
		if err != nil {
			rt.Fatal(err)
		}
		if w.Quant == nil || !w.Quant.Equal(c.Params) || w.DType != tensor.Int8 || !w.Shape.Equal(shape) {
			rt.Fatalf("%v %v %+v, want %v %+v", w.DType, w.Shape, w.Quant, shape, c.Params)
		}
		raw, err := w.Read()
		if err != nil || !bytes.Equal(raw.Data, c.Data) {
			rt.Fatalf("codes % x, %v; want % x", raw.Data, err, c.Data)
		}
		var beside int64
		for _, o := range f.Other() {
			beside += o.Bytes()
		}
		if want, err := s.Bytes(shape); err != nil || w.Stored()+beside != want {
			rt.Fatalf("%d bytes and %d of parameters, Bytes says %d, %v", w.Stored(), beside, want, err)
		}
		want := make([]float32, n)
		if err := c.Dequantize(want); err != nil {
			rt.Fatal(err)
		}
		got, err := w.Float32s(nil)
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("%v, %v; want %v", got, err, want)
		}
		if len(f.Tensors()) != 2 || f.Metadata["epoch"] != "7" {
			rt.Fatalf("%d tensors, metadata %v", len(f.Tensors()), f.Metadata)
		}
	})
}

// goodMetadata is that of a weight of shape [2, 3] with a scale a channel.
func goodMetadata() map[string]string {
	return map[string]string{keyBits: "4", keyPer: "channel", keyAxis: "0"}
}

func output[T tensor.Element](t testing.TB, name string, shape tensor.Shape, data ...T) Output {
	t.Helper()
	x, err := tensor.Of(shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return FromTensor(name, x)
}

// TestSchemeHostile opens files whose metadata and tensors contradict each other: one clear error each.
func TestSchemeHostile(t *testing.T) {
	codes := output[int8](t, "w", tensor.Shape{2, 3}, 1, 2, 3, 4, 5, 6)
	packed := output[uint8](t, "w", tensor.Shape{2, 2}, 0, 0, 0, 0)
	scale := output[float32](t, "w.scale", tensor.Shape{2}, 1, 2)
	zero := output[int32](t, "w.zero_point", tensor.Shape{2}, 1, 2)
	one := func(outputs ...Output) []Output { return outputs }
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := map[string]struct {
		change  map[string]string
		tensors []Output
		want    []string
	}{
		"bits are no number":       {map[string]string{keyBits: "four"}, one(codes, scale), []string{`linquant.bits is "four"`, "from 2 to 8"}},
		"bits of JSON":             {map[string]string{keyBits: `{"w":4}`}, one(codes, scale), []string{"linquant.bits", "from 2 to 8"}},
		"1 bit":                    {map[string]string{keyBits: "1"}, one(codes, scale), []string{"from 2 to 8"}},
		"9 bits":                   {map[string]string{keyBits: "9"}, one(codes, scale), []string{"from 2 to 8"}},
		"per what":                 {map[string]string{keyPer: "row"}, one(codes, scale), []string{"linquant.per", `"row" is no granularity`}},
		"no granularity":           {map[string]string{keyPer: ""}, one(codes, scale), []string{"linquant.per"}},
		"axis out of range":        {map[string]string{keyAxis: "2"}, one(codes, scale), []string{`tensor "w"`, "axis 2", "no such dimension"}},
		"axis below 0":             {map[string]string{keyAxis: "-1"}, one(codes, scale), []string{"linquant.axis", "from 0"}},
		"an axis that overflows":   {map[string]string{keyAxis: "9223372036854775808"}, one(codes, scale), []string{"linquant.axis"}},
		"another axis":             {map[string]string{keyAxis: "1"}, one(codes, scale), []string{"its scale is float32 [2], and must be float32 [3]"}},
		"no group size":            {map[string]string{keyPer: "group"}, one(codes, scale), []string{"linquant.group_size"}},
		"a group of 0":             {map[string]string{keyPer: "group", keyGroupSize: "0"}, one(codes, scale), []string{"linquant.group_size", "from 1"}},
		"packed perhaps":           {map[string]string{keyPacked: "maybe"}, one(codes, scale), []string{"linquant.packed", "true or false"}},
		"no scale":                 {nil, one(codes), []string{"no tensor has a scale"}},
		"no scale beside zeros":    {nil, one(codes, zero), []string{`there is no tensor "w.scale"`}},
		"no scale of a packed one": {map[string]string{keyPacked: "true", keyShape + "w": "[2, 3]"}, one(packed), []string{`there is no tensor "w.scale"`}},
		"too few scales":           {nil, one(codes, output[float32](t, "w.scale", tensor.Shape{1}, 1)), []string{"its scale is float32 [1], and must be float32 [2]"}},
		"too many scales":          {map[string]string{keyPer: "tensor"}, one(codes, scale), []string{"its scale is float32 [2], and must be float32 []"}},
		"integer scales":           {nil, one(codes, output[int32](t, "w.scale", tensor.Shape{2}, 1, 2)), []string{"its scale is int32 [2], and must be float32 [2]"}},
		"a NaN scale":              {nil, one(codes, output(t, "w.scale", tensor.Shape{2}, 1, nan)), []string{"scale 1: NaN is no usable scale"}},
		"an infinite scale":        {nil, one(codes, output(t, "w.scale", tensor.Shape{2}, inf, 1)), []string{"scale 0", "no usable scale"}},
		"a negative scale":         {nil, one(codes, output[float32](t, "w.scale", tensor.Shape{2}, 1, -1)), []string{"scale 1", "no usable scale"}},
		"a scale of 0":             {nil, one(codes, output[float32](t, "w.scale", tensor.Shape{2}, 0, 1)), []string{"scale 0", "no usable scale"}},
		"a zero point outside":     {nil, one(codes, scale, output[int32](t, "w.zero_point", tensor.Shape{2}, 0, 8)), []string{"zero point 1 is 8, outside int4's range"}},
		"too few zero points":      {nil, one(codes, scale, output[int32](t, "w.zero_point", tensor.Shape{1}, 0)), []string{"its zero_point is int32 [1], and must be int32 [2]"}},
		"packed, of another shape": {map[string]string{keyPacked: "true", keyShape + "w": "[2, 5]"}, one(packed, scale), []string{"it is uint8 [2, 2]", "uint8 [2, 3]"}},
		"packed, but signed":       {map[string]string{keyPacked: "true", keyShape + "w": "[2, 3]"}, one(codes, scale), []string{"it is int8 [2, 3]", "uint8 [2, 2]"}},
		"packed in signed bytes":   {map[string]string{keyPacked: "true", keyShape + "w": "[2, 3]"}, one(output[int8](t, "w", tensor.Shape{2, 2}, 0, 0, 0, 0), scale), []string{"it is int8 [2, 2]", "uint8 [2, 2]"}},
		"packed without a shape":   {map[string]string{keyPacked: "true"}, one(packed, scale), []string{"no metadata", "linquant.shape.w"}},
		"a shape of nobody":        {map[string]string{keyPacked: "true", keyShape + "w": "[2, 3]", keyShape + "v": "[2, 3]"}, one(packed, scale), []string{`there is no tensor "v"`}},
		"a shape, not packed":      {map[string]string{keyShape + "w": "[2, 3]"}, one(codes, scale), []string{"no codes are packed"}},
		"a shape of words":         {map[string]string{keyPacked: "true", keyShape + "w": "[2, x]"}, one(packed, scale), []string{`"[2, x]" is no shape`}},
		"an empty shape":           {map[string]string{keyPacked: "true", keyShape + "w": ""}, one(packed, scale), []string{`"" is no shape`}},
		"a shape below 0":          {map[string]string{keyPacked: "true", keyShape + "w": "[-2, 3]"}, one(packed, scale), []string{"is no shape"}},
		"a shape beyond memory":    {map[string]string{keyPacked: "true", keyShape + "w": "[2000000000, 2000000000, 2000000000]"}, one(packed, scale), []string{"more elements"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			meta := goodMetadata()
			maps.Copy(meta, tt.change)
			b := write(t, func(w io.Writer) error { return WriteSafetensors(w, meta, tt.tensors) })
			_, err := openBytes(b)
			wantError(t, err, append(tt.want, "test: ")...)
		})
	}
	t.Run("codes outside their bits", func(t *testing.T) {
		far := output[int8](t, "w", tensor.Shape{2, 3}, 0, 0, 0, 0, -9, 0)
		b := write(t, func(w io.Writer) error { return WriteSafetensors(w, goodMetadata(), one(far, scale)) })
		_, err := mustOpen(t, b).Tensors()[0].Float32s(nil)
		wantError(t, err, `test: tensor "w": element 4 is -9, outside`)
	})
}

// What has nothing to do with codes stays as it is in a file that has some.
func TestSchemeLeavesOthers(t *testing.T) {
	b := write(t, func(w io.Writer) error {
		return WriteSafetensors(w, goodMetadata(), []Output{
			output[int8](t, "w", tensor.Shape{2, 1}, 1, 2), output[float32](t, "w.scale", tensor.Shape{2}, 1, 2),
			output[int8](t, "mask", tensor.Shape{2}, 0, 1), output[float32](t, "norm", tensor.Shape{1}, 3),
			output[float32](t, "norm.scale", tensor.Shape{1}, 4),
		})
	})
	f := mustOpen(t, b)
	var got []string
	for _, x := range f.Tensors() {
		got = append(got, fmt.Sprint(x.Name, x.Quant != nil))
	}
	if want := []string{"wtrue", "maskfalse", "normfalse", "norm.scalefalse"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if len(f.Other()) != 1 || f.Other()[0].Name != "w.scale" {
		t.Errorf("beside them: %v", f.Other())
	}
}

// TestSchemeMemory opens a file whose metadata claims shapes far beyond it: what is allocated is bound by the file.
func TestSchemeMemory(t *testing.T) {
	meta := map[string]string{keyBits: "2", keyPer: "group", keyAxis: "1", keyGroupSize: "1", keyPacked: "true"}
	var outputs []Output
	for i := range 50 {
		name := fmt.Sprint("w", i)
		meta[keyShape+name] = "[1, 2000000000]"
		outputs = append(outputs, output[uint8](t, name, tensor.Shape{1, 1}, 0), output[float32](t, name+suffixScale, tensor.Shape{}, 1))
	}
	b := write(t, func(w io.Writer) error { return WriteSafetensors(w, meta, outputs) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := openBytes(b); err == nil {
		t.Fatal("it was accepted")
	}
	runtime.ReadMemStats(&after)
	bytes := int64(after.TotalAlloc - before.TotalAlloc)
	if most := int64(20*len(b) + 1<<16); bytes > most {
		t.Errorf("%d bytes allocated for a file of %d", bytes, len(b))
	}
}

// FuzzScheme changes the metadata and the sizes of what stands beside the codes.
func FuzzScheme(f *testing.F) {
	f.Add("4", "channel", "0", "", "", "", uint8(2), uint8(3), uint8(2), true)
	f.Add("3", "group", "1", "2", "true", "[2, 3]", uint8(2), uint8(2), uint8(4), false)
	f.Add("8", "tensor", "", "", "false", "", uint8(1), uint8(1), uint8(0), true)
	f.Fuzz(func(t *testing.T, bits, per, axis, group, pack, shape string, rows, row, scales uint8, zeros bool) {
		meta := map[string]string{keyBits: bits, keyPer: per, keyAxis: axis, keyGroupSize: group, keyPacked: pack}
		dtype := tensor.Int8
		if pack == "true" {
			dtype = tensor.Uint8
		}
		if shape != "" {
			meta[keyShape+"w"] = shape
		}
		if pack == "" {
			delete(meta, keyPacked)
		}
		outputs := []Output{counting("w", dtype, tensor.Shape{int(rows), int(row)}), counting("w.scale", tensor.Float32, tensor.Shape{int(scales)})}
		if zeros {
			outputs = append(outputs, counting("w.zero_point", tensor.Int32, tensor.Shape{int(scales)}))
		}
		var b bytes.Buffer
		if err := WriteSafetensors(&b, meta, outputs); err != nil {
			return // text that is not UTF-8
		}
		if file, err := openBytes(b.Bytes()); err == nil {
			readEverything(t, file)
		}
	})
}
