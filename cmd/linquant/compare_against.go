package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/internal/diagnose"
	"linquant/tensor"
)

// whatAgainst says in the help what a dump is and how one is made.
const whatAgainst = "With --against it compares one quantized network with what another runtime makes of it, finds the " +
	"first layer whose integers differ, and names the likely cause: it tries the ways in which runtimes are known to " +
	"round, multiply and pad otherwise. Every layer is computed from the dump's own inputs to it, so that a " +
	"difference is not inherited. DUMP is an .npz of arrays named as the ONNX file names its values, NCHW with the " +
	"examples first: the inputs, and integers where the network has integers. With ONNX Runtime, the values that are " +
	"integers become outputs (to ask for floats keeps it from fusing layers):\n\n" + ortRecipe +
	"\nThe exit status is 1 where an integer differs, as that of cmp and diff, and 0 where all that are compared are equal.\n\n" +
	"PyTorch's integers are int_repr() of the quantized tensors that forward hooks see. linquant run --dump writes " +
	"such a file of its own."

// ortRecipe makes a dump with ONNX Runtime. A test runs it.
const ortRecipe = `  import numpy as np, onnx, onnxruntime as ort
  m = onnx.load("int8.onnx")
  m.graph.output.extend(
      onnx.ValueInfoProto(name=n.output[0]) for n in m.graph.node
      if n.op_type.startswith(("QuantizeLinear", "QLinear")))
  s = ort.InferenceSession(m.SerializeToString())
  x = {"input": np.load("x.npy")}
  names = [o.name for o in s.get_outputs()]
  np.savez("dump.npz", **x, **dict(zip(names, s.run(names, x))))
`

// againstArgs wants one network, and no flag of the comparison of two.
func againstArgs(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("%s --against: one network is wanted, not %s", c.CommandPath(), text.Plural(len(args), "argument"))
	}
	for _, flag := range []string{"data", "limit"} {
		if c.Flags().Changed(flag) {
			return cli.Usagef("--%s goes with two networks; --against takes the inputs that DUMP has", flag)
		}
	}
	return nil
}

func runAgainst(c *cobra.Command, model string, cfg compareConfig) error {
	n, err := cfg.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	if !n.Quantized() {
		return fmt.Errorf("%s: it has no integers to compare: give the quantized network", n.Name)
	}
	arrays, err := readDump(cfg.against, n.Graph())
	if err != nil {
		return err
	}
	r, err := diagnose.Compare(c.Context(), n.Graph(), arrays)
	if err != nil {
		return fmt.Errorf("%s: %w", cfg.against, err)
	}
	if cfg.asJSON {
		err = text.WriteJSON(c.OutOrStdout(), newAgainstJSON(model, cfg.against, r))
	} else {
		err = printAgainst(c.OutOrStdout(), r)
	}
	if err != nil {
		return err
	}
	return verdict(model, cfg.against, r)
}

// verdict is an error where integers differ, or none were compared, so that a script sees it.
func verdict(model, dump string, r *diagnose.Report) error {
	differ := r.Count(diagnose.Differs)
	compared := differ + r.Count(diagnose.Equal)
	switch {
	case compared == 0:
		return fmt.Errorf("%s: it has the integers of no layer of %s: nothing was compared", dump, model)
	case differ > 0:
		return fmt.Errorf("%s: the integers of %d of %s are not those of %s", dump, differ, text.Plural(compared, "layer"), model)
	}
	return nil
}

// readDump reads the arrays that are values of the network. Of others there is the name alone.
func readDump(path string, g *graph.Graph) (map[string]tensor.Tensor, error) {
	f, err := checkpoint.Open(path)
	if errors.Is(err, checkpoint.ErrFormat) {
		return nil, fmt.Errorf("%s: it is no .npz of another runtime's integers: 'linquant compare --help' says how to make one", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Format == checkpoint.NPY {
		return nil, fmt.Errorf("%s: it is one array without a name: write an .npz of arrays named like the network's values", path)
	}
	arrays := map[string]tensor.Tensor{}
	for _, t := range f.Tensors() {
		if g.Values[t.Name] == nil {
			arrays[t.Name] = tensor.Tensor{}
			continue
		}
		if arrays[t.Name], err = t.Read(); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

func printAgainst(w io.Writer, r *diagnose.Report) error {
	rows := [][]string{{"LAYER", "OPERATOR", "ELEMENTS>", "DIFFERENT>", "LARGEST STEP>"}}
	for _, l := range r.Layers {
		row := []string{text.Printable(l.Value), string(l.Op), "-", string(l.Status), "-"}
		if l.Elements > 0 {
			row[2], row[3], row[4] = text.Thousands(int64(l.Elements)), text.Thousands(int64(l.Different)), fmt.Sprint(l.MaxStep)
		}
		rows = append(rows, row)
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, line := range againstNotes(r) {
		b.WriteString(text.Wrap(line, text.Width) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// againstNotes says what the table means.
func againstNotes(r *diagnose.Report) []string {
	var notes []string
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if n := r.Count(diagnose.Missing); n > 0 {
		say("%s not in the dump: computed where a later layer needs it.", isAre(n, "layer", "layers"))
	}
	if n := r.Count(diagnose.Unreached); n > 0 {
		for _, l := range r.Layers {
			if l.Status == diagnose.Unreached {
				say("%s not compared: the dump lacks %s, which %s is computed from.", isAre(n, "layer", "layers"), text.Printable(l.Needs), text.Printable(l.Value))
				break
			}
		}
	}
	if n := len(r.Unknown); n > 0 {
		var few []string
		for _, name := range r.Unknown[:min(n, 3)] {
			few = append(few, text.Printable(name))
		}
		others := ""
		if n > len(few) {
			others = " and others"
		}
		say("%s no values of the network and left out: %s%s.", isAre(n, "array of the dump", "arrays of the dump"), strings.Join(few, ", "), others)
	}
	compared := r.Count(diagnose.Equal) + r.Count(diagnose.Differs)
	if r.First < 0 {
		if compared == 0 {
			say("No layer was compared.")
		} else if compared == 1 {
			say("The layer is equal, on %s.", text.Plural(r.Examples, "example"))
		} else {
			say("All %d layers are equal, on %s.", compared, text.Plural(r.Examples, "example"))
		}
		return notes
	}
	l := r.Layers[r.First]
	say("%s, of %d compared. The first is %s (%s): element %v is %d in the dump and %d here.",
		differs(r.Count(diagnose.Differs), "layer"), compared, text.Printable(l.Value), l.Op, tensor.Shape(l.First).String(), l.Theirs, l.Ours)
	return append(notes, causeNotes(r, l)...)
}

// causeNotes says why a layer differs.
func causeNotes(r *diagnose.Report, l diagnose.Layer) []string {
	var notes []string
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	for i, cause := range r.Causes {
		title := "Likely cause"
		if len(r.Causes) > 1 {
			title = fmt.Sprintf("Possible cause %d", i+1)
		}
		say("\n%s: %s.\n%s\n%s", title, cause.Name, cause.Explanation, cause.Remedy)
		if n := r.Count(diagnose.Differs); n > 1 {
			say("It gives the dump's integers in %d of the %d layers that differ.", cause.Layers, n)
		} else {
			say("It gives the dump's integers of this layer exactly.")
		}
	}
	switch {
	case len(r.Causes) > 1:
		say("\nEach of them gives these integers: a dump of more examples may tell them apart.")
	case len(r.Causes) == 1 && l.Different < fewElements:
		say("\nOnly %s: other causes could give the same by chance. Take a dump of more examples.", differs(l.Different, "element"))
	case len(r.Causes) == 0:
		say("\nNo likely cause: none of %s to compute the layer gives the dump's integers.", text.Plural(r.Tried, "way"))
		for _, p := range r.Patterns {
			say("  -  %s", p)
		}
		for _, near := range r.Closest {
			say("  -  close: %s, which gives %s of %s elements, ours %s", near.Name,
				text.Thousands(int64(near.Equal)), text.Thousands(int64(l.Elements)), text.Thousands(int64(l.Elements-l.Different)))
		}
	}
	for _, later := range r.Later {
		names := []string{}
		for _, cause := range later.Causes {
			names = append(names, cause.Name)
		}
		if len(names) == 0 {
			names = []string{"no cause that is known"}
		}
		say("%s differs for another reason: %s.", text.Printable(later.Value), strings.Join(names, ", or "))
	}
	for _, lesser := range r.Lesser {
		say("Less likely, for it gives this layer and fewer of the others: %s.", lesser.Name)
	}
	return notes
}

// fewElements is how many elements must differ to tell causes apart.
const fewElements = 4

// differs returns "1 element differs", "2 elements differ".
func differs(n int, what string) string {
	if n == 1 {
		return text.Plural(n, what) + " differs"
	}
	return text.Plural(n, what) + " differ"
}

// isAre returns "1 layer is", "2 layers are".
func isAre(n int, one, more string) string {
	if n == 1 {
		return "1 " + one + " is"
	}
	return text.Thousands(int64(n)) + " " + more + " are"
}
