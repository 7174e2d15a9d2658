package onnx

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/lower"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/onnx/internal/write"
	"linquant/quant"
)

// ExportConfig says how a network is written. The zero value is what most runtimes read.
type ExportConfig struct {
	Format Format
	Int4   bool // weights and other constants of up to 4 bits as int4 and uint4 tensors, which opset 21 has
	Opset  int  // 7 to 25. 0: 13, the first with one scale a channel, or what operators need; 21 with Int4

	// FloatBias writes the biases of layers in integers as the reals that their codes stand for, without a DequantizeLinear: for runtimes that take
	// no codes there. QDQ alone.
	FloatBias bool

	Producer string // what makes the file; "": linquant
	Version  string // of it

	Metadata map[string]string // of the file, beside the network's own, before which it goes

	// Varying, where it is not nil, gives the model the open dimensions of the file that its network was read from. Where that is not possible
	// the shapes are those of the network, and Bound, if it is not nil, is told why.
	Varying *Varying
	Bound   func(err *BoundError)
	Fixed   bool // the shapes are those of the network, whatever Varying says

	Data *DataFile // for networks of 2 GiB and more; nil: they are an error
}

// Export writes g as an ONNX model: equal graphs and configurations give equal bytes. The batch is the dimension "N";
// shapes between nodes are written for viewers. Metadata is g's, and what ONNX has no place for under keys of linquant's:
// linquant.requant, the convention of requantization (quantized networks only); linquant.bits, bits of codes below their
// type's; linquant.whole, where the whole input is one example (graph.Whole); linquant.version.
//
// The elements of constants are written as they lie in memory, so that a model needs little more memory than g.
//
// Errors: a graph that graph.InferShapes refuses, a format that does not go with it, operators that the opset does not
// have, a model of 2 GiB without a file for its data.
func Export(w io.Writer, g *graph.Graph, cfg ExportConfig) error {
	g, err := graph.InferShapes(g)
	if err != nil {
		return err
	}
	if cfg.Fixed {
		cfg.Varying = nil
	}
	byDefault := cfg.Opset == 0
	if cfg, err = cfg.resolve(g); err != nil {
		return err
	}
	if err := plainWindows(g); err != nil {
		return err
	}
	m, err := modelOf(g, cfg, byDefault)
	if err != nil {
		return err
	}
	return cfg.Data.write(w, m)
}

// modelOf is model with the dimensions that are open, of the first opset that has its operators if that is left open.
func modelOf(g *graph.Graph, cfg ExportConfig, byDefault bool) (*onnxpb.Model, error) {
	fixed := cfg
	fixed.Varying = nil
	if v := cfg.Varying; v != nil {
		open := cfg
		if byDefault {
			open.Opset = max(open.Opset, v.opset())
		}
		m, err := atLeast(g, open, byDefault)
		if bound := (*BoundError)(nil); errors.As(err, &bound) {
			if cfg.Bound != nil {
				cfg.Bound(bound)
			}
		} else {
			return m, err
		}
	}
	return atLeast(g, fixed, byDefault)
}

// atLeast is model in the opset of the configuration, or a later one that it needs.
func atLeast(g *graph.Graph, cfg ExportConfig, byDefault bool) (*onnxpb.Model, error) {
	m, err := model(g, cfg)
	for old := (operators.OpsetError{}); byDefault && errors.As(err, &old) && old.Needs > cfg.Opset; {
		cfg.Opset = old.Needs
		m, err = model(g, cfg)
	}
	return m, err
}

// model is what is written of a network.
func model(g *graph.Graph, cfg ExportConfig) (*onnxpb.Model, error) {
	metadata := exportMetadata(g, cfg)
	r, err := lower.Graph(g, lower.Config{QOperator: cfg.Format == QOperator, Int4: cfg.Int4, FloatBias: cfg.FloatBias, Opset: cfg.Opset})
	if err != nil {
		return nil, err
	}
	if bits, ok := r.Metadata[raw.KeyBits]; ok && cfg.Format != Float {
		metadata[raw.KeyBits] = bits
	}
	write.Decompose(r, cfg.Opset)
	m, err := write.Model(r, write.Config{Opset: cfg.Opset, Int4: cfg.Int4, Producer: cfg.Producer, Version: cfg.Version})
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		m.Metadata = append(m.Metadata, onnxpb.Entry{Key: key, Value: metadata[key]})
	}
	if v := cfg.Varying; v != nil {
		fixed := *m
		of := *m.Graph
		fixed.Graph = &of
		m.Graph.Initializers = slices.Clone(m.Graph.Initializers)
		m.Graph.Inputs, m.Graph.Outputs = withDims(m.Graph.Inputs), withDims(m.Graph.Outputs)
		if err := v.apply(m, g, r, cfg.Opset); err != nil {
			return nil, err
		}
		return m, v.check(m, &fixed)
	}
	return m, nil
}

// withDims returns a copy of declarations whose dimensions can be changed.
func withDims(infos []onnxpb.ValueInfo) []onnxpb.ValueInfo {
	infos = slices.Clone(infos)
	for i := range infos {
		infos[i].Dims = slices.Clone(infos[i].Dims)
	}
	return infos
}

// resolve fills in the defaults, and checks what is left.
func (cfg ExportConfig) resolve(g *graph.Graph) (ExportConfig, error) {
	quantized := g.Quantized()
	switch {
	case cfg.Format > QOperator:
		return cfg, fmt.Errorf("format %d is not known: use float, qdq or qoperator", cfg.Format)
	case cfg.Format == Auto && quantized:
		cfg.Format = QDQ
	case cfg.Format == Auto:
		cfg.Format = Float
	case cfg.Format == Float && quantized:
		return cfg, errors.New("the network is quantized and cannot be written as float: use qdq or qoperator")
	case cfg.Format != Float && !quantized:
		return cfg, fmt.Errorf("the network is float and has no %v form: quantize it first", cfg.Format)
	}
	if cfg.Producer == "" {
		cfg.Producer = "linquant"
	}
	needed, why, common := needs(g, quantized)
	atLeast := func(opset int, what string) {
		if opset > needed {
			needed, why = opset, what
		}
	}
	if quantized {
		for _, v := range g.Values {
			if v.Quant != nil && v.Quant.Per == quant.PerChannel {
				atLeast(13, "one scale a channel")
			}
		}
	}
	if cfg.Int4 {
		atLeast(21, "int4")
	}
	if cfg.Opset == 0 {
		cfg.Opset = max(common, needed)
	}
	return cfg, cfg.suffices(needed, why)
}

// suffices returns an error unless the opset is one that is written and does for what is needed.
func (cfg ExportConfig) suffices(needed int, why string) error {
	if cfg.Opset < needed || cfg.Opset > operators.MaxOpset {
		return fmt.Errorf("opset %d does not do for %s: use %d to %d", cfg.Opset, why, needed, operators.MaxOpset)
	}
	return nil
}

// CheckOpset returns the error with which Export would refuse cfg.Opset for what a folded float network is quantized to, as far as
// its operators tell; nil for an Opset of 0. It is for asking before work of which nothing would come.
func (cfg ExportConfig) CheckOpset(g *graph.Graph) error {
	if cfg.Opset == 0 {
		return nil
	}
	g, err := graph.InferShapes(g)
	if err != nil {
		return err
	}
	needed, why, _ := needs(g, true)
	if err := cfg.suffices(needed, why); err != nil {
		return err
	}
	if err := plainWindows(g); err != nil {
		return err
	}
	_, err = model(g, ExportConfig{Format: Float, Opset: cfg.Opset})
	if old := (operators.OpsetError{}); errors.As(err, &old) {
		return err
	}
	return nil
}

// needs returns the first opset that has a network's operators, as floats or in a network that is quantized, which of them asks
// for it, and the opset that is written where nothing asks for another.
func needs(g *graph.Graph, quantized bool) (needed int, why string, common int) {
	needed, why, common = operators.FirstModern, "any network here", 13
	atLeast := func(opset int, what string) {
		if opset > needed {
			needed, why = opset, what
		}
	}
	for _, n := range g.Nodes {
		row, _ := graph.Lookup(n.Op) // graph.InferShapes has looked
		if row.Class == graph.ClassBoundary {
			continue // in a quantized network
		}
		since := row.FirstWritten()
		if !write.Decomposable(n, quantized) {
			atLeast(since, n.String())
			continue
		}
		if since <= write.LastCommon {
			common = max(common, since)
		}
		if n.Op == graph.Gelu && n.Str("approximate") == "none" {
			erf, _ := graph.Lookup(graph.Erf)
			atLeast(erf.FirstWritten(), n.String())
		}
	}
	if quantized {
		atLeast(10, "a quantized network")
	}
	return needed, why, common
}

// exportMetadata is the network's metadata and what ONNX has no place for.
func exportMetadata(g *graph.Graph, cfg ExportConfig) map[string]string {
	m := map[string]string{}
	maps.Copy(m, g.Metadata)
	maps.Copy(m, cfg.Metadata)
	for _, key := range []string{raw.KeyRequant, raw.KeyBits, raw.KeyWhole} {
		delete(m, key)
	}
	if g.Whole() {
		m[raw.KeyWhole] = "true"
	}
	if cfg.Version != "" {
		m[raw.KeyVersion] = cfg.Version
	}
	if cfg.Format != Float {
		m[raw.KeyRequant] = g.Requant.String()
	}
	return m
}
