package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"linquant/engine"
	"linquant/pipeline"
)

// modelFlags say how a network is read and what its inputs are.
type modelFlags struct {
	arch      string
	mean, std string
	divisor   float32
	resize    int
	bgr       bool
	layout    string
	labels    string
	threads   int
	shapeFlags
}

// archFlag adds --arch.
func archFlag(c *cobra.Command, arch *string) {
	c.Flags().StringVar(arch, "arch", "", "insist that the checkpoint is of this `ARCHITECTURE`: "+strings.Join(pipeline.Architectures(), ", "))
}

func (m *modelFlags) threadsFlag(c *cobra.Command) {
	c.Flags().IntVar(&m.threads, "threads", 0, "`NUMBER` of threads that share the examples of a batch (default: one for each processor)")
}

// maxThreads keeps a slip of the finger from starting a million threads.
const maxThreads = 1024

// open reads the network. Preprocessing flags replace what the file says about it.
func (m *modelFlags) open(c *cobra.Command, name string) (*pipeline.Network, error) {
	if m.threads < 0 || m.threads > maxThreads {
		return nil, usagef("--threads %d: use 1 to %d, or 0 for one for each processor", m.threads, maxThreads)
	}
	n, err := m.shapeFlags.open(name, m.arch)
	if err != nil {
		return nil, err
	}
	if err := m.preprocess(c, n); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// open reads the network, whose inputs have the shapes that the flags say.
func (s shapeFlags) open(name, arch string) (*pipeline.Network, error) {
	cfg := pipeline.OpenConfig{Arch: arch}
	var err error
	if cfg.ONNX.Shapes, err = s.config(name); err != nil {
		return nil, err
	}
	n, err := pipeline.Open(name, cfg)
	var open *pipeline.OpenShapeError
	if errors.As(err, &open) {
		return nil, fmt.Errorf("%w; give it here with --size HEIGHTxWIDTH or --shape", open.Err)
	}
	return n, flagError(err)
}

// flagNames are the flags that set the fields of the pipeline's configurations.
var flagNames = map[string]string{
	"Arch": "--arch", "ONNX": "--size and --shape are for ONNX models", "Pattern": "--layers",
	"Calibration.Data.Spec": "--calib", "Calibration.Data.Limit": "--calib-size",
}

// flagError makes an error about a configuration one about the flag that it came from.
func flagError(err error) error {
	var field *pipeline.ConfigError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Field == "Calibration.Data":
		return usagef("--calib is missing: integers need the ranges of activations, which are measured on examples: %s", whatData)
	}
	flag := *field
	if name, ok := flagNames[field.Field]; ok {
		flag.Field = name
	}
	return usageError{&flag}
}

// compile makes the network a model.
func (m *modelFlags) compile(n *pipeline.Network) (*pipeline.Model, error) {
	return n.Compile(engine.Config{Threads: m.threads})
}

// warn prints warnings.
func warn(w io.Writer, warnings []pipeline.Warning) {
	for _, warning := range warnings {
		switch x := warning.(type) {
		case pipeline.FloatNode:
			fmt.Fprintf(w, "linquant: note: %s node %s runs in floating point: %s\n", x.Op, printable(x.Node), x.Reason)
		case pipeline.CalibratedOnTest:
			if x.Use == "" {
				fmt.Fprintf(w, "linquant: warning: %s is calibrated on and measured on: the network will look better than it is; "+
					"give --calib other examples\n", printable(x.Data))
				continue
			}
			fmt.Fprintf(w, "linquant: warning: %s\n", x.Warning())
		case pipeline.UnknownCodes: // said of the file, by quantize
		default:
			fmt.Fprintf(w, "linquant: warning: %s\n", x.Warning())
		}
	}
}

// imagesOnly adds to an error about a network that is not run on one image what there is for others.
func imagesOnly(err error) error {
	var inputs *pipeline.InputsError
	if errors.As(err, &inputs) && inputs.Inputs != 1 {
		return fmt.Errorf("%s: it has %s, and an example of DATA is for one; without DATA there are "+
			"linquant quantize --dynamic and linquant run", inputs.Name, plural(inputs.Inputs, "input"))
	}
	return err
}
