// Package flags has the flags that several verbs share: which model, which data, how it is calibrated; and says of the
// pipeline's errors which flag would help.
package flags

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/engine"
	"linquant/models"
	"linquant/onnx"
	"linquant/pipeline"
)

// Model says how a network is read and what its inputs are.
type Model struct {
	Arch      string
	Root      string
	prepare   string // --preprocess
	mean, std string
	divisor   float32
	resize    int
	bgr       bool
	layout    string
	Labels    string
	Threads   int
	Pair      bool // two networks are prepared alike: what takes raw pixels is none of them
	ONNX
}

// AddCheckpoint adds --arch and --root, which say what a checkpoint is.
func AddCheckpoint(c *cobra.Command, arch, root *string) {
	AddRoot(c, root)
	c.Flags().StringVar(arch, "arch", "", "insist that the checkpoint is of this `ARCHITECTURE`: "+strings.Join(models.Architectures(), ", "))
	cli.Values(c, "arch", models.Architectures()...)
}

// Beside says what of a checkpoint is left out, and how it is chosen.
func Beside(groups []checkpoint.Group) string {
	const most = 6
	list := make([]string, 0, most+1)
	for _, g := range groups[:min(len(groups), most)] {
		list = append(list, fmt.Sprintf("%s (%s, %s)", text.Printable(g.Root), text.Plural(g.Tensors, "tensor"), text.Megabytes(g.Bytes)))
	}
	if more := len(groups) - most; more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return "left out: " + strings.Join(list, ", ") + "; --root KEY chooses what is under a key, --root . all"
}

// AddRoot adds --root.
func AddRoot(c *cobra.Command, root *string) {
	c.Flags().StringVar(root, "root", "", "take the tensors under this `KEY` of a checkpoint, such as model_ema, or . for all that are in it")
}

// AddThreads adds --threads.
func (m *Model) AddThreads(c *cobra.Command) {
	c.Flags().IntVar(&m.Threads, "threads", 0, "`NUMBER` of threads that share the examples of a batch (default: one for each processor)")
}

// MaxThreads keeps a slip of the finger from starting a million threads.
const MaxThreads = 1024

// Open reads the network. Preprocessing flags replace what the file says about it.
func (m *Model) Open(c *cobra.Command, name string) (*pipeline.Network, error) {
	if m.Threads < 0 || m.Threads > MaxThreads {
		return nil, cli.Usagef("--threads %d: use 1 to %d, or 0 for one for each processor", m.Threads, MaxThreads)
	}
	n, err := m.ONNX.Open(c, name, m.Arch, m.Root)
	if err != nil {
		return nil, err
	}
	if len(n.Beside) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: %s: %s\n", text.Printable(name), Beside(n.Beside))
	}
	if err := m.preprocess(c, n); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Open reads the network, of which the flags say what it leaves open, and says on standard error what was assumed.
func (o ONNX) Open(c *cobra.Command, name, arch, root string) (*pipeline.Network, error) {
	cfg := pipeline.OpenConfig{Arch: arch, Root: root, Vary: o.Vary}
	var err error
	if cfg.ONNX, err = o.Config(name); err != nil {
		return nil, err
	}
	n, err := pipeline.Open(c.Context(), name, cfg)
	if err != nil {
		return nil, Error(Hinted(name, err))
	}
	Warn(c.ErrOrStderr(), n.Assumed)
	return n, nil
}

// Hinted adds to the error about a model which flag would help.
func Hinted(name string, err error) error {
	hint := ""
	var condition *onnx.ConditionError
	var open *onnx.OpenShapeError
	var cut *onnx.CutError
	var unknown *onnx.UnknownValueError
	switch {
	case errors.As(err, &condition) && len(condition.Inputs) > 0:
		hint = "here with"
		for _, in := range condition.Inputs {
			hint += " --constant " + text.Quoted(in+"=VALUE")
		}
	case errors.As(err, &open):
		hint = "give it here with --shape " + text.Quoted(open.Input+"=DxD…")
		if inputs, err := pipeline.Inputs(name); err == nil {
			for _, in := range inputs {
				if in.Name != open.Input || in.Dims == nil {
					continue
				}
				if hint = "give it here with --shape " + text.Quoted(in.Name+"="+asDims(in.Dims)); len(in.Dims) == 4 {
					hint = "give it here with --size HEIGHTxWIDTH or --shape"
				}
			}
		}
	case errors.As(err, &cut):
		hint = "linquant extract " + text.Quoted(name)
		for _, out := range cut.Outputs {
			hint += " --output " + text.Quoted(out)
		}
		hint += " -o part.onnx"
	case errors.As(err, &unknown) && strings.Contains(unknown.Value, "."):
		hint = "a file to write is given as -o FILE, and values are listed by linquant inspect --by-layer"
	default:
		return err
	}
	var of *pipeline.NetworkError
	if errors.As(err, &of) {
		return &pipeline.NetworkError{Name: of.Name, Err: fmt.Errorf("%w; %s", of.Err, hint)}
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// Compile makes the network a model.
func (m *Model) Compile(ctx context.Context, n *pipeline.Network) (*pipeline.Model, error) {
	return n.Compile(ctx, engine.Config{Threads: m.Threads})
}

// WhatModel describes MODEL in help texts.
const WhatModel = "MODEL is an ONNX file, a checkpoint whose architecture is recognised, or builtin."

// ThreadCount returns how many threads --threads stands for.
func ThreadCount(flag int) int {
	if flag > 0 {
		return flag
	}
	return runtime.GOMAXPROCS(0)
}
