package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/tensor"
)

// checkTop refuses --top for what is no classifier, and labels that are not as many as its classes.
func (r *runner) checkTop(cfg runConfig) error {
	if cfg.top == 0 {
		return nil
	}
	out := r.Outputs()
	if len(out) != 1 {
		return fmt.Errorf("%s: classes are printed of one output, and it has %d, %q and others: choose one with --output NAME, "+
			"or write them with -o FILE", r.Name, len(out), out[0].Name)
	}
	classes, err := out[0].Shape.Elements()
	if err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	if classes != longest(out[0].Shape) {
		return fmt.Errorf("%s: classes are printed of an output with a number for each, and %q has the shape %v: "+
			"write it with -o FILE", r.Name, out[0].Name, out[0].Shape)
	}
	if cfg.Labels == "" {
		return nil
	}
	if labels := len(r.Preprocess.Labels); labels != classes {
		return cfg.ExplainLabels(&pipeline.LabelsError{Name: r.Name, Labels: labels, Classes: classes})
	}
	return nil
}

// longest returns the longest dimension.
func longest(s tensor.Shape) int {
	n := 1
	for _, d := range s {
		n = max(n, d)
	}
	return n
}

// runJSON is what run --json prints.
type runJSON struct {
	Model    string        `json:"model"`
	Input    *flags.Pixels `json:"input"`
	Examples []exampleJSON `json:"examples,omitempty"`
	Outputs  []outputJSON  `json:"outputs,omitempty"`
	DryRun   bool          `json:"dry_run,omitempty"` // nothing was written
}

type exampleJSON struct {
	File    string      `json:"file,omitempty"` // of an image
	Classes []classJSON `json:"classes"`
}

type classJSON struct {
	Class       int      `json:"class"`
	Label       string   `json:"label,omitempty"`
	Probability *float32 `json:"probability"` // null where it is not finite
}

// probability returns p for JSON.
func probability(p float32) *float32 {
	if text.Finite(float64(p)) == nil {
		return nil
	}
	return &p
}

type outputJSON struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	File  string `json:"file"`
}

// prepared says what became of the first input.
func (r *runner) prepared() pipeline.Preparation {
	p := r.Preparation(nil)
	p.Pixels, p.Type = r.pixels, r.numbers
	return p
}

// report writes what was computed.
func (r *runner) report(c *cobra.Command, cfg runConfig, t *targets) error {
	prepared := r.prepared()
	flags.Warn(c.ErrOrStderr(), append(prepared.Warnings(), r.odd...))
	j := runJSON{Model: r.Name, Input: flags.NewPixels(prepared), DryRun: cli.DryRun(c)}
	if t.any() {
		var arrays []array
		for i, out := range r.Outputs() {
			shape := append(tensor.Shape{r.batch}, out.Shape...)
			if out.Whole && r.batch == 1 {
				shape = out.Shape
			}
			a, err := tensor.Of(shape, r.results[i])
			if graph.Counts(out.DType) {
				a, err = graph.CountsOf(shape, r.results[i], out.DType)
			}
			if err != nil {
				return err
			}
			arrays = append(arrays, array{out.Name, a})
			file := t.files[out.Name]
			if file == "" {
				file = t.out
			}
			j.Outputs = append(j.Outputs, outputJSON{out.Name, a.Shape, file})
		}
		if err := t.write(c, arrays, cfg.asJSON); err != nil {
			return err
		}
	}
	if cfg.top > 0 {
		size, undefined := len(r.results[0])/r.batch, 0
		for i := range r.batch {
			e := exampleJSON{Classes: []classJSON{}}
			if len(r.files) > 0 {
				e.File = r.files[i]
			}
			y := r.results[0][i*size : (i+1)*size]
			top := r.Top(y, cfg.top)
			if slices.ContainsFunc(y, func(v float32) bool { return probability(v) == nil }) {
				undefined++
			}
			for _, class := range top {
				e.Classes = append(e.Classes, classJSON{class.Index, class.Label, probability(class.Probability)})
			}
			j.Examples = append(j.Examples, e)
		}
		if undefined > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "linquant: note: outputs of %s are infinite or no numbers: look at the input\n",
				text.Plural(undefined, "example"))
		}
	}
	w := c.OutOrStdout()
	if t.out == cli.Stdio {
		w = c.ErrOrStderr() // the array went to standard output
	}
	if cfg.asJSON {
		return text.WriteJSON(w, j)
	}
	if err := j.print(w); err != nil || !r.pixels && r.numbers == tensor.Invalid {
		return err
	}
	if len(j.Examples) > 0 {
		fmt.Fprintln(w)
	}
	flags.PrintPixels(w, "Input", prepared)
	return nil
}

func (j *runJSON) print(w io.Writer) error {
	if len(j.Examples) == 0 {
		return nil
	}
	rows := [][]string{{"IMAGE", "CLASS>", "LABEL", "PROBABILITY>"}}
	for i, e := range j.Examples {
		name := text.Printable(e.File)
		if e.File == "" {
			rows[0][0] = "EXAMPLE"
			name = strconv.Itoa(i)
		}
		for _, class := range e.Classes {
			label := "-"
			if class.Label != "" {
				label = text.Printable(class.Label)
			}
			chance := "-"
			if class.Probability != nil {
				chance = text.Percent(float64(*class.Probability))
			}
			rows = append(rows, []string{name, strconv.Itoa(class.Class), label, chance})
			name = ""
		}
	}
	return text.Table(w, rows)
}
