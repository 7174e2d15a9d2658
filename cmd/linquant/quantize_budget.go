package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/figure"
	"linquant/pipeline"
	"linquant/ptq"
)

// budgetConfig is what quantize's flags say about a budget.
type budgetConfig struct {
	budget  string
	maxDrop float64
	data    string
	pareto  string
}

func (b *budgetConfig) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&b.budget, "budget", "", "`BOUND` under which the bits of the weights of each layer (2, 3, 4, 6 or 8) are chosen, so that the "+
		"outputs lose least: size=300kB, of the whole file, in which a code takes a byte, or with --int4 half of one up to 4 bits; "+
		"packed=300kB, of all constants, codes packed at their bits; or latency=2ms, of one example on one thread, within which layers stay floats. B, kB, MB, KiB or MiB")
	f.Float64Var(&b.maxDrop, "max-drop", 0, "choose bits of layers for the smallest network that loses at most so many `POINTS` of top-1 to the float one, on --data; "+
		"with --int4 the file is the smallest, else the packed constants; beside --budget, within that too")
	f.StringVar(&b.data, "data", "", "labelled `DATA` for --max-drop: it is chosen by every second example, and measured on the others; with --budget alone, "+
		"only measured on")
	f.StringVar(&b.pareto, "pareto", "", "draw what other budgets would give in this `FIGURE`, .png or .svg")
	cli.MarkOutput(c, "pareto")
	cli.Prefixes(c, "budget", "size=", "packed=", "latency=")
	cli.Prefixes(c, "data", flags.DataKinds...)
}

// byteUnits are the units of sizes.
var byteUnits = []struct {
	name  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"kB", 1e3}, {"MB", 1e6}, {"B", 1}}

// parseBytes reads 300kB and the like, down to a whole byte.
func parseBytes(s string) (int64, error) {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if v *= u.bytes; err != nil || !(v >= 1) || v > 1<<53 {
			break
		}
		return int64(v), nil
	}
	return 0, errors.New("write a number of bytes of 1 or more and its unit, such as 300kB: B, kB, MB, KiB or MiB")
}

// given reports whether there is a budget.
func (b *budgetConfig) given(c *cobra.Command) bool {
	return b.budget != "" || c.Flags().Changed("max-drop")
}

// config returns what the pipeline wants; nil without a budget. weights are what the flags say about them.
func (b *budgetConfig) config(c *cobra.Command, weights quantizeConfig, model string, int4 bool) (*pipeline.Budget, pipeline.Data, error) {
	var test pipeline.Data
	wrong := func(format string, args ...any) (*pipeline.Budget, pipeline.Data, error) {
		return nil, test, cli.Usagef(format, args...)
	}
	if c.Flags().Changed("budget") && b.budget == "" {
		return wrong("--budget \"\": write size=300kB, packed=300kB or latency=2ms")
	}
	if !b.given(c) {
		switch {
		case c.Flags().Changed("data"):
			return wrong("--data is what --budget and --max-drop measure on: give one of them, or --calib for examples to calibrate on")
		case c.Flags().Changed("pareto"):
			return wrong("--pareto is for --budget and --max-drop: give one of them")
		}
		return nil, test, nil
	}
	p := &pipeline.Budget{Int4: int4}
	if b.budget != "" {
		what, value, _ := strings.Cut(b.budget, "=")
		var err error
		switch what {
		case "size":
			p.File, err = parseBytes(value)
		case "packed":
			p.Packed, err = parseBytes(value)
		case "latency":
			if p.Latency, err = time.ParseDuration(value); err != nil || p.Latency <= 0 {
				err = errors.New("write a time and its unit, such as 2ms or 800us")
			}
		default:
			return wrong("--budget %q: write size=300kB, packed=300kB or latency=2ms", b.budget)
		}
		if err != nil {
			return wrong("--budget %q: %w", b.budget, err)
		}
	}
	if c.Flags().Changed("max-drop") {
		if !(b.maxDrop >= 0 && b.maxDrop <= 100) {
			return wrong("--max-drop %g: use 0 to 100 points", b.maxDrop)
		}
		if p.Latency > 0 {
			return wrong("--max-drop and --budget latency exclude each other: give one, and measure the other with 'linquant check' or 'linquant bench'")
		}
		p.MaxDrop = &b.maxDrop
		if b.data == "" && model != pipeline.Builtin {
			return wrong("--data is missing: --max-drop is a drop of accuracy, which is measured on labelled examples: %s", flags.WhatData)
		}
	}
	if test.Spec = b.data; p.MaxDrop != nil && b.data == "" {
		test.Spec = pipeline.Builtin
	}
	switch {
	case p.Latency == 0 && weights.Bits != 8:
		return wrong("--weight-bits %d: the bits of weights are chosen under the budget: leave it out, or give --override for single layers", weights.Bits)
	case c.Flags().Changed("resume"):
		return wrong("--resume keeps the layers of one network, and several are made under a budget: leave it out")
	case c.Flags().Changed("ranges"):
		return wrong("--ranges says nothing about what layers lose under a budget, which is measured on examples: give --calib")
	case weights.Method == (ptq.Equalized{}):
		return wrong("--weights equalize makes another float network than the one that what layers lose is held against: use reconstruct, mse or nearest")
	}
	if b.pareto != "" {
		if err := cli.CheckEndingOf("--pareto", b.pareto, figureEndings...); err != nil {
			return nil, test, err
		}
		if err := cli.CheckOutput(c, b.pareto); err != nil {
			return nil, test, err
		}
	}
	return p, test, nil
}

// overrideText writes an override as its flag takes it.
func overrideText(o ptq.Override) string {
	switch {
	case o.Float:
		return o.Pattern + "=float"
	case o.ActBits == 0:
		return fmt.Sprintf("%s=w%d", o.Pattern, o.WeightBits)
	case o.WeightBits == 0:
		return fmt.Sprintf("%s=a%d", o.Pattern, o.ActBits)
	}
	return fmt.Sprintf("%s=w%da%d", o.Pattern, o.WeightBits, o.ActBits)
}

// setOverrides gives --override what was given, and what was chosen.
func setOverrides(c *cobra.Command, given []string, chosen []ptq.Override) error {
	list := slices.Clone(given)
	for _, o := range chosen {
		list = append(list, overrideText(o))
	}
	return c.Flags().Lookup("override").Value.(pflag.SliceValue).Replace(list)
}

// methodUnder is how weights are made with these overrides, where there are examples.
func methodUnder(cfg ptq.Config, overrides []ptq.Override) string {
	switch {
	case cfg.WeightMethod != nil:
		return cfg.WeightMethod.String()
	case slices.ContainsFunc(overrides, func(o ptq.Override) bool { return 0 < o.WeightBits && o.WeightBits < 8 }):
		return ptq.Reconstruct{}.String()
	}
	return ptq.AbsMax{}.String()
}

// explainBudget adds to an error about a size that cannot be met what would make the file smaller.
func explainBudget(err error, int4 bool) error {
	if of := (*pipeline.BudgetError)(nil); errors.As(err, &of) && of.What == "size" && !int4 {
		return fmt.Errorf("%w: each code takes a byte in the file; --int4 stores those of up to 4 bits two a byte, and packed=SIZE counts codes at their bits", err)
	}
	return err
}

// draw draws the curve.
func (b *budgetConfig) draw(c *cobra.Command, name string, choice *pipeline.Choice) error {
	if b.pareto == "" {
		return nil
	}
	var points []figure.Point
	largest := int64(0)
	for _, p := range choice.Curve {
		largest = max(largest, p.Bytes)
	}
	unit, in := 1e3, "kB"
	if largest >= 10e6 {
		unit, in = 1e6, "MB"
	}
	axis := "constants with codes packed, " + in
	if choice.InFile {
		axis = "file, " + in
	}
	for _, p := range choice.Curve {
		x := float64(p.Bytes) / unit
		if choice.Latency > 0 {
			axis, x = "time of an example that its layers add up to, ms", p.Time.Seconds()*1e3
		}
		if math.IsInf(p.Predicted.SQNR, 0) || math.IsNaN(p.Predicted.SQNR) {
			continue // nothing is lost
		}
		pt := figure.Point{X: x, Y: p.Predicted.SQNR, Marked: p.Chosen}
		if p.Chosen {
			pt.Label = "chosen; measured " + text.Decibels(choice.Measured.SQNR)
		}
		points = append(points, pt)
	}
	f, err := figure.Curve("Bits chosen by layer: "+name, axis, "signal to noise of the outputs, predicted, dB", points)
	if err != nil {
		return fmt.Errorf("--pareto %s: %w", text.Printable(b.pareto), err)
	}
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(b.pareto)), ".")
	return cli.WriteFile(c, b.pareto, func(w io.Writer) error { return figure.Encode(w, format, f) })
}

// bitsInWords says how many layers have which bits: "3 w2, 5 w4".
func bitsInWords(bits []int) string {
	counts := map[int]int{}
	for _, b := range bits {
		counts[b]++
	}
	var list []string
	for b := range 9 {
		switch {
		case counts[b] == 0:
		case b == 0:
			list = append(list, fmt.Sprintf("%d float", counts[b]))
		default:
			list = append(list, fmt.Sprintf("%d w%d", counts[b], b))
		}
	}
	return strings.Join(list, ", ")
}

// printChoice prints what was chosen, what other budgets would give, and what was measured on which examples.
func printChoice(w io.Writer, made *pipeline.Result) error {
	c := made.Choice
	if c == nil {
		return nil
	}
	timed := c.Latency > 0
	heading := []string{"CHOSEN", "BITS>"}
	for _, o := range c.Layers[0].Options {
		switch {
		case o.Bits == 0:
			heading = append(heading, "FLOAT>")
		case timed:
			heading = append(heading, "INTEGERS>", "OUTPUTS>")
		default:
			heading = append(heading, fmt.Sprintf("W%d>", o.Bits))
		}
	}
	rows := [][]string{heading}
	for _, l := range c.Layers {
		row := []string{text.Printable(l.Node), bitsName(l.Options[l.Picked].Bits)}
		for _, o := range l.Options {
			if timed {
				row = append(row, o.Time.Round(100*time.Nanosecond).String())
			}
			if !timed || o.Bits > 0 {
				row = append(row, text.Decibels(o.Loss.SQNR))
			}
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(w)
	if err := text.Table(w, rows); err != nil {
		return err
	}
	heading = []string{"BUDGET>", "PREDICTED>", "LAYERS"}
	drops := slices.ContainsFunc(c.Curve, func(p pipeline.ChoicePoint) bool { return p.Drop != nil })
	if drops {
		heading = append(heading, "TOP-1>")
	}
	rows = [][]string{append(heading, "")}
	for _, p := range c.Curve {
		cost := text.Thousands(p.Bytes)
		if timed {
			cost = p.Time.Round(time.Microsecond).String()
		}
		row := []string{cost, text.Decibels(p.Predicted.SQNR), bitsInWords(p.Bits)}
		if drops {
			drop := ""
			if p.Drop != nil {
				drop = text.Points(-*p.Drop / 100)
			}
			row = append(row, drop)
		}
		mark := ""
		if p.Chosen {
			mark = "chosen"
		}
		rows = append(rows, append(row, mark))
	}
	fmt.Fprintln(w)
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	gap := "the least noise that can be had, proven"
	if c.Gap > 0 {
		gap = fmt.Sprintf("within %.2g%% of the least noise that can be had", 100*c.Gap)
	}
	switch {
	case timed:
		fmt.Fprintf(w, "Chosen by what layers take and lose: %v for an example on one thread, measured\n", c.Latency.Round(time.Microsecond))
	case c.InFile:
		fmt.Fprintf(w, "Chosen by what each layer alone costs the outputs: a file of %s bytes, %s\n", text.Thousands(c.Bytes), gap)
	default:
		fmt.Fprintf(w, "Chosen by what each layer alone costs the outputs: constants of %s bytes with codes packed, %s\n", text.Thousands(c.Bytes), gap)
	}
	on := "the same, since there are no others"
	if c.HeldOut {
		on = text.Plural(c.Verified, "example") + " behind those, which had no part in it"
	}
	fmt.Fprintf(w, "Measured on %s of --calib behind the calibration's, and verified on %s: %s at the outputs\n", text.Plural(c.Examples, "example"), on,
		text.Decibels(c.Measured.SQNR))
	if a := made.Accuracy; a != nil {
		on := "of --data"
		if c.DropExamples > 0 {
			on = fmt.Sprintf("of --data that had no part in the choice, for which there were %s", text.Thousands(int64(c.DropExamples)))
		}
		fmt.Fprintf(w, "Top-1 on %s %s: %s, and %s as floats (%s points, 95%% %s to %s)\n", text.Plural(a.N, "example"), on, text.Percent(a.Network.Fraction()),
			text.Percent(a.Reference.Fraction()), text.Points(a.Value()), text.Points(a.Interval.Low), text.Points(a.Interval.High))
	}
	return nil
}

func bitsName(bits int) string {
	if bits == 0 {
		return "float"
	}
	return "w" + strconv.Itoa(bits)
}

// choiceJSON is what quantize --json says of a budget.
type choiceJSON struct {
	Bytes     int64              `json:"bytes"`
	Of        string             `json:"of"` // file, or packed constants
	Latency   *float64           `json:"latency_ms,omitempty"`
	Predicted *float64           `json:"predicted_sqnr_db"`
	Gap       float64            `json:"gap"` // by which fraction the noise may be more than the least
	Measured  *float64           `json:"measured_sqnr_db"`
	Examples  int                `json:"chosen_on_n"`
	Verified  int                `json:"verified_on_n"`
	HeldOut   bool               `json:"held_out"`
	DropN     int                `json:"drop_chosen_on_n,omitempty"`
	Layers    []chosenLayerJSON  `json:"layers"`
	Curve     []choicePointJSON  `json:"curve"`
	Accuracy  *diagnosedAccuracy `json:"accuracy,omitempty"`
	Overrides []string           `json:"overrides"`
}

type chosenLayerJSON struct {
	Node    string            `json:"node"`
	Bits    int               `json:"weight_bits,omitempty"` // 0: float
	Options []layerOptionJSON `json:"options"`
}

type layerOptionJSON struct {
	Bits  int      `json:"weight_bits,omitempty"`
	Bytes int64    `json:"bytes,omitempty"`
	Time  *float64 `json:"time_ms,omitempty"`
	Loss  *float64 `json:"output_sqnr_db"`
}

type choicePointJSON struct {
	Bytes     int64    `json:"bytes,omitempty"`
	Time      *float64 `json:"time_ms,omitempty"`
	Predicted *float64 `json:"predicted_sqnr_db"`
	Bits      []int    `json:"weight_bits"` // by layer
	Chosen    bool     `json:"chosen,omitempty"`
	Drop      *float64 `json:"drop_points,omitempty"`
}

// inMilliseconds returns a time for JSON; nil where there is none.
func inMilliseconds(t time.Duration) *float64 {
	if t == 0 {
		return nil
	}
	ms := milliseconds(t)
	return &ms
}

func newChoiceJSON(r *pipeline.Result) *choiceJSON {
	c := r.Choice
	if c == nil {
		return nil
	}
	j := &choiceJSON{
		Bytes: c.Bytes, Of: "packed", Latency: inMilliseconds(c.Latency), Predicted: text.Finite(c.Predicted.SQNR), Gap: c.Gap, Measured: text.Finite(c.Measured.SQNR),
		Examples: c.Examples, Verified: c.Verified, HeldOut: c.HeldOut, DropN: c.DropExamples, Accuracy: newDiagnosedAccuracy(r.Accuracy), Overrides: []string{},
	}
	if c.InFile {
		j.Of = "file"
	}
	for _, l := range c.Layers {
		layer := chosenLayerJSON{Node: l.Node, Bits: l.Options[l.Picked].Bits}
		for _, o := range l.Options {
			layer.Options = append(layer.Options, layerOptionJSON{o.Bits, o.Bytes, inMilliseconds(o.Time), text.Finite(o.Loss.SQNR)})
		}
		j.Layers = append(j.Layers, layer)
	}
	for _, p := range c.Curve {
		j.Curve = append(j.Curve, choicePointJSON{p.Bytes, inMilliseconds(p.Time), text.Finite(p.Predicted.SQNR), p.Bits, p.Chosen, p.Drop})
	}
	for _, o := range c.Overrides {
		j.Overrides = append(j.Overrides, overrideText(o))
	}
	return j
}
