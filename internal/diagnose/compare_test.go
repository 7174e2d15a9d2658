package diagnose

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/onnx"
	"linquant/quant"
	"linquant/tensor"
)

// network opens one of the networks in testdata.
func network(t *testing.T, kind string) *graph.Graph {
	t.Helper()
	f, err := onnx.Open(t.Context(), filepath.Join("testdata", kind+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f.Graph
}

// dumped reads the dump KIND.NAME.npz, which testdata/make_dumps.py computed with NumPy.
func dumped(t *testing.T, name string) map[string]tensor.Tensor {
	t.Helper()
	f, err := checkpoint.Open(filepath.Join("testdata", name+".npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	arrays := map[string]tensor.Tensor{}
	for _, a := range f.Tensors() {
		if arrays[a.Name], err = a.Read(); err != nil {
			t.Fatal(err)
		}
	}
	return arrays
}

func compare(t *testing.T, g *graph.Graph, arrays map[string]tensor.Tensor) *Report {
	t.Helper()
	r, err := Compare(context.Background(), g, arrays)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fixtures are dumps with one deviation each, and what is to be said about them.
var fixtures = []struct {
	dump    string
	requant quant.Convention
	first   string // the first layer that differs
	cause   string
}{
	{dump: "net.ties-away", first: "q", cause: "ties rounded away from zero"},
	{dump: "net.ties-up", first: "q", cause: "ties rounded up"},
	{dump: "net.truncated", first: "q", cause: "truncation"},
	{dump: "net.floor", first: "q", cause: "rounding down"},
	{dump: "net.floor-fixed", first: "conv", cause: "rounding down"},
	{dump: "net.zero-before", first: "q", cause: "the zero point added before rounding"},
	{dump: "net.zero-after", requant: quant.Torch, first: "conv", cause: "the zero point added after rounding"},
	{dump: "net.wrap", first: "q", cause: "wrap-around instead of saturation"},
	{dump: "net.reciprocal", first: "q", cause: "a reciprocal instead of a division"},
	{dump: "net.double", first: "q", cause: "double precision"},
	{dump: "net.double-conv", first: "conv", cause: "double precision"},
	{dump: "net.multiplier-once", first: "conv", cause: "a multiplier rounded otherwise"},
	{dump: "net.multiplier-order", first: "conv", cause: "a multiplier rounded otherwise"},
	{dump: "net.two-steps", first: "conv", cause: "a product and then a division"},
	{dump: "net.fixed", first: "conv", cause: "a fixed-point multiplier rounded once"},
	{dump: "net.fixed-away", first: "conv", cause: "a fixed-point multiplier rounded once"},
	{dump: "net.fixed-double", first: "conv", cause: "a fixed-point multiplier rounded twice"},
	{dump: "net.fixed-qnnpack", first: "conv", cause: "a fixed-point multiplier rounded twice"},
	{dump: "net.float", requant: quant.Fixed, first: "conv", cause: "a float multiplier"},
	{dump: "net.ratios", first: "sum", cause: "operands brought to the sum's scale one by one"},
	{dump: "net.ratios-constant", first: "sum", cause: "operands brought to the sum's scale one by one"},
	{dump: "net.zero-padding", first: "conv", cause: "zero instead of the zero point as padding"},
	{dump: "net.pairs-first", first: "conv", cause: "saturating sums of pairs"},
	{dump: "net.pairs-last", first: "conv", cause: "saturating sums of pairs"},
	{dump: "signed.pairs-signed", first: "conv", cause: "saturating sums of pairs"},
	{dump: "net.weights-clamped", first: "conv", cause: "weights of 7 bits"},
	{dump: "net.weights-halved", first: "conv", cause: "weights of 7 bits"},
	{dump: "net.no-bias", first: "conv", cause: "the bias left out"},
	{dump: "net.bias", first: "conv", cause: "the bias rounded otherwise"},
	{dump: "net.no-input-zero", first: "conv", cause: "the input's zero point left out"},
	{dump: "zeros.no-weight-zeros", first: "conv", cause: "the weight's zero points left out"},
	{dump: "net.one-scale", first: "conv", cause: "one weight scale for all channels"},
	{dump: "net.wrong-axis", first: "conv", cause: "weight scales on the wrong axis"},
	{dump: "net.floating", first: "conv", cause: "computed in floating point"},
	{dump: "net.floating-order", first: "conv", cause: "rounding errors of floating point next to ties"},
	{dump: "net.no-relu", first: "relu", cause: "no clamp for Relu or Clip"},
	{dump: "net.soon", first: "conv", cause: "the activation behind it applied already"},
	{dump: "net.count-pad", first: "pool", cause: "padding counted otherwise in averages"},
	{dump: "signed.mean-of-codes", first: "pool", cause: "the mean of the codes themselves"},
	{dump: "signed.max-zero", first: "max", cause: "zero instead of the zero point as padding"},
	{
		dump: "net.two-causes", first: "conv",
		cause: "ties rounded up, and zero instead of the zero point as padding",
	},
}

// Every deviation is found, and no other is taken for it.
func TestCauses(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range fixtures {
		seen[test.cause] = true
		t.Run(test.dump, func(t *testing.T) {
			kind, _, _ := strings.Cut(test.dump, ".")
			g := network(t, kind)
			g.Requant = test.requant
			r := compare(t, g, dumped(t, test.dump))
			if r.First < 0 {
				t.Fatal("nothing differs")
			}
			if l := r.Layers[r.First]; l.Value != test.first {
				t.Errorf("first layer that differs: %q, want %q", l.Value, test.first)
			}
			for _, l := range r.Layers {
				if l.Status != Equal {
					t.Logf("%+v", l)
				}
			}
			for _, c := range r.Causes {
				t.Logf("%s: %d layers", c.Name, c.Layers)
			}
			if len(r.Causes) != 1 || r.Causes[0].Name != test.cause {
				t.Errorf("causes %v, want %q alone; closest %v", names(r.Causes), test.cause, r.Closest)
			}
		})
	}
	for _, a := range Alternatives() {
		if !seen[a.Name] {
			t.Errorf("no dump shows %q", a.Name)
		}
	}
}

func names(causes []Cause) (out []string) {
	for _, c := range causes {
		out = append(out, c.Name)
	}
	return out
}

// The documentation lists every cause.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/integer-inference.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Alternatives() {
		if !strings.Contains(string(text), "| "+a.Name+" |") {
			t.Errorf("docs/integer-inference.md lacks a row for %q", a.Name)
		}
	}
}

func TestEqual(t *testing.T) {
	r := compare(t, network(t, "net"), dumped(t, "net.equal"))
	if r.First != -1 || r.Count(Equal) != 7 || len(r.Layers) != 7 || r.Examples != 2 {
		t.Errorf("%+v", r)
	}
}

// What the loops here make without deviations is what graph.Eval makes, in every convention and with values left out.
func TestReference(t *testing.T) {
	for _, kind := range []string{"net", "signed", "zeros"} {
		for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
			g := network(t, kind)
			g.Requant = c
			x := dumped(t, "net.equal")["x"]
			var all []string
			for _, n := range g.Nodes {
				all = append(all, n.Outputs[0])
			}
			values, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": x}, all)
			if err != nil {
				t.Fatal(err)
			}
			values["x"] = x
			if r := compare(t, g, values); r.First != -1 || r.Count(Equal) != len(r.Layers) {
				t.Errorf("%s, %v: %+v", kind, c, r.Layers)
			}
			last := map[string]tensor.Tensor{"x": x, "fc": values["fc"]}
			if r := compare(t, g, last); r.First != -1 || r.Count(Equal) != 1 || r.Count(Missing) != 6 {
				t.Errorf("%s, %v, the last alone: %+v", kind, c, r.Layers)
			}
		}
	}
}

// A layer is computed from the dump's own inputs to it.
func TestNotInherited(t *testing.T) {
	arrays := dumped(t, "net.count-pad")
	r := compare(t, network(t, "net"), arrays)
	for _, l := range r.Layers {
		if want := map[bool]Status{true: Differs, false: Equal}[l.Value == "pool"]; l.Status != want {
			t.Errorf("%q: %v, want %v", l.Value, l.Status, want)
		}
	}
	delete(arrays, "pool") // then the sum's input is what we compute
	r = compare(t, network(t, "net"), arrays)
	if l := r.Layers[r.First]; l.Value != "sum" || len(r.Causes) != 1 || r.Causes[0].Name != "padding counted otherwise in averages" {
		t.Errorf("%+v, causes %v", l, names(r.Causes))
	}
	delete(arrays, "x")
	delete(arrays, "q")
	r = compare(t, network(t, "net"), arrays)
	if r.Count(Unreached) != 2 || r.Layers[1].Needs != "x" {
		t.Errorf("without input: %+v", r.Layers)
	}
}

// Ties alone cannot tell rounding up from rounding away from zero where all sums are positive.
func TestSeveralCauses(t *testing.T) {
	arrays := dumped(t, "net.ties-up")
	delete(arrays, "q")
	delete(arrays, "conv")
	for _, name := range []string{"relu", "max", "sum", "fc", "x"} {
		if name != "relu" {
			delete(arrays, name)
		}
	}
	r := compare(t, network(t, "net"), arrays)
	got := strings.Join(names(r.Causes), "; ")
	if !strings.Contains(got, "ties rounded up") || !strings.Contains(got, "ties rounded away from zero") {
		t.Errorf("causes %q", got)
	}
}

func TestUnknownCause(t *testing.T) {
	r := compare(t, network(t, "net"), dumped(t, "net.unknown"))
	if len(r.Causes) != 0 || r.Tried < 100 || len(r.Closest) != 0 {
		t.Errorf("causes %v, closest %v, %d tried", names(r.Causes), names(r.Closest), r.Tried)
	}
	got := strings.Join(r.Patterns, "\n")
	for _, want := range []string{"border", "1 of 4 channels differ ([1])", "codes are larger", "more than one step"} {
		if !strings.Contains(got, want) {
			t.Errorf("patterns %q lack %q", got, want)
		}
	}
}

// A cause that explains nearly everything is said to come close.
func TestClosest(t *testing.T) {
	arrays := dumped(t, "net.zero-padding")
	data := append([]byte(nil), arrays["conv"].Data...)
	data[40] += 9
	arrays["conv"], _ = tensor.New(tensor.Uint8, arrays["conv"].Shape, data)
	r := compare(t, network(t, "net"), arrays)
	if len(r.Causes) != 0 || len(r.Closest) == 0 || r.Closest[0].Name != "zero instead of the zero point as padding" ||
		r.Closest[0].Equal != 287 {
		t.Errorf("causes %v, closest %+v", names(r.Causes), r.Closest)
	}
}
