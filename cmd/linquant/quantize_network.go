package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
	"linquant/recipe"
	"linquant/vision"
)

// networkConfig is what quantize's flags say about a whole network.
type networkConfig struct {
	flags.Model
	flags.Calibration
	exportConfig
	actBits      int
	actSigned    bool
	actSymmetric bool
	target       string
	keepEdges    bool
	overrides    []string
	requant      string
	dynamic      bool
	resume       string
	limits       budgetConfig
}

// add adds the flags that only a whole network needs, and returns them.
func (n *networkConfig) add(c *cobra.Command) []*pflag.FlagSet {
	sets := []*pflag.FlagSet{
		cli.Under(c, "A whole network, -o FILE.onnx", func() {
			n.addActivations(c)
			c.Flags().BoolVar(&n.dynamic, "dynamic", false, whatDynamic+alsoDynamic)
			n.addLayers(c)
			n.limits.add(c)
			n.exportConfig.add(c, "qdq (default) or qoperator")
			c.Flags().StringVar(&n.resume, "resume", "", "keep the layers that are reconstructed in this `DIR`, and make none again that is there")
			n.AddThreads(c)
			n.AddLabels(c)
		}),
		n.Calibration.Add(c),
		n.AddInput(c),
	}
	return sets
}

// addActivations adds the flags about the codes of activations.
func (n *networkConfig) addActivations(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&n.target, "target", "", "`RUNTIME` that the file is for, which sets what it wants: "+targetNames())
	cli.Values(c, "target", strings.Split(targetNames(), ", ")...)
	f.IntVar(&n.actBits, "act-bits", 8, "`BITS` of an activation, 2 to 8")
	f.BoolVar(&n.actSigned, "act-signed", false, "activations as int8 instead of uint8")
	f.BoolVar(&n.actSymmetric, "act-symmetric", false, "activations with their zero point in the middle of the codes")
}

// addLayers adds the flags about layers and how they compute.
func (n *networkConfig) addLayers(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&n.keepEdges, "keep-edges", false, "keep the first and the last layer at 8 bits")
	f.StringArrayVar(&n.overrides, "override", nil,
		"`PATTERN=BITS` for the layers whose name, or value, matches, with BITS as w4, a8, w4a8 or float; may be repeated, "+
			"and the later wins; in PATTERN "+flags.WhatPattern)
	f.StringVar(&n.requant, "requant", quant.ONNX.String(), "`CONVENTION` that makes accumulators codes: onnx, torch, fixed or fixed-double")
	cli.Values(c, "requant", quant.ONNX.String(), quant.Torch.String(), quant.Fixed.String(), quant.FixedDouble.String())
}

// config returns what ptq.Quantize wants.
func (n *networkConfig) config(weights ptq.WeightConfig) (ptq.Config, error) {
	cfg := ptq.Config{
		WeightBits: weights.Bits, ActBits: n.actBits, ActSigned: n.actSigned, ActSymmetric: n.actSymmetric, KeepEdges: n.keepEdges,
		Resume: n.resume,
	}
	if err := flags.CheckBits("--act-bits", n.actBits); err != nil {
		return cfg, err
	}
	if err := cfg.SetGranularity(weights.Layout.Per); err != nil {
		return cfg, cli.Usagef("--per %v: %w", weights.Layout.Per, err)
	}
	var err error
	cfg.WeightMethod = weights.Method
	if cfg.Requant, err = quant.ParseConvention(n.requant); err != nil {
		return cfg, cli.Usagef("--requant: %w", err)
	}
	for _, text := range n.overrides {
		o, err := parseOverride(text)
		if err != nil {
			return cfg, err
		}
		cfg.Overrides = append(cfg.Overrides, o)
	}
	return cfg, nil
}

// parseOverride reads PATTERN=w4a8 and the like.
func parseOverride(text string) (ptq.Override, error) {
	i := strings.LastIndexByte(text, '=')
	wrong := cli.Usagef("--override %q: write PATTERN=w4, PATTERN=a8, PATTERN=w4a8 or PATTERN=float", text)
	if i < 1 {
		return ptq.Override{}, wrong
	}
	o := ptq.Override{Pattern: text[:i]}
	what := text[i+1:]
	if what == "float" {
		o.Float = true
		return o, nil
	}
	for what != "" {
		kind, bits := what[0], 0
		what = what[1:]
		digits := strings.IndexFunc(what, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 0 {
			digits = len(what)
		}
		bits, err := strconv.Atoi(what[:digits])
		if err != nil || bits < 2 || bits > 8 {
			return o, cli.Usagef("--override %q: use 2 to 8 bits", text)
		}
		what = what[digits:]
		switch kind {
		case 'w':
			o.WeightBits = bits
		case 'a':
			o.ActBits = bits
		default:
			return o, wrong
		}
	}
	if o.WeightBits == 0 && o.ActBits == 0 {
		return o, wrong
	}
	return o, nil
}

// leastOpset returns the first opset that has what such a network is written with.
func leastOpset(cfg ptq.Config) (opset int, what string) {
	if cfg.PerTensor {
		return 10, "a quantized network"
	}
	return 13, "one scale a channel (--per channel)"
}

// inNetwork spells a pattern of the names of a checkpoint's tensors, module.conv1.weight, as the network of that checkpoint
// names its layers: conv1. Where the network has such names itself, it is left alone.
func inNetwork(pattern string, n *pipeline.Network) string {
	for _, node := range n.Graph().Nodes {
		if strings.HasPrefix(node.Name, "module.") || strings.HasSuffix(node.Name, ".weight") {
			return pattern
		}
	}
	return asLayers(pattern)
}

// asLayers spells a pattern of the names of a checkpoint's tensors as one of layers.
func asLayers(pattern string) string {
	globs := strings.Split(pattern, ",")
	for i, g := range globs {
		bare := strings.TrimPrefix(g, "!")
		globs[i] = g[:len(g)-len(bare)] + strings.TrimSuffix(strings.TrimPrefix(bare, "module."), ".weight")
	}
	return strings.Join(globs, ",")
}

// leastActBits returns the fewest bits that activations are to have.
func leastActBits(cfg ptq.Config) int {
	least := cmp.Or(cfg.ActBits, 8)
	for _, o := range cfg.Overrides {
		least = min(least, cmp.Or(o.ActBits, 8))
	}
	return least
}

// moreExamples is how many times the examples of calibration a program is asked for where more are wanted: those that choices are measured on.
const moreExamples = 4

// quantizeNetwork quantizes a whole network and writes it as ONNX.
func quantizeNetwork(c *cobra.Command, model string, weights quantizeConfig, cfg networkConfig) error {
	target := ptq.Target(cfg.target)
	if err := cfg.checkDynamic(c); err != nil {
		return err
	}
	pc, err := cfg.config(weights.WeightConfig)
	if err != nil {
		return err
	}
	cc, err := cfg.Calibration.Config(leastActBits(pc))
	if err != nil {
		return err
	}
	if c.Flags().Changed("percentile") && cc.Method != calib.Percentile && cfg.Load == "" {
		return cli.Usagef("--percentile is for --calib-method percentile, and the ranges are chosen by %v: leave it out, or give both", cc.Method)
	}
	if cfg.dynamic {
		cc = pipeline.Calibration{}
	}
	ec, err := cfg.exportConfig.config()
	if err != nil {
		return err
	}
	budget, test, err := cfg.limits.config(c, weights, model, ec.Int4)
	if err != nil {
		return err
	}
	few := func(o ptq.Override) bool { return o.WeightBits > 0 && o.WeightBits <= 4 }
	if ec.Int4 && (budget == nil || budget.Latency > 0) && pc.WeightBits > 4 && !slices.ContainsFunc(pc.Overrides, few) {
		return cli.Usagef("--int4 stores weights of up to 4 bits: give --weight-bits 4 or fewer, or --override PATTERN=w4")
	}
	if ec.Format == onnx.Float {
		return cli.Usagef("--format float: integers are written as qdq or qoperator; for the float network use linquant export")
	}
	if pc.WeightMethod == (ptq.Equalized{}) {
		for name, path := range map[string]string{"ranges": cfg.Load, "save-ranges": cfg.Save} {
			if path != "" {
				return cli.Usagef("--%s and --weights equalize exclude each other: equalization scales what layers compute, and a file of ranges "+
					"is of the network as it is; give --calib, or --dynamic", name)
			}
		}
	}
	if cfg.Save != "" {
		if err := cli.CheckEndingOf("--save-ranges", cfg.Save, ".json"); err != nil {
			return err
		}
	}
	pc.ReduceRange, ec.FloatBias = target.Demands().ReduceRange, target.Demands().FloatBias
	if least, what := leastOpset(pc); ec.Opset != 0 && ec.Opset < least {
		return cli.Usagef("--opset %d: for %s use %d to %d", ec.Opset, what, least, onnx.NewestOpset)
	}
	if err := cli.CheckOutput(c, cfg.Save); err != nil {
		return err
	}
	cfg.Arch, cfg.Root = weights.Arch, weights.Root
	cfg.Vary = true
	n, err := cfg.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	if err := weights.recipe.nameClasses(n); err != nil {
		return err
	}
	given := map[string]string{} // patterns, by what they are in the network
	for i := range pc.Overrides {
		pattern := inNetwork(pc.Overrides[i].Pattern, n)
		given[pattern], pc.Overrides[i].Pattern = pc.Overrides[i].Pattern, pattern
	}
	if err := cfg.CheckLabels(c.Context(), n); err != nil {
		return err
	}
	if ec.Opset != 0 && !n.Quantized() {
		g, err := n.Folded(c.Context())
		if err != nil {
			return err
		}
		if err := ec.CheckOpset(g); err != nil {
			return fmt.Errorf("%s: %w", weights.out, err)
		}
	}
	w := c.OutOrStdout()
	if weights.out == cli.Stdio {
		w = c.ErrOrStderr() // the file itself goes to standard output
	}
	if !cfg.dynamic && !n.Quantized() {
		if cc.Ranges, err = cfg.Calibration.Ranges(c); err != nil {
			return err
		}
	}
	p := text.NewProgress(c.ErrOrStderr())
	made, err := weights.recipe.madeOf(c, model, p.Step)
	if err != nil {
		return err
	}
	announce := w
	if weights.asJSON {
		announce = nil
	}
	// recipeOf is the recipe of a network whose weights were made in this way, and with what was chosen.
	recipeOf := func(method string, chosen []ptq.Override, made recipe.Made) (map[string]string, error) {
		told := weights
		var err error
		if told.Method, err = ptq.ParseWeightMethod(method); err != nil {
			return nil, err
		}
		// A recipe says what the defaults came to.
		size := pipeline.DefaultExamples
		if told.Method == (ptq.Reconstruct{}) {
			size = pipeline.ReconstructionExamples
		}
		for name, value := range map[string]string{"calib-method": cc.Method.String(), "calib-size": strconv.Itoa(size)} {
			if f := c.Flags().Lookup(name); !f.Changed {
				if err := f.Value.Set(value); err != nil {
					return nil, err
				}
			}
		}
		if err := setOverrides(c, cfg.overrides, chosen); err != nil {
			return nil, err
		}
		return told.recipe.metadata(c, model, told, made)
	}
	if budget != nil {
		budget.Write = func(w io.Writer, n *pipeline.Network, overrides []ptq.Override) error {
			hashed, counted := made, ec
			hashed.Calib = strings.Repeat("0", 64)
			var err error
			if counted.Metadata, err = recipeOf(methodUnder(pc, overrides), overrides[len(pc.Overrides):], hashed); err != nil {
				return err
			}
			if cfg.pixels() {
				if n, err = n.WithPixels(); err != nil {
					return err
				}
			}
			return n.Export(w, counted)
		}
	}
	if !cfg.dynamic && cc.Ranges == nil && !n.Quantized() {
		times := 1
		if budget != nil {
			times = moreExamples
		}
		done, err := cfg.Feed(c.Context(), n, &cc.Data, times)
		if err != nil {
			return err
		}
		defer done()
	}
	r, err := pipeline.Quantize(c.Context(), pipeline.Config{
		Network: n, Quant: pc, Calibration: cc, Dynamic: cfg.dynamic, Threads: cfg.Threads, Budget: budget, Test: test,
		Progress: showOnce(p, announce, cc.Method),
	})
	p.End()
	if err != nil {
		err = explainBudget(err, ec.Int4)
		if of := (*ptq.OverrideError)(nil); errors.As(err, &of) && given[of.Pattern] != "" {
			of.Pattern = given[of.Pattern] // in the user's spelling
		}
		return cfg.Explained(err)
	}
	flags.Warn(c.ErrOrStderr(), r.Warnings)
	if r.Preparation != nil {
		use := "it is only written into the file"
		if cfg.pixels() {
			use = "it is only what the network's own nodes do to pixels"
		}
		cfg.WarnPixels(c, *r.Preparation, cmp.Or(cc.Data.Spec, model), use)
	}
	if slices.Contains(r.Warnings, pipeline.Warning(pipeline.UnknownCodes{})) {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: %s does not say which codes its ranges were chosen for: they are used as they are\n", cfg.Load)
	}
	export := r.Export
	if cfg.pixels() {
		if r.Preparation == nil || !r.Preparation.Pixels { // else it is said already
			flags.Warn(c.ErrOrStderr(), r.Network.Preparation(nil).Warnings())
		}
		raw, err := r.WithPixels()
		if err != nil {
			return cfg.explainPixels(err)
		}
		export = raw.Export
	}
	if made.Calib = r.ExamplesSHA256; cfg.Load != "" {
		if made.Ranges, err = weights.recipe.hash(c, cfg.Load); err != nil {
			return err
		}
	}
	var chosen []ptq.Override
	if r.Choice != nil {
		chosen = r.Choice.Overrides[len(pc.Overrides):]
	}
	if ec.Metadata, err = recipeOf(r.Report.WeightMethod, chosen, made); err != nil {
		return err
	}
	weights.recipe.warn(c, cfg.Load, made)
	saturating := maySaturate(r.Network, target, pc, ec.Format)
	if err := writeONNX(c, weights.out, ec, export); err != nil {
		return err
	}
	if cfg.Save != "" {
		if err := cli.WriteFile(c, cfg.Save, r.Ranges.Write); err != nil {
			return err
		}
	}
	if r.Choice != nil {
		if err := cfg.limits.draw(c, model, r.Choice); err != nil {
			return err
		}
	}
	if weights.asJSON {
		j := newNetworkJSON(c, model, weights.out, pc, ec.Int4, r.Report)
		j.MaySaturate = saturating
		j.Recipe, j.Choice = weights.recipe.json(), newChoiceJSON(r)
		if r.Preparation != nil {
			j.Pixels = flags.NewPixels(*r.Preparation)
		}
		return text.WriteJSON(w, j)
	}
	_, _, _, image := vision.ImageShape(n.InputShape(), n.Preprocess().ChannelsLast)
	if cfg.Load != "" && r.Preparation == nil && image {
		prepared := n.Preparation(nil)
		defer func() { flags.PrintPixels(w, "Input", prepared) }()
	}
	defer printSaturation(w, saturating, target)
	defer printEdges(w, r.Report.Layers, target, pc)
	return printNetworkReport(c, w, []string{cfg.limits.pareto, cfg.Save, weights.out}, ec.Int4, r)
}
