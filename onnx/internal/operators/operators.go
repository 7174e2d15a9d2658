// Package operators says what a node of a file has in the opset of the file, by the rows of package raw, and which files
// are refused.
package operators

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/raw"
)

// The opsets of ONNX that are read. Those before 7 had attributes that are gone: see read/legacy.go.
const MinOpset, MaxOpset = 1, 25

// Inputs returns how many inputs a node of a file has, without those at the end that are left out.
func Inputs(o *graph.Operator) graph.Arity {
	if o.File != (graph.Arity{}) {
		return o.File
	}
	n := o.Inputs
	for i := range o.Attrs {
		a := &o.Attrs[i]
		if a.Input == 0 {
			continue
		}
		if n.Most = max(n.Most, a.Input+1); a.Required && a.InputSince == a.Since {
			n.Least = max(n.Least, a.Input+1)
		}
	}
	return n
}

// Attribute returns the attribute that nodes of a file have in an opset, nil where there is none of the name: ignored is
// true for one that changes nothing in inference.
func Attribute(o *graph.Operator, name string, opset int64) (a *graph.Attribute, ignored bool) {
	a, ok := o.Attr(name)
	switch {
	case !ok || a.Scope == graph.ScopeGraph:
		return nil, false
	case a.Scope == graph.ScopeIgnored:
		return a, true
	case a.Input != 0 && (a.InputSince == a.Since || opset >= int64(a.InputSince)):
		return nil, false
	}
	return a, false
}

// advice says what to do about well-known operators that are not read.
var advice = map[string]string{
	"ConvInteger":           DynamicAdvice,
	"MatMulInteger":         DynamicAdvice,
	"DynamicQuantizeLinear": DynamicAdvice,
	"Compress":              DataAdvice,
	"NonMaxSuppression":     DataAdvice,
	"Unique":                DataAdvice,
	"Loop":                  loopAdvice,
	"Scan":                  loopAdvice,
	"SequenceMap":           loopAdvice,
}

const loopAdvice = "export the model with its loops unrolled, for a fixed number of steps"

// advise says what to do about an operator that is not read; "" where nothing better is known than of any.
func advise(n *onnxpb.Node) string {
	switch text, ok := advice[n.Op]; {
	case Domain(n.Domain) == "ai.onnx.ml":
		return "linquant runs neural networks, and no trees, kernels or tables of classical models: run these before or behind it, or export " +
			"the network alone"
	case Domain(n.Domain) != "":
		return ""
	case ok:
		return text
	case strings.Contains(n.Op, "Sequence"):
		return "lists of tensors are not read: export the model so that it joins them with Concat, or pass them as outputs"
	}
	return ""
}

// inside lists the operators of the networks that a node's attributes are, with how often each stands there.
func inside(n *onnxpb.Node) []string {
	const deepest = 8
	counts := map[string]int{}
	var visit func(n *onnxpb.Node, depth int)
	visit = func(n *onnxpb.Node, depth int) {
		for i := range n.Attrs {
			if n.Attrs[i].Graph == nil || depth >= deepest {
				continue
			}
			g, err := onnxpb.ReadGraph(n.Attrs[i].Graph)
			if err != nil {
				continue
			}
			for k := range g.Nodes {
				counts[word(g.Nodes[k].Op)]++
				visit(&g.Nodes[k], depth+1)
			}
		}
	}
	visit(n, 0)
	var list []string
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		if counts[op] > 1 {
			op = fmt.Sprintf("%s ×%d", op, counts[op])
		}
		list = append(list, op)
	}
	return list
}

// DataAdvice is for operators that make as many elements as the values say.
const DataAdvice = "how many elements it makes depends on the values, and shapes are known here before a network runs: read the model up to " +
	"a value before it"

const DynamicAdvice = "scales that are found while the model runs are supported for layers with constant weights, as " +
	"ONNX Runtime's quantize_dynamic writes them: quantize the float model with linquant"

// Op is the name of a node's operator in the raw form.
func Op(n *onnxpb.Node) graph.Op {
	if d := Domain(n.Domain); d != "" {
		return graph.Op(d + "." + n.Op)
	}
	return graph.Op(n.Op)
}

// Domain gives the two names of ONNX's own domain as one.
func Domain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// Opsets returns the opset of every domain.
func Opsets(m *onnxpb.Model) (map[string]int64, error) {
	v := make(map[string]int64, len(m.Opsets))
	for _, o := range m.Opsets {
		v[Domain(o.Domain)] = max(o.Version, v[Domain(o.Domain)])
	}
	own, ok := v[""]
	switch {
	case !ok && len(m.Opsets) == 0:
		return nil, fault.Errorf("the model says of no opset that it needs it: it is damaged, or no ONNX file")
	case ok && (own < MinOpset || own > MaxOpset):
		return nil, fmt.Errorf("the model is of opset %d: linquant reads %d to %d; convert it with "+
			"onnx.version_converter, or export it again", own, MinOpset, MaxOpset)
	}
	return v, nil
}

// Opset returns that of a node's domain: of the function that it stands in, or of the model.
func Opset(n *onnxpb.Node, model map[string]int64) int64 {
	if n.Inline != nil && n.Inline.Opsets != nil {
		model = n.Inline.Opsets
	}
	return model[Domain(n.Domain)]
}

// early has the operators that ONNX Runtime had in ONNX's own domain before ONNX did: its optimizer writes them into models of
// any opset.
var early = map[graph.Op]bool{graph.LayerNormalization: true}

// Since is the first opset whose files have an operator.
func Since(row *graph.Operator) int {
	if early[row.Op] {
		return 1
	}
	return row.Since
}

// Known returns one error for all operators that are not read.
func Known(nodes []onnxpb.Node, opsets map[string]int64) error {
	missing := &fault.Unsupported{}
	seen := map[graph.Op]bool{}
	for i := range nodes {
		n := &nodes[i]
		op, version := Op(n), Opset(n, opsets)
		row, ok := raw.Lookup(op)
		if ok && (version >= int64(Since(row)) || Domain(n.Domain) != "") {
			continue
		}
		if n.Inline != nil && n.Inline.Within != "" {
			missing.Values = append(missing.Values, n.Inline.Within)
		} else {
			missing.Values = append(missing.Values, n.Outputs...)
		}
		if seen[op] {
			continue
		}
		seen[op] = true
		switch {
		case missing.Remedy != "":
		case ok:
			missing.Remedy = fmt.Sprintf("%s came with opset %d: the model is damaged", n.Op, row.Since)
		default:
			missing.Remedy = advise(n)
		}
		d := word(Domain(n.Domain))
		if d == "" {
			d = "ai.onnx"
		}
		missing.Operators = append(missing.Operators, fault.Operator{Op: word(n.Op), Domain: d, Opset: version, Node: NodeName(n), Inside: inside(n)})
	}
	if len(missing.Operators) == 0 {
		return nil
	}
	if missing.Remedy == "" {
		missing.Remedy = "replace them in the model, export it as plain operators of ONNX, or read it up to a value before them"
	}
	return missing
}

// word keeps what should be an identifier on one line.
func word(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

// NodeName is the name of a node, or its first output where it has none.
func NodeName(n *onnxpb.Node) string {
	if n.Name == "" && len(n.Outputs) > 0 {
		return n.Outputs[0]
	}
	return n.Name
}

// FirstModern is the first opset without them.
const FirstModern = 7
