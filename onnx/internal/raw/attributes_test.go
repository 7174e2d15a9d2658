package raw_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/reads"
	"linquant/onnx/internal/raw"
)

// Every attribute that reading and writing files asks for by name is one of an operator, of that kind.
func TestAttributeReads(t *testing.T) {
	reads.Check(t, "../..", "", raw.Operators(), 80)
}

// The rows have the attributes of ONNX's schemas, with their types and defaults: testdata/make_schemas.py asks the package
// onnx for them.
func TestSchemas(t *testing.T) {
	data, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas map[graph.Op]map[string]struct {
		Kind     string
		Default  any
		Required bool
	}
	if err := json.Unmarshal(data, &schemas); err != nil {
		t.Fatal(err)
	}
	gone := map[string]bool{"BatchNormalization.spatial": true}
	for _, op := range []string{"GRU", "LSTM", "RNN"} {
		gone[op+".activations"] = true // a list of strings in files
	}
	for _, row := range raw.Operators() {
		schema, ok := schemas[row.Op]
		if !ok && !strings.Contains(string(row.Op), ".") && row.Op != raw.SimplifiedNorm {
			t.Errorf("ONNX has no operator %s", row.Op)
		}
		for _, a := range row.Attrs {
			where := string(row.Op) + "." + a.Name
			want, has := schema[a.Name]
			switch {
			case !ok || a.Scope == graph.ScopeGraph || gone[where]:
			case !has && a.Input == 0:
				t.Errorf("%s: ONNX has no such attribute, nor had the row an input for it", where)
			case !has:
			case a.Kind.String() != want.Kind || a.Required != want.Required:
				t.Errorf("%s is %v, required %v: ONNX has %s, required %v", where, a.Kind, a.Required, want.Kind, want.Required)
			case want.Default != nil && number(a.Default) != want.Default:
				t.Errorf("%s is %v where it is missing, and %v in ONNX", where, a.Default, want.Default)
			}
		}
		for name := range schema {
			if _, ok := row.Attr(name); !ok && row.Op != "Constant" {
				t.Errorf("%s has an attribute %s in ONNX, and the row does not", row.Op, name)
			}
		}
	}
}

// number is what JSON makes of a default.
func number(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float32:
		return float64(v)
	}
	return v
}

// A missing attribute has the default of the row, and to ask for one that the row does not have panics.
func TestAttributes(t *testing.T) {
	n := &raw.Node{Op: "LRN", Attrs: graph.Attrs{"size": 3}}
	if n.Int("size") != 3 || n.Float("beta") != 0.75 {
		t.Errorf("size %d, beta %g", n.Int("size"), n.Float("beta"))
	}
	up := &raw.Node{Op: "Upsample"}
	if up.Str("mode") != "nearest" || up.Floats("scales") != nil || (&raw.Node{Op: graph.Conv}).Ints("pads") != nil {
		t.Errorf("mode %q, scales %v", up.Str("mode"), up.Floats("scales"))
	}
	for _, n := range []*raw.Node{n, {Op: "Unheard"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", n.Op)
				}
			}()
			n.Int("alpha")
		}()
	}
}
