package ptq_test

import (
	"bytes"
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
	layouts := []quant.Layout{{}, {Per: quant.PerChannel}, {Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, GroupSize: 4}}
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
	var report *ptq.Report
	out := reopen(t, func(w *bytes.Buffer) (err error) {
		report, err = ptq.Weights(w, in, models.Weights(in.Tensors()), map[string]string{"made": "here"}, cfg)
		return err
	})
	if out.Metadata["epoch"] != "7" || out.Metadata["made"] != "here" || out.Metadata["linquant.bits"] != fmt.Sprint(cfg.Bits) {
		t.Errorf("metadata %v", out.Metadata)
	}
	var total int64
	for _, written := range out.Tensors() {
		total += written.Bytes()
	}
	if total != report.Bytes {
		t.Errorf("the report says %d bytes, the file holds %d", report.Bytes, total)
	}
	if diff := cmp.Diff(read(t, in, "conv.bias"), read(t, out, "conv.bias")); diff != "" {
		t.Errorf("the bias was changed:\n%s", diff)
	}
	if len(report.Layers) != 2 || report.Copied != 1 {
		t.Fatalf("%d layers, %d copied", len(report.Layers), report.Copied)
	}
	for _, layer := range report.Layers {
		real := read(t, in, layer.Name)
		restored := restore(t, out, layer.Name, layer.Shape, cfg)
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

// restore reads a quantized weight with nothing but what the file says and the configuration.
func restore(t *testing.T, f *checkpoint.File, name string, shape tensor.Shape, cfg ptq.WeightConfig) []float32 {
	t.Helper()
	n, err := shape.Elements()
	if err != nil {
		t.Fatal(err)
	}
	raw := readRaw(t, f, name)
	codes := make([]int8, n)
	if cfg.Pack {
		if f.Metadata["linquant.shape."+name] != shape.String() {
			t.Errorf("metadata gives the shape of %s as %q", name, f.Metadata["linquant.shape."+name])
		}
		depth := n / shape[0]
		row := raw.Shape[1]
		for c := range shape[0] {
			if err := quant.Unpack(codes[c*depth:(c+1)*depth], raw.Data[c*row:(c+1)*row], cfg.Bits); err != nil {
				t.Fatal(err)
			}
		}
	} else if codes, err = tensor.As[int8](raw); err != nil {
		t.Fatal(err)
	}
	p := quant.Params{Type: quant.Int(cfg.Bits), Layout: cfg.Layout, Scale: read(t, f, name+".scale")}
	if cfg.Affine {
		if p.ZeroPoint, err = tensor.As[int32](readRaw(t, f, name+".zero_point")); err != nil {
			t.Fatal(err)
		}
	}
	x := make([]float32, n)
	if err := quant.Dequantize(x, codes, shape, p); err != nil {
		t.Fatal(err)
	}
	return x
}

func readRaw(t *testing.T, f *checkpoint.File, name string) tensor.Tensor {
	t.Helper()
	v, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := v.Read()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func read(t *testing.T, f *checkpoint.File, name string) []float32 {
	t.Helper()
	x, err := readRaw(t, f, name).Float32s()
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
			_, err := ptq.Weights(&bytes.Buffer{}, f, chosen, nil, tt.cfg)
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
	report, err := ptq.Weights(&integer, f, models.Weights(f.Tensors()), nil, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range report.Layers {
		fmt.Printf("%s: %d scales, %.1f dB\n", l.Name, l.Scales, l.SQNR)
	}
	// Output: fc.weight: 2 scales, 23.9 dB
}
