package onnx

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/quant"
)

// ExportConfig says how a network is written. The zero value is what most runtimes read.
type ExportConfig struct {
	Format   Format
	Int4     bool   // codes of up to 4 bits as int4 and uint4 tensors, which opset 21 has
	Opset    int    // 7 to 25. 0: 13, the first with one scale a channel, or what operators need; 21 with Int4
	Producer string // what makes the file; "": linquant
	Version  string // of it
}

// Export writes g as an ONNX model: equal graphs and configurations give equal bytes. The batch is the dimension "N";
// shapes between nodes are written for viewers. Metadata is g's, and what ONNX has no place for under keys of linquant's:
// linquant.requant, the convention of requantization (quantized networks only); linquant.bits, bits of codes below their
// type's; linquant.version.
//
// The elements of constants are written as they lie in memory, so that a model needs little more memory than g.
//
// Errors: a graph that graph.InferShapes refuses, a format that does not go with it, operators that the opset does not
// have, a model of 2 GiB.
func Export(w io.Writer, g *graph.Graph, cfg ExportConfig) error {
	g, err := graph.InferShapes(g)
	if err != nil {
		return err
	}
	if cfg, err = cfg.resolve(g); err != nil {
		return err
	}
	metadata := exportMetadata(g, cfg)
	r, err := lower(g, cfg)
	if err != nil {
		return err
	}
	if bits, ok := r.Metadata[bitsKey]; ok && cfg.Format != Float {
		metadata[bitsKey] = bits
	}
	spell(r, cfg.Opset)
	m, err := writeRaw(r, cfg)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		m.Metadata = append(m.Metadata, onnxpb.Entry{Key: key, Value: metadata[key]})
	}
	return m.Write(w)
}

// resolve fills in the defaults, and checks what is left.
func (cfg ExportConfig) resolve(g *graph.Graph) (ExportConfig, error) {
	quantized := g.Quantized()
	switch {
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
	needed, why, common := firstModern, "any network here", 13
	atLeast := func(opset int, what string) {
		if opset > needed {
			needed, why = opset, what
		}
	}
	for _, n := range g.Nodes {
		since := sinceOpset[n.Op]
		if !spellable(n, quantized) {
			atLeast(since, n.String())
			continue
		}
		if since <= lastCommon {
			common = max(common, since)
		}
		if n.Op == graph.Gelu && n.Attrs.Str("approximate", "none") == "none" {
			atLeast(sinceOpset[graph.Erf], n.String())
		}
	}
	if quantized {
		atLeast(10, "a quantized network")
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
	if cfg.Opset < needed || cfg.Opset > maxOpset {
		return cfg, fmt.Errorf("opset %d does not do for %s: use %d to %d", cfg.Opset, why, needed, maxOpset)
	}
	return cfg, nil
}

// exportMetadata is the network's metadata and what ONNX has no place for.
func exportMetadata(g *graph.Graph, cfg ExportConfig) map[string]string {
	m := map[string]string{}
	maps.Copy(m, g.Metadata)
	for _, key := range []string{keyRequant, bitsKey} {
		delete(m, key)
	}
	if cfg.Version != "" {
		m[keyVersion] = cfg.Version
	}
	if cfg.Format != Float {
		m[keyRequant] = g.Requant.String()
	}
	return m
}

// irVersion returns the version of the file format that goes with an opset: that of the first ONNX release with both,
// but at least 4, in which initializers are no inputs.
func irVersion(opset int) int64 {
	switch {
	case opset <= 9:
		return 4
	case opset == 10:
		return 5
	case opset == 11:
		return 6
	case opset <= 14:
		return 7
	case opset <= 18:
		return 8
	case opset <= 20:
		return 9
	case opset <= 22:
		return 10
	case opset == 23:
		return 11
	case opset == 24:
		return 12
	}
	return 13
}
