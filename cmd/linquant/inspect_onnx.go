package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/internal/ended"
	"linquant/pipeline"
	"linquant/vision"
)

// modelInspection is what inspect says of an ONNX file: the facts first, which stand in the file, and what follows from
// them where the network can be read.
type modelInspection struct {
	File      string `json:"file"`
	Format    string `json:"format"`
	FileBytes int64  `json:"file_bytes"` // with the files of external data, where the network can be read
	*pipeline.Description

	Unsupported []string `json:"unsupported_operators"`
	Problem     string   `json:"problem,omitempty"` // why the network cannot be read, or run

	*pipeline.Inspection

	Pixels *flags.Pixels `json:"pixels,omitempty"` // how they become the first input, where the file says it

	Metadata map[string]string `json:"metadata,omitempty"`

	prepared *pipeline.Preparation // that Pixels says
}

// takesImages reports whether the network's first input is an image.
func takesImages(n *pipeline.Network) bool {
	_, _, _, ok := vision.ImageShape(n.InputShape(), n.Preprocess().ChannelsLast)
	return ok
}

// inspectONNX reads the facts, and the network as far as it goes.
func inspectONNX(c *cobra.Command, path string, model flags.ONNX) (*modelInspection, error) {
	ctx := c.Context()
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	in := &modelInspection{File: path, Format: "ONNX", FileBytes: info.Size(), Metadata: map[string]string{}}
	if in.Description, err = pipeline.Describe(path); err != nil {
		return nil, err
	}
	if in.Description != nil && model.Given() {
		cfg, err := model.Config(path)
		if err != nil {
			return nil, err
		}
		if len(model.Inputs)+len(model.Outputs) > 0 {
			if in.Description, err = pipeline.DescribePart(ctx, path, cfg); err != nil {
				return nil, flags.Hinted(path, err)
			}
		}
		in.Inputs = slices.DeleteFunc(in.Inputs, func(d pipeline.Declaration) bool { _, bound := cfg.Constants[d.Name]; return bound })
	}
	n, err := model.Open(c, path, "", "")
	if in.Description == nil {
		if err == nil {
			n.Close()
			err = fmt.Errorf("%s: the file changed while it was read", path)
		}
		return nil, err
	}
	in.Unsupported = []string{}
	for _, o := range in.Operators {
		if !o.Supported {
			in.Unsupported = append(in.Unsupported, operatorName(o))
		}
	}
	maps.Copy(in.Metadata, in.Description.Metadata)
	var usage cli.UsageError
	switch {
	case errors.As(err, &usage), ctx.Err() != nil:
		return nil, cmp.Or(err, ended.Err(ctx))
	case err != nil:
		in.Problem = problem(err)
		return in, nil
	}
	defer n.Close()
	in.FileBytes = n.Size
	if p := n.Preparation(nil); takesImages(n) && (p.By != pipeline.SaidByNobody || p.How.Inside != nil) {
		in.prepared, in.Pixels = &p, flags.NewPixels(p)
	}
	if in.Inspection, err = n.Inspect(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		in.Problem = problem(err)
	}
	return in, nil
}

// problem is what is wrong with a network, without its name.
func problem(err error) string {
	var of *pipeline.NetworkError
	if errors.As(err, &of) {
		err = of.Err
	}
	return text.OneLine(err)
}

// operatorName is the operator with its domain, where that is not ONNX's own.
func operatorName(o pipeline.Operator) string {
	if o.Domain == "" {
		return o.Operator
	}
	return o.Domain + "." + o.Operator
}

func declaration(io pipeline.Declaration) string {
	shape := "of unknown shape"
	if io.Shape != nil {
		dims := make([]string, len(io.Shape))
		for i, d := range io.Shape {
			dims[i] = fmt.Sprint(d)
		}
		shape = text.Printable("[" + strings.Join(dims, ", ") + "]")
	}
	return fmt.Sprintf("%s %s %s", text.Printable(io.Name), io.DType, shape)
}

func (in *modelInspection) print(w io.Writer, layers bool) error {
	var opsets []string
	for _, o := range in.Opsets {
		if o.Domain != "" && !slices.ContainsFunc(in.Operators, func(op pipeline.Operator) bool { return op.Domain == o.Domain }) {
			continue // tools name every domain that they know
		}
		version := strconv.FormatInt(o.Version, 10)
		if o.Domain != "" {
			version = text.Printable(o.Domain) + " " + version
		}
		opsets = append(opsets, version)
	}
	made := ""
	if in.Producer != "" {
		made = ", made by " + text.Printable(strings.TrimSpace(in.Producer+" "+in.ProducerVersion))
	}
	fmt.Fprintf(w, "%s: ONNX of opset %s, IR version %d%s\n", text.Printable(in.File), strings.Join(opsets, ", "), in.IRVersion, made)
	for _, io := range in.Inputs {
		fmt.Fprintf(w, "input %s\n", declaration(io))
	}
	for _, io := range in.Outputs {
		fmt.Fprintf(w, "output %s\n", declaration(io))
	}
	meta := inspection{Metadata: in.Metadata}
	meta.printMetadata(w)
	if in.prepared != nil {
		flags.PrintPixels(w, "Input", *in.prepared)
	}
	fmt.Fprintln(w)
	rows := [][]string{{"OPERATOR", "NODES>", "READ"}}
	for _, o := range in.Operators {
		read := "yes"
		if !o.Supported {
			read = "no"
		}
		rows = append(rows, []string{text.Printable(operatorName(o)), text.Thousands(int64(o.Count)), read})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if in.Inspection == nil {
		fmt.Fprintf(w, "%s in %s\n", text.Plural(in.InitializerElems, "element"), text.Plural(in.Initializers, "initializer"))
	} else if err := printInspection(w, in.Inspection, layers); err != nil {
		return err
	}
	if in.Problem != "" {
		fmt.Fprintf(w, "linquant cannot run it: %s\n", in.Problem)
	}
	return nil
}
