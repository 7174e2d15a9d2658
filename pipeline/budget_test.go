package pipeline_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
)

// budgeted quantizes the built-in network under a budget.
func budgeted(t *testing.T, b pipeline.Budget, change func(*pipeline.Config)) (*pipeline.Result, error) {
	t.Helper()
	cfg := pipeline.Config{
		Model: pipeline.Builtin, Quant: ptq.Config{KeepEdges: true, WeightMethod: ptq.LeastSquares{}},
		Calibration: pipeline.Calibration{Data: pipeline.Data{Limit: 32}}, Budget: &b,
	}
	if change != nil {
		change(&cfg)
	}
	r, err := pipeline.Quantize(t.Context(), cfg)
	if err == nil {
		t.Cleanup(func() { r.Close() })
	}
	return r, err
}

func uniform(t *testing.T, bits int) *pipeline.Result {
	t.Helper()
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{
		Model: pipeline.Builtin, Quant: ptq.Config{WeightBits: bits, KeepEdges: true, WeightMethod: ptq.LeastSquares{}},
		Calibration: pipeline.Calibration{Data: pipeline.Data{Limit: 32}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// In the size of a network with 3 bits everywhere layers have bits of their own, the network is no larger, its outputs lose no more than was
// to be had with 3 everywhere, and the overrides make it again.
func TestBudgetPacked(t *testing.T) {
	three := uniform(t, 3)
	r, err := budgeted(t, pipeline.Budget{Packed: three.Report.PackedBytes, Examples: 32}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Choice
	if r.Report.PackedBytes > three.Report.PackedBytes || c.Bytes != r.Report.PackedBytes || c.InFile {
		t.Errorf("it has %d bytes, says %d, and may have %d", r.Report.PackedBytes, c.Bytes, three.Report.PackedBytes)
	}
	if c.Gap != 0 || !c.HeldOut || c.Examples != 32 || c.Verified == 0 || !(c.Measured.SQNR > 0) {
		t.Errorf("%+v", c)
	}
	// The edges are not chosen, and what is chosen is what the layers have.
	bits := map[string]int{}
	for _, l := range r.Report.Layers {
		bits[l.Node] = l.Bits
	}
	if first := r.Report.Layers[0]; first.Bits != 8 || len(c.Layers) != len(r.Report.Layers)-2 {
		t.Errorf("%d layers are chosen of %d, and the first has %d bits", len(c.Layers), len(r.Report.Layers), first.Bits)
	}
	different := map[int]bool{}
	for _, l := range c.Layers {
		o := l.Options[l.Picked]
		if o.Bits != bits[l.Node] {
			t.Errorf("%s has %d bits, and %d were chosen", l.Node, bits[l.Node], o.Bits)
		}
		different[o.Bits] = true
	}
	if len(different) < 2 {
		t.Errorf("all layers have the bits %v", different)
	}
	chosen := slices.IndexFunc(c.Curve, func(p pipeline.ChoicePoint) bool { return p.Chosen })
	if chosen < 0 || c.Curve[chosen].Bytes != c.Bytes {
		t.Errorf("the chosen point is none of the curve, or of other bytes: %+v", c.Curve)
	}
	for i, p := range c.Curve {
		if i > 0 && (p.Bytes <= c.Curve[i-1].Bytes || p.Predicted.SQNR < c.Curve[i-1].Predicted.SQNR) {
			t.Errorf("the curve does not rise at %+v", p)
		}
	}
	again, err := pipeline.Quantize(t.Context(), pipeline.Config{
		Model: pipeline.Builtin, Quant: ptq.Config{KeepEdges: true, WeightMethod: ptq.LeastSquares{}, Overrides: c.Overrides},
		Calibration: pipeline.Calibration{Data: pipeline.Data{Limit: 32}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !bytes.Equal(inInt4(t, again), inInt4(t, r)) {
		t.Error("the overrides that were chosen make another file")
	}
}

func inInt4(t *testing.T, r *pipeline.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Export(&b, onnx.ExportConfig{Int4: true}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A budget of the file counts what is written, to the byte, and one that cannot be met names the least that can.
func TestBudgetFile(t *testing.T) {
	var none *pipeline.BudgetError
	_, err := budgeted(t, pipeline.Budget{File: 1000, Int4: true, Bits: []int{3, 4, 8}, Examples: 8}, nil)
	if !errors.As(err, &none) || none.Budget != 1000 || none.What != "size" {
		t.Fatal(err)
	}
	for _, more := range []int64{0, 700} {
		r, err := budgeted(t, pipeline.Budget{File: none.Nearest + more, Int4: true, Bits: []int{3, 4, 8}, Examples: 8}, nil)
		if err != nil {
			t.Fatal(err)
		}
		size := int64(len(inInt4(t, r)))
		if size > none.Nearest+more || r.Choice.Bytes != size || !r.Choice.InFile {
			t.Errorf("it says %d bytes, has %d, and may have %d", r.Choice.Bytes, size, none.Nearest+more)
		}
		for _, l := range r.Choice.Layers { // 3 bits take what 4 do
			if bits := l.Options[l.Picked].Bits; bits != 4 && bits != 8 {
				t.Errorf("%s has %d bits", l.Node, bits)
			}
		}
	}
	if _, err := budgeted(t, pipeline.Budget{File: none.Nearest - 1, Int4: true, Bits: []int{3, 4, 8}, Examples: 8}, nil); !errors.As(err, &none) {
		t.Errorf("a byte less: %v", err)
	}
}

// The smallest network that loses no more than it may is found, measured on examples that had no part in the choice.
func TestBudgetMaxDrop(t *testing.T) {
	drop := 1.0
	r, err := budgeted(t, pipeline.Budget{MaxDrop: &drop, Bits: []int{2, 3, 8}, Examples: 8}, func(cfg *pipeline.Config) {
		cfg.Test = pipeline.Data{Spec: pipeline.Builtin, Limit: 401}
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Choice.DropExamples != 201 || r.Accuracy.N != 200 {
		t.Errorf("chosen on %d, measured on %d examples", r.Choice.DropExamples, r.Accuracy.N)
	}
	at := slices.IndexFunc(r.Choice.Curve, func(p pipeline.ChoicePoint) bool { return p.Chosen })
	chosen := r.Choice.Curve[at]
	if chosen.Drop == nil || *chosen.Drop > drop {
		t.Errorf("%+v was chosen", chosen)
	}
	if at > 0 { // the next smaller one that was measured loses too much
		for i := at - 1; i >= 0; i-- {
			if d := r.Choice.Curve[i].Drop; d != nil {
				if *d <= drop {
					t.Errorf("%+v loses no more than %v", r.Choice.Curve[i], drop)
				}
				break
			}
		}
	}
	if eight := uniform(t, 8); r.Report.PackedBytes >= eight.Report.PackedBytes {
		t.Errorf("it has %d bytes, and 8 bits %d", r.Report.PackedBytes, eight.Report.PackedBytes)
	}
	_, err = budgeted(t, pipeline.Budget{MaxDrop: new(float64), Bits: []int{2}, Examples: 8}, func(cfg *pipeline.Config) {
		cfg.Quant.WeightMethod, cfg.Quant.KeepEdges = ptq.AbsMax{}, false
		cfg.Test = pipeline.Data{Spec: pipeline.Builtin, Limit: 100}
	})
	if of := (*pipeline.BudgetError)(nil); !errors.As(err, &of) || of.What != "max-drop" || !(of.Least > 0) || of.Bytes == 0 {
		t.Errorf("2 bits that lose nothing: %v", err)
	}
}

// A network that is fast enough as floats is not quantized, an impossible time names the fastest, and what is chosen between takes no more
// than it may.
func TestBudgetLatency(t *testing.T) {
	_, err := budgeted(t, pipeline.Budget{Latency: time.Minute, Examples: 8}, nil)
	if of := (*pipeline.ConfigError)(nil); !errors.As(err, &of) || of.Field != "Budget.Latency" {
		t.Error(err)
	}
	_, err = budgeted(t, pipeline.Budget{Latency: time.Nanosecond, Examples: 8}, nil)
	none := (*pipeline.BudgetError)(nil)
	if !errors.As(err, &none) || none.What != "latency" || none.Fastest <= time.Nanosecond {
		t.Fatal(err)
	}
	within := none.Fastest * 5 / 4
	r, err := budgeted(t, pipeline.Budget{Latency: within, Examples: 8}, nil)
	if errors.As(err, &none) {
		t.Skipf("the machine is too busy: %v", err)
	}
	if of := (*pipeline.ConfigError)(nil); errors.As(err, &of) && of.Field == "Budget.Latency" {
		t.Skipf("floats are as fast on this machine: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := r.Choice
	if c.Latency <= 0 || c.Latency > within {
		t.Errorf("it takes %v, and may take %v", c.Latency, within)
	}
	kept := map[string]bool{}
	for _, l := range r.Report.Layers {
		kept[l.Node] = true
	}
	for _, l := range c.Layers {
		if integers := l.Options[l.Picked].Bits > 0; integers != kept[l.Node] {
			t.Errorf("%s in integers: %v, and %v was chosen", l.Node, kept[l.Node], integers)
		}
	}
}

func TestBudgetRefuses(t *testing.T) {
	many, negative := 101.0, -1.0
	for _, c := range []struct {
		field  string
		budget pipeline.Budget
		change func(*pipeline.Config)
	}{
		{field: "Budget"},
		{field: "Budget", budget: pipeline.Budget{Packed: 1, File: 1}},
		{field: "Budget", budget: pipeline.Budget{MaxDrop: new(float64), Latency: 1}},
		{field: "Budget.Packed", budget: pipeline.Budget{Packed: -1}},
		{field: "Budget.Latency", budget: pipeline.Budget{Latency: -1}},
		{field: "Budget.MaxDrop", budget: pipeline.Budget{MaxDrop: &many}},
		{field: "Budget.MaxDrop", budget: pipeline.Budget{MaxDrop: &negative}},
		{field: "Test", budget: pipeline.Budget{MaxDrop: new(float64)}},
		{field: "Budget.Bits", budget: pipeline.Budget{Packed: 1, Bits: []int{1}}},
		{field: "Budget.Examples", budget: pipeline.Budget{Packed: 1, Examples: -1}},
		{field: "Dynamic", budget: pipeline.Budget{Packed: 1}, change: func(cfg *pipeline.Config) { cfg.Dynamic = true }},
		{field: "Quant.Resume", budget: pipeline.Budget{Packed: 1}, change: func(cfg *pipeline.Config) { cfg.Quant.Resume = "layers" }},
		{field: "Quant.WeightBits", budget: pipeline.Budget{Packed: 1}, change: func(cfg *pipeline.Config) { cfg.Quant.WeightBits = 4 }},
		{field: "Quant.WeightMethod", budget: pipeline.Budget{Packed: 1}, change: func(cfg *pipeline.Config) { cfg.Quant.WeightMethod = ptq.Equalized{} }},
		{field: "Budget", budget: pipeline.Budget{Packed: 1, Examples: 8}, change: func(cfg *pipeline.Config) {
			cfg.Quant.Overrides = []ptq.Override{{Pattern: "*", WeightBits: 8}}
		}},
	} {
		_, err := budgeted(t, c.budget, c.change)
		if of := (*pipeline.ConfigError)(nil); !errors.As(err, &of) || of.Field != c.field {
			t.Errorf("%+v: %v, want an error about %s", c.budget, err, c.field)
		}
	}
	// Labels that are missing are one error, before anything is chosen.
	_, err := budgeted(t, pipeline.Budget{MaxDrop: new(float64)}, func(cfg *pipeline.Config) {
		cfg.Network, cfg.Model = newTwoLayers().network(t), ""
		cfg.Quant.KeepEdges = false
		cfg.Calibration.Data, cfg.Test = pipeline.Data{Set: vectors{}, Limit: 4}, pipeline.Data{Set: vectors{}}
	})
	if of := (*pipeline.ConfigError)(nil); !errors.As(err, &of) || of.Field != "Test" {
		t.Errorf("without labels: %v", err)
	}
}
