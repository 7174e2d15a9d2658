package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/internal/cpu"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
)

// whatTarget describes --target in help texts.
const whatTarget = "--target sets what a runtime wants, and refuses flags that say otherwise. ort: weights of 7 of the 8 bits where layers read codes of 8, " +
	"since ONNX Runtime adds products in pairs to 16 bits on processors with AVX2 and without VNNI, and saturates. openvino: the same, as QDQ. " +
	"tensorrt: signed symmetric activations, biases as reals, QDQ. qnn: unsigned affine activations, one scale a tensor for weights unless --per says " +
	"channel, QDQ. tflite: signed affine activations, symmetric weights, QDQ."

// targetNames lists the targets for people.
func targetNames() string {
	var names []string
	for _, t := range ptq.Targets() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// applyTarget sets the flags that --target has demands of. A flag that was given and says otherwise is an error.
func (n *networkConfig) applyTarget(c *cobra.Command) error {
	t, err := ptq.ParseTarget(n.target)
	if err != nil {
		return cli.Usagef("--target: %w", err)
	}
	if t == "" {
		return nil
	}
	d := t.Demands()
	type demand struct{ flag, value string }
	demands := []demand{
		{"act-signed", strconv.FormatBool(d.ActSigned)}, {"act-symmetric", strconv.FormatBool(d.ActSymmetric)}, {"requant", quant.ONNX.String()},
	}
	if d.FullBits {
		demands = append(demands, demand{"act-bits", "8"}, demand{"weight-bits", "8"}, demand{"int4", "false"})
	}
	if d.QDQ {
		demands = append(demands, demand{"format", onnx.QDQ.String()})
	}
	if d.Static {
		demands = append(demands, demand{"dynamic", "false"})
	}
	for _, want := range demands {
		f := c.Flags().Lookup(want.flag)
		if f == nil { // of another verb
			continue
		}
		switch now := f.Value.String(); {
		case now == want.value:
		case f.Changed:
			return cli.Usagef("--%s %s and --target %s exclude each other: %s wants --%s %s", want.flag, text.Printable(now), t, t, want.flag, want.value)
		default:
			if err := f.Value.Set(want.value); err != nil {
				return err
			}
		}
	}
	if d.FullBits {
		if err := n.fullBits(c, t); err != nil {
			return err
		}
	}
	if per := c.Flags().Lookup("per"); d.PerTensor && per != nil && !per.Changed {
		return per.Value.Set(quant.PerTensor.String())
	}
	return nil
}

// fullBits refuses what gives layers fewer than 8 bits: overrides, and budgets under which bits are chosen.
func (n *networkConfig) fullBits(c *cobra.Command, t ptq.Target) error {
	chosen := ""
	if f := c.Flags().Lookup("max-drop"); f != nil && f.Changed {
		chosen = "max-drop"
	}
	if n.limits.budget != "" && !strings.HasPrefix(n.limits.budget, "latency=") {
		chosen = "budget"
	}
	if chosen != "" {
		return cli.Usagef("--%s and --target %s exclude each other: bits of weights would be chosen, and %s wants 8", chosen, t, t)
	}
	for _, given := range n.overrides {
		o, err := parseOverride(given)
		if err != nil {
			return err
		}
		if cmp.Or(o.WeightBits, 8) != 8 || cmp.Or(o.ActBits, 8) != 8 {
			return cli.Usagef("--override %q and --target %s exclude each other: %s wants 8 bits of weights and activations; "+
				"PATTERN=float is allowed", given, t, t)
		}
	}
	return nil
}

// printEdges says so where the target takes a bit of the layers that --keep-edges keeps at 8.
func printEdges(w io.Writer, layers []ptq.LayerReport, t ptq.Target, cfg ptq.Config) {
	if !cfg.KeepEdges || !cfg.ReduceRange || len(layers) == 0 {
		return
	}
	var edges []string
	for i, l := range layers {
		if (i == 0 || i == len(layers)-1) && l.Bits == 7 {
			edges = append(edges, l.Node)
		}
	}
	if len(edges) > 0 {
		fmt.Fprintf(w, "Note: --keep-edges says 8 bits, and weights of %s have 7: --target %s wants that, so that sums do not saturate; --override PATTERN=w8 "+
			"gives 8\n", some(edges), t)
	}
}

// maySaturate lists the layers of which ONNX Runtime may saturate sums on processors without instructions for int8, where the file is for it.
func maySaturate(n *pipeline.Network, t ptq.Target, cfg ptq.Config, format onnx.Format) []string {
	switch t {
	case "", ptq.ONNXRuntime, ptq.OpenVINO:
	default:
		return nil // other processors
	}
	if cfg.ActSigned && format == onnx.QOperator {
		return nil // kernels without vector instructions
	}
	return n.PairsSaturate()
}

// printSaturation says so where this processor is one.
func printSaturation(w io.Writer, layers []string, t ptq.Target) {
	if tier, err := cpu.FromEnv(); err != nil || tier != cpu.AVX2 || runtime.GOARCH != "amd64" || len(layers) == 0 {
		return
	}
	remedy := "give --target ort, or set its session.x64quantprecision to 1"
	if t != "" {
		remedy = "leave out the overrides that give them 8 bits"
	}
	fmt.Fprintf(w, "Note: on processors with AVX2 and without VNNI, as this one, ONNX Runtime may saturate sums of %s (%s): %s\n",
		text.Plural(len(layers), "layer"), some(layers), remedy)
}

// some lists the first of many names.
func some(names []string) string {
	const most = 3
	var list []string
	for _, name := range names[:min(most, len(names))] {
		list = append(list, text.Printable(name))
	}
	if len(names) > most {
		list = append(list, "…")
	}
	return strings.Join(list, ", ")
}
