package graph_test

import (
	"cmp"
	"testing"

	"linquant/graph"
)

// schema is what ONNX defines of an operator; see testdata/make_schemas.py.
type schema struct {
	Since      int
	Integers   int // 0: never
	Attributes map[string]schemaAttribute
}

type schemaAttribute struct {
	Since      int
	Input      int
	InputSince int    `json:"input_since"`
	Kind       string // "" of what was never an attribute
	Default    any
	Required   bool
}

// otherwise says why attributes of the table are not as ONNX has them.
var otherwise = map[string]string{
	"Clip min":                      "a missing one is no bound, not the largest float32",
	"Clip max":                      "the same",
	"DequantizeLinear output_dtype": "is refused, whatever the opset",
	"Dropout seed":                  "means nothing in inference",
	"GRU activations":               "a list of strings in files",
	"GRU hidden_size":               "0 is that of R",
	"LSTM hidden_size":              "the same",
	"RNN hidden_size":               "the same",
	"LSTM activations":              "the same",
	"RNN activations":               "the same",
	"GroupNormalization stash_type": "means nothing in inference",
	"Pad pads":                      "had another name in opset 1",
	"Pad value":                     "has another name as an input",
	"Reshape shape":                 "is required as an input",
	"Resize scales":                 "was input 1 in opset 10",
	"TopK k":                        "has another name as an input",
	"Tile repeats":                  "opset 1 has other inputs",
}

// Opsets, types, defaults and inputs of the table are ONNX's, but for the few attributes above.
func TestRowsAreONNXs(t *testing.T) {
	var schemas map[string]schema
	readJSON(t, "testdata/schemas.json", &schemas)
	for _, o := range graph.Operators() {
		s, ok := schemas[string(o.Op)]
		if !ok {
			t.Errorf("%s is not in schemas.json: run make_schemas.py", o.Op)
			continue
		}
		if o.Since != s.Since {
			t.Errorf("%s came with opset %d, not %d", o.Op, s.Since, o.Since)
		}
		if want := cmp.Or(s.Integers, graph.Never); (o.Role == graph.RolePass || o.Role == graph.RoleClamp) &&
			o.Op != graph.Relu && max(o.Integers, 10) != max(want, 10) { // Relu is a Clip of codes
			t.Errorf("%s takes integers since opset %d, not %d", o.Op, want, o.Integers)
		}
		for i := range o.Attrs {
			a := &o.Attrs[i]
			if of := s.Attributes[a.Name]; a.Scope != graph.ScopeGraph && !of.is(o, a) && otherwise[string(o.Op)+" "+a.Name] == "" {
				t.Errorf("%s: the attribute %+v is in ONNX %+v", o.Op, *a, of)
			}
		}
		for name, of := range s.Attributes {
			if _, ok := o.Attr(name); !ok && of.Kind != "" {
				t.Errorf("%s lacks the attribute %s: %+v", o.Op, name, of)
			}
		}
	}
}

// is reports whether a is the attribute. Where it was none, its type and default are our own.
func (s schemaAttribute) is(o *graph.Operator, a *graph.Attribute) bool {
	if max(a.Since, o.Since) != s.Since || a.Input != s.Input || a.InputSince != s.InputSince {
		return false
	}
	if s.Kind == "" {
		return true
	}
	missing := a.Default
	switch v := missing.(type) {
	case int:
		missing = float64(v)
	case float32:
		f, _ := s.Default.(float64)
		missing, s.Default = v, float32(f)
	}
	return a.Kind.String() == s.Kind && a.Required == s.Required && (a.Required || missing == s.Default)
}
