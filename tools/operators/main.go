// Operators writes docs/operators.md: what is known of every operator of ONNX that linquant reads, and how many of
// ONNX's own tests of it pass.
//
//	go run ./tools/operators > docs/operators.md
//
// The tests are those of internal/testing/conformance: Debian's libonnx-testdata, or the folder LINQUANT_ONNX_TESTDATA.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/testing/conformance"
	"linquant/onnx"
)

func main() {
	results, err := conformance.Run(conformance.Folder())
	if err == nil {
		out := bufio.NewWriter(os.Stdout)
		if err = write(out, results); err == nil {
			err = out.Flush()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "operators:", err)
		os.Exit(1)
	}
}

// tally counts the tests that have an operator.
type tally struct{ all, passed, ran int }

func write(w io.Writer, results []conformance.Result) error {
	counts, total := map[string]*tally{}, tally{all: len(results)}
	reasons := map[string]int{}
	for _, r := range results {
		ran := r.Err == nil && r.Engine == nil
		if ran {
			total.ran++
		}
		if r.Err == nil {
			total.passed++
		} else {
			reasons[conformance.Reason(r.Err)]++
		}
		if r.Err == nil && r.Engine != nil && !errors.As(r.Engine, &conformance.Refused{}) {
			return fmt.Errorf("%s: the engine: %w", r.Name, r.Engine)
		}
		for _, op := range r.Operators {
			c := counts[op]
			if c == nil {
				c = &tally{}
				counts[op] = c
			}
			c.all++
			if r.Err == nil {
				c.passed++
			}
			if ran {
				c.ran++
			}
		}
	}
	fmt.Fprintf(w, head, onnx.NewestOpset, total.passed, total.all, total.ran, list(reasons))
	for _, o := range onnx.Operators() {
		row(w, o, counts)
	}
	_, err := fmt.Fprint(w, missing(counts))
	return err
}

const head = `# Operators

What linquant reads of ONNX, up to opset %d, and of ONNX Runtime's own domain. Written by

` + "```sh" + `
go run ./tools/operators > docs/operators.md
` + "```" + `

- **becomes**: the operators of ` + "`graph`" + ` that run; "constant": computed while a model is read, of constants and shapes alone,
  in any type but strings and complex numbers. A "+" says that it is both.
- **float**, **integer**: runs in floating point, and on 8-bit codes. What has no integer form runs in floating point inside a
  quantized network and is listed by ` + "`inspect`" + `.
- **written**: an exported file has it under this name. Others are written as what they became.
- **tests**: those of ONNX (` + "`node`, `simple`, `pytorch-operator` and `pytorch-converted`" + ` of libonnx-testdata, opsets 1 to 17) that have
  the operator: how many pass, of how many; in brackets those that also ran in the engine.

%d of %d tests pass, %d of them in the engine too. The others are listed one by one, with their errors, in
` + "`internal/testing/conformance/testdata/failing.txt`" + `, and a test holds the list to be true: %s. The
wrong ones are of Resize, where ONNX Runtime computes what linquant does, and of GridSample, where the test has four digits.

| operator | since opset | becomes | float | integer | written | tests |
|---|--:|---|:-:|:-:|:-:|--:|
`

func row(w io.Writer, o onnx.Operator, counts map[string]*tally) {
	float, integer, written := "", "", ""
	becomes := make([]string, len(o.Graph))
	for i, op := range o.Graph {
		becomes[i] = string(op)
		float = "✓"
		if i == 0 && !graph.FloatOnly(&graph.Node{Op: op}) {
			integer = "✓"
		}
		if string(op) == o.Name && o.Domain == "" {
			written = "✓"
		}
	}
	switch {
	case len(o.Graph) == 0:
		becomes = []string{"constant"}
	case o.Constants:
		becomes[0] += " +"
	}
	switch o.Name {
	case "QLinearConv", "QLinearMatMul":
		written = "✓"
	case "DynamicQuantizeLSTM": // an LSTM that multiplies codes
		integer, written = "✓", "✓"
	}
	name, tests := o.Name, ""
	if o.Domain != "" {
		name = o.Domain + "." + name
	} else if c := counts[o.Name]; c != nil {
		tests = fmt.Sprintf("%d of %d (%d)", c.passed, c.all, c.ran)
	}
	fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s | %s |\n", name, o.Since, strings.Join(becomes, ", "), float, integer, written, tests)
}

// missing lists the operators of tests that are not read.
func missing(counts map[string]*tally) string {
	for _, o := range onnx.Operators() {
		if o.Domain == "" {
			delete(counts, o.Name)
		}
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Sprintf("\nNot read, and refused by name: %s.\n", strings.Join(names, ", "))
}

// list formats counts, the largest first.
func list(counts map[string]int) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(words, ", ")
}
