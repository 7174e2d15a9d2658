package ptq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/models"
	"linquant/ptq"
	"linquant/quant"
	"linquant/stats"
	"linquant/tensor"
)

// network returns a checkpoint of two weights, one with an odd number of elements a channel, and a bias.
func network(t testing.TB) *checkpoint.File {
	t.Helper()
	return reopen(t, func(w *bytes.Buffer) error {
		return checkpoint.WriteSafetensors(w, map[string]string{"epoch": "7"}, []checkpoint.Output{
			floats(t, "conv.weight", tensor.Shape{4, 3, 3, 3}),
			floats(t, "conv.bias", tensor.Shape{4}),
			floats(t, "fc.weight", tensor.Shape{5, 7}),
		})
	})
}

func floats(t testing.TB, name string, shape tensor.Shape) checkpoint.Output {
	t.Helper()
	n, err := shape.Elements()
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*37%101-50) / 51 * float32(1+i*4/n)
	}
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.FromTensor(name, v)
}

func reopen(t testing.TB, write func(w *bytes.Buffer) error) *checkpoint.File {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.New(bytes.NewReader(buf.Bytes()), int64(buf.Len()), "net.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWeightsRoundTrip(t *testing.T) {
	layouts := []quant.Layout{{}, {Per: quant.PerChannel}, {Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, GroupSize: 4}, {Per: quant.PerGroup, Axis: 1, GroupSize: 5}}
	for _, layout := range layouts {
		for bits := 2; bits <= 8; bits++ {
			for _, affine := range []bool{false, true} {
				for _, pack := range []bool{false, true} {
					cfg := ptq.WeightConfig{Bits: bits, Layout: layout, Affine: affine, Pack: pack}
					t.Run(fmt.Sprintf("%v%d_%d_affine=%v_pack=%v", layout.Per, layout.Axis, bits, affine, pack), func(t *testing.T) {
						checkRoundTrip(t, cfg)
					})
				}
			}
		}
	}
}

// checkRoundTrip quantizes the network, reads the file back as its schema says, and holds the report to what it finds
// there.
func checkRoundTrip(t *testing.T, cfg ptq.WeightConfig) {
	in := network(t)
	var file bytes.Buffer
	report, err := ptq.Weights(t.Context(), &file, in, models.Weights(in.Tensors()), map[string]string{"made": "here"}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := parseFile(t, file.Bytes())
	if out.metadata["epoch"] != "7" || out.metadata["made"] != "here" || out.metadata["linquant.bits"] != fmt.Sprint(cfg.Bits) {
		t.Errorf("metadata %v", out.metadata)
	}
	var total int64
	for _, written := range out.tensors {
		total += int64(len(written.Data))
	}
	if total != report.Bytes {
		t.Errorf("the report says %d bytes, the file holds %d", report.Bytes, total)
	}
	if diff := cmp.Diff(read(t, in, "conv.bias"), out.floats(t, "conv.bias")); diff != "" {
		t.Errorf("the bias was changed:\n%s", diff)
	}
	opened := reopen(t, func(w *bytes.Buffer) error { _, err := w.Write(file.Bytes()); return err })
	if len(opened.Tensors()) != 3 || len(opened.Other()) != len(out.tensors)-3 {
		t.Errorf("opened, it has %d tensors and %d beside them, of %d", len(opened.Tensors()), len(opened.Other()), len(out.tensors))
	}
	if len(report.Layers) != 2 || report.Copied != 1 {
		t.Fatalf("%d layers, %d copied", len(report.Layers), report.Copied)
	}
	for _, layer := range report.Layers {
		real := read(t, in, layer.Name)
		restored := restore(t, out, layer.Name, layer.Shape, cfg)
		if diff := cmp.Diff(restored, read(t, opened, layer.Name)); diff != "" {
			t.Errorf("%s, opened, has other values:\n%s", layer.Name, diff)
		}
		checkOpened(t, opened, layer.Name, layer.Shape, cfg, len(out.tensors[layer.Name].Data))
		var e stats.Error
		if err := e.Add(real, restored); err != nil {
			t.Fatal(err)
		}
		if e.SQNR() != layer.SQNR || e.MaxAbs() != layer.MaxError {
			t.Errorf("%s: the file has SQNR %v and error %v, the report %v and %v", layer.Name, e.SQNR(), e.MaxAbs(), layer.SQNR, layer.MaxError)
		}
		if least := 6.02*float64(cfg.Bits) - 12; !(layer.SQNR > least) {
			t.Errorf("%s: SQNR %.1f dB at %d bits, below %.1f", layer.Name, layer.SQNR, cfg.Bits, least)
		}
	}
}

// checkOpened compares what a quantized weight of an opened file says of itself with how it was made.
func checkOpened(t *testing.T, f *checkpoint.File, name string, shape tensor.Shape, cfg ptq.WeightConfig, stored int) {
	t.Helper()
	w, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	if w.DType != tensor.Int8 || !w.Shape.Equal(shape) || w.Stored() != int64(stored) {
		t.Errorf("%s: %v %v of %d bytes, want int8 %v of %d", name, w.DType, w.Shape, w.Stored(), shape, stored)
	}
	if w.Quant == nil || w.Quant.Type != quant.Int(cfg.Bits) || w.Quant.Layout != cfg.Layout || (w.Quant.ZeroPoint != nil) != cfg.Affine {
		t.Errorf("%s: parameters %+v, want those of %+v", name, w.Quant, cfg)
	}
}

// restore reads a quantized weight with nothing but what the file says and the configuration: the codes bit by bit and
// the scale of each, as docs/design.md describes them.
func restore(t *testing.T, f safetensors, name string, shape tensor.Shape, cfg ptq.WeightConfig) []float32 {
	t.Helper()
	n, err := shape.Elements()
	if err != nil {
		t.Fatal(err)
	}
	raw := f.tensors[name]
	depth, bits := n/shape[0], 8
	if cfg.Pack {
		bits = cfg.Bits
		if f.metadata["linquant.shape."+name] != shape.String() {
			t.Errorf("metadata gives the shape of %s as %q", name, f.metadata["linquant.shape."+name])
		}
	}
	row := len(raw.Data) / shape[0]
	codes := make([]int, n)
	for i := range codes {
		for b := range bits {
			bit := i%depth*bits + b
			if raw.Data[i/depth*row+bit/8]>>(bit%8)&1 == 1 {
				codes[i] |= 1 << b
			}
		}
		if codes[i] >= 1<<(bits-1) {
			codes[i] -= 1 << bits
		}
	}
	scale := f.floats(t, name+".scale")
	var zero []int32
	if cfg.Affine {
		if zero, err = tensor.As[int32](f.tensors[name+".zero_point"]); err != nil {
			t.Fatal(err)
		}
	}
	x := make([]float32, n)
	for i, code := range codes {
		k := 0
		switch cfg.Layout.Per {
		case quant.PerChannel:
			k = i / elements(shape[cfg.Layout.Axis+1:]) % shape[cfg.Layout.Axis]
		case quant.PerGroup:
			channels, inner := shape[cfg.Layout.Axis], elements(shape[cfg.Layout.Axis+1:])
			groups := (n/channels + cfg.Layout.GroupSize - 1) / cfg.Layout.GroupSize
			k = i/inner%channels*groups + (i/inner/channels*inner+i%inner)/cfg.Layout.GroupSize
		}
		if zero != nil {
			code -= int(zero[k])
		}
		x[i] = float32(code) * scale[k]
	}
	return x
}

func elements(shape tensor.Shape) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// safetensors is what a file holds, read without the package that reads such files.
type safetensors struct {
	metadata map[string]string
	tensors  map[string]tensor.Tensor
}

func parseFile(t *testing.T, b []byte) safetensors {
	t.Helper()
	n := binary.LittleEndian.Uint64(b)
	header := map[string]json.RawMessage{}
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	f := safetensors{tensors: map[string]tensor.Tensor{}}
	for name, text := range header {
		if name == "__metadata__" {
			if err := json.Unmarshal(text, &f.metadata); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var e struct {
			DType string
			Shape []int
			At    [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		dtype := map[string]tensor.DType{"I8": tensor.Int8, "U8": tensor.Uint8, "F32": tensor.Float32, "I32": tensor.Int32}[e.DType]
		v, err := tensor.New(dtype, e.Shape, b[8+int(n)+e.At[0]:8+int(n)+e.At[1]])
		if err != nil {
			t.Fatal(err)
		}
		f.tensors[name] = v
	}
	return f
}

func (f safetensors) floats(t *testing.T, name string) []float32 {
	t.Helper()
	x, err := f.tensors[name].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func read(t *testing.T, f *checkpoint.File, name string) []float32 {
	t.Helper()
	v, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	x, err := v.Float32s(nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWeightsRefuses(t *testing.T) {
	nan, err := tensor.Of(tensor.Shape{1, 1}, []float32{float32(math.NaN())})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := tensor.Of(tensor.Shape{0, 3}, []float32{})
	if err != nil {
		t.Fatal(err)
	}
	integers, err := tensor.Of(tensor.Shape{1, 1}, []int8{1})
	if err != nil {
		t.Fatal(err)
	}
	good := floats(t, "weight", tensor.Shape{2, 2})
	tests := []struct {
		name    string
		tensors []checkpoint.Output
		cfg     ptq.WeightConfig
		want    string
	}{
		{"nothing chosen", nil, ptq.WeightConfig{}, "no weights"},
		{"bits", []checkpoint.Output{good}, ptq.WeightConfig{Bits: 9}, "9 bits are not supported"},
		{"32 bits", []checkpoint.Output{good}, ptq.WeightConfig{Bits: 32}, "32 bits are not supported"},
		{"axis", []checkpoint.Output{good}, ptq.WeightConfig{Layout: quant.Layout{Per: quant.PerChannel, Axis: 2}}, "axis 2"},
		{"NaN", []checkpoint.Output{checkpoint.FromTensor("weight", nan)}, ptq.WeightConfig{}, `"weight": element 0 is NaN`},
		{"empty", []checkpoint.Output{checkpoint.FromTensor("weight", empty)}, ptq.WeightConfig{}, "no elements"},
		{"integers", []checkpoint.Output{checkpoint.FromTensor("weight", integers)}, ptq.WeightConfig{}, "it holds int8"},
		{"taken name", []checkpoint.Output{good, floats(t, "weight.scale", tensor.Shape{1})}, ptq.WeightConfig{}, "weight.scale"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := reopen(t, func(w *bytes.Buffer) error { return checkpoint.WriteSafetensors(w, nil, tt.tensors) })
			var chosen []*checkpoint.Tensor
			for _, v := range f.Tensors() {
				if v.Name == "weight" {
					chosen = append(chosen, v)
				}
			}
			_, err := ptq.Weights(t.Context(), &bytes.Buffer{}, f, chosen, nil, tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "net.safetensors: ") {
				t.Errorf("error %q, want the file's name and %q", err, tt.want)
			}
		})
	}
}

func ExampleWeights() {
	w, _ := tensor.Of(tensor.Shape{2, 2}, []float32{0.5, -1, 0.125, 0.25})
	var float, integer bytes.Buffer
	checkpoint.WriteSafetensors(&float, nil, []checkpoint.Output{checkpoint.FromTensor("fc.weight", w)})
	f, err := checkpoint.New(bytes.NewReader(float.Bytes()), int64(float.Len()), "fc.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := ptq.WeightConfig{Bits: 4, Layout: quant.Layout{Per: quant.PerChannel}}
	report, err := ptq.Weights(context.Background(), &integer, f, models.Weights(f.Tensors()), nil, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range report.Layers {
		fmt.Printf("%s: %d scales, %.1f dB\n", l.Name, l.Scales, l.SQNR)
	}
	// Output: fc.weight: 2 scales, 23.9 dB
}
