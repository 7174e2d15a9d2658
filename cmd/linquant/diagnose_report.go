package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
)

func printDiagnosis(c *cobra.Command, cfg *diagnoseConfig, d *pipeline.Diagnosis) error {
	w := c.OutOrStdout()
	heading := []string{"LAYER", "OPERATOR", "BITS", "ALONE>", "COSINE>", "ALL>", "OUTPUTS>", "SHARE>", "RANGE USED>", "CLIPPED>", "ODD CHANNELS"}
	if d.Accuracy != nil {
		heading = append(heading, "TOP-1>")
	}
	rows := [][]string{heading}
	for _, l := range d.Layers {
		used, clipped := "", ""
		if l.Value != "" {
			used, clipped = fmt.Sprintf("%.0f%%", 100*l.RangeUse), fmt.Sprintf("%.3f%%", 100*l.Clipped)
		}
		row := []string{
			text.Printable(cmp.Or(l.Node, l.Value)), cmp.Or(string(l.Op), "input"), diagnosedBits(l), text.Decibels(l.Alone.SQNR),
			fmt.Sprintf("%.4f", l.Alone.Cosine), text.Decibels(l.All.SQNR), text.Decibels(l.Output.SQNR), fmt.Sprintf("%.1f%%", 100*l.Share),
			used, clipped, oddChannels(l),
		}
		if d.Accuracy != nil {
			top := ""
			if l.Accuracy != nil {
				top = text.Points(l.Accuracy.Value())
			}
			row = append(row, top)
		}
		rows = append(rows, row)
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nIn integers the outputs have %s to the float network's, on %s; weights: %s, ranges: %v\n", text.Decibels(d.Output.SQNR),
		comparedOn(d), d.Weights, d.Method)
	if a := d.Accuracy; a != nil {
		fmt.Fprintf(w, "Top-1 on %s: %s, and %s as floats (%s points)\n", text.Plural(a.N, "example"), text.Percent(a.Network.Fraction()),
			text.Percent(a.Reference.Fraction()), text.Points(a.Value()))
	}
	flags.PrintPixels(w, "Calibrated on", d.Preparation)
	if err := printRemedies(w, d); err != nil {
		return err
	}
	if cfg.recipe != "" && cfg.recipe != cli.Stdio {
		return cli.Saved(c, w, cfg.recipe)
	}
	return nil
}

// comparedOn says which examples outputs were compared on.
func comparedOn(d *pipeline.Diagnosis) string {
	if d.HeldOut {
		return text.Plural(d.Compared, "example") + " that it was not calibrated on"
	}
	return text.Plural(d.Compared, "example") + " of calibration"
}

// mostRemedies is how many remedies are listed.
const mostRemedies = 12

func printRemedies(w io.Writer, d *pipeline.Diagnosis) error {
	rows := [][]string{{"WHAT HELPS", "OUTPUTS>", "GAIN>", "SIZE>"}}
	for _, r := range d.Remedies {
		if len(rows) > mostRemedies || !(r.Gain >= 0.05) {
			break
		}
		rows = append(rows, []string{asFlag(r), text.Decibels(r.Output.SQNR), fmt.Sprintf("%+.1f dB", r.Gain), sign(r.Bytes)})
	}
	fmt.Fprintln(w)
	if len(rows) == 1 {
		_, err := fmt.Fprintf(w, "Nothing of what was tried helps: %s.\n", text.Plural(len(d.Remedies), "change"))
		return err
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if len(d.Kept) == 0 {
		_, err := fmt.Fprintln(w, "Together they do not help.")
		return err
	}
	var list []string
	for _, r := range d.Kept {
		list = append(list, asFlag(r))
	}
	fmt.Fprintf(w, "Together: %s\n", strings.Join(list, " "))
	fmt.Fprintf(w, "With these the outputs have %s instead of %s, and constants %s instead of %s, codes packed\n", text.Decibels(d.MendedOutput.SQNR),
		text.Decibels(d.Output.SQNR), text.Megabytes(d.MendedBytes), text.Megabytes(d.PackedBytes))
	if a := d.MendedAccuracy; a != nil {
		fmt.Fprintf(w, "Top-1: %s instead of %s (%s points to the float network's)\n", text.Percent(a.Network.Fraction()),
			text.Percent(d.Accuracy.Network.Fraction()), text.Points(a.Value()))
	}
	return nil
}

// asFlag says a remedy as it is given to quantize.
func asFlag(r pipeline.Remedy) string {
	flag, value := changes(r)
	switch flag {
	case "keep-edges":
		return "--keep-edges"
	case "override":
		return "--override '" + text.Printable(value) + "'"
	}
	return "--" + flag + " " + value
}

func sign(bytes int64) string {
	switch {
	case bytes > 0:
		return "+" + text.Megabytes(bytes)
	case bytes < 0:
		return "-" + text.Megabytes(-bytes)
	}
	return ""
}

// diagnosedBits says the bits of a layer as overrides do.
func diagnosedBits(l pipeline.Diagnosed) string {
	bits := ""
	if l.WeightBits > 0 {
		bits = "w" + strconv.Itoa(l.WeightBits)
	}
	if l.ActBits > 0 {
		bits += "a" + strconv.Itoa(l.ActBits)
	}
	return bits
}

// oddChannels names the channels that stand out most.
func oddChannels(l pipeline.Diagnosed) string {
	const most = 2
	var list []string
	for i, c := range l.Channels {
		if i == most {
			list = append(list, fmt.Sprintf("%d more", len(l.Channels)-most))
			break
		}
		list = append(list, fmt.Sprintf("%d (%.3gx)", c.Channel, c.Ratio))
	}
	return strings.Join(list, ", ")
}

// diagnosisJSON is what diagnose --json prints. Losses in dB are null where nothing is lost, or there is no signal.
type diagnosisJSON struct {
	Model       string                `json:"model"`
	Weights     string                `json:"weights"`
	CalibMethod string                `json:"calib_method"`
	CalibN      int                   `json:"calib_n"`
	ComparedN   int                   `json:"compared_n"`
	HeldOut     bool                  `json:"held_out"` // what was compared on is none of what was calibrated on
	Output      *float64              `json:"output_sqnr_db"`
	Cosine      *float64              `json:"output_cosine"`
	PackedBytes int64                 `json:"packed_bytes"`
	Accuracy    *diagnosedAccuracy    `json:"accuracy,omitempty"`
	Layers      []diagnosedLayerJSON  `json:"layers"`
	Remedies    []diagnosedRemedyJSON `json:"remedies"`
	Kept        []string              `json:"kept"` // flags of quantize
	Mended      *mendedJSON           `json:"mended,omitempty"`
	Recipe      string                `json:"recipe,omitempty"`
	DryRun      bool                  `json:"dry_run,omitempty"`
	Input       *flags.Pixels         `json:"input"`
}

type diagnosedAccuracy struct {
	N          int             `json:"n"`
	Top1       float64         `json:"top1"`
	Float      float64         `json:"float_top1"`
	Difference *differenceJSON `json:"difference"`
}

type mendedJSON struct {
	Output      *float64           `json:"output_sqnr_db"`
	Cosine      *float64           `json:"output_cosine"`
	PackedBytes int64              `json:"packed_bytes"`
	Accuracy    *diagnosedAccuracy `json:"accuracy,omitempty"`
}

type diagnosedLayerJSON struct {
	Node         string           `json:"node,omitempty"`
	Op           string           `json:"op,omitempty"`
	Value        string           `json:"value,omitempty"`
	WeightBits   int              `json:"weight_bits,omitempty"`
	ActBits      int              `json:"act_bits,omitempty"`
	Alone        *float64         `json:"alone_sqnr_db"`
	AloneCosine  *float64         `json:"alone_cosine"`
	All          *float64         `json:"all_sqnr_db"`
	AllCosine    *float64         `json:"all_cosine"`
	Output       *float64         `json:"output_sqnr_db"`
	OutputCosine *float64         `json:"output_cosine"`
	Share        float64          `json:"share"`
	RangeUse     float64          `json:"range_use"`
	Clipped      float64          `json:"clipped"`
	Channels     []oddChannelJSON `json:"odd_channels,omitempty"`
	Difference   *differenceJSON  `json:"difference,omitempty"`
}

type oddChannelJSON struct {
	Channel int     `json:"channel"`
	Ratio   float64 `json:"ratio"`
}

type diagnosedRemedyJSON struct {
	Flag   string   `json:"flag"`
	Output *float64 `json:"output_sqnr_db"`
	Gain   *float64 `json:"gain_db"`
	Bytes  int64    `json:"packed_bytes_more"`
}

func newDiagnosedAccuracy(a *pipeline.Difference) *diagnosedAccuracy {
	if a == nil {
		return nil
	}
	return &diagnosedAccuracy{a.N, a.Network.Fraction(), a.Reference.Fraction(), newDifferenceJSON(a.Difference)}
}

func newDiagnosisJSON(c *cobra.Command, model string, cfg *diagnoseConfig, d *pipeline.Diagnosis) diagnosisJSON {
	j := diagnosisJSON{
		Model: model, Weights: d.Weights, CalibMethod: d.Method.String(), CalibN: d.Examples, ComparedN: d.Compared, HeldOut: d.HeldOut,
		Output: text.Finite(d.Output.SQNR), Cosine: text.Finite(d.Output.Cosine), PackedBytes: d.PackedBytes,
		Accuracy: newDiagnosedAccuracy(d.Accuracy), Remedies: []diagnosedRemedyJSON{}, Kept: []string{}, Recipe: cfg.recipe,
		DryRun: cli.DryRun(c), Input: flags.NewPixels(d.Preparation),
	}
	for _, l := range d.Layers {
		row := diagnosedLayerJSON{
			Node: l.Node, Op: string(l.Op), Value: l.Value, WeightBits: l.WeightBits, ActBits: l.ActBits, Share: l.Share, RangeUse: l.RangeUse, Clipped: l.Clipped,
			Alone: text.Finite(l.Alone.SQNR), AloneCosine: text.Finite(l.Alone.Cosine), All: text.Finite(l.All.SQNR), AllCosine: text.Finite(l.All.Cosine),
			Output: text.Finite(l.Output.SQNR), OutputCosine: text.Finite(l.Output.Cosine),
		}
		for _, odd := range l.Channels {
			row.Channels = append(row.Channels, oddChannelJSON(odd))
		}
		if l.Accuracy != nil {
			row.Difference = newDifferenceJSON(*l.Accuracy)
		}
		j.Layers = append(j.Layers, row)
	}
	for _, r := range d.Remedies {
		gain := text.Finite(r.Gain)
		if math.IsInf(r.Gain, 0) {
			gain = nil
		}
		j.Remedies = append(j.Remedies, diagnosedRemedyJSON{asFlag(r), text.Finite(r.Output.SQNR), gain, r.Bytes})
	}
	for _, r := range d.Kept {
		j.Kept = append(j.Kept, asFlag(r))
	}
	if len(d.Kept) > 0 {
		j.Mended = &mendedJSON{text.Finite(d.MendedOutput.SQNR), text.Finite(d.MendedOutput.Cosine), d.MendedBytes, newDiagnosedAccuracy(d.MendedAccuracy)}
	}
	return j
}
