package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/pipeline"
	"linquant/quant"
	"linquant/tensor"
)

// selection says which tensors of a checkpoint a command treats.
type selection struct {
	pattern string // --layers
	arch    string // --arch
}

// layersFlag adds --layers.
func layersFlag(c *cobra.Command, pattern *string) {
	c.Flags().StringVar(pattern, "layers", "", "only tensors whose name matches the glob `PATTERN`, such as 'layer1.*'")
}

// weights returns the tensors to treat.
func (s *selection) weights(f *checkpoint.File) ([]*checkpoint.Tensor, error) {
	weights, err := pipeline.WeightsConfig{Arch: s.arch, Pattern: s.pattern}.Select(f)
	return weights, explainWeights(err)
}

// explainWeights adds to an error about which weights there are the flags that choose them.
func explainWeights(err error) error {
	var none *pipeline.NoWeightsError
	switch {
	case !errors.As(err, &none):
		return flagError(err)
	case none.Pattern != "":
		return fmt.Errorf("%s: no floating-point tensor's name matches --layers %q; names are listed by 'linquant inspect'", none.Path, none.Pattern)
	}
	return fmt.Errorf("%w; choose with --layers GLOB, names are listed by 'linquant inspect'", err)
}

// sharing says which elements of a weight share a scale.
type sharing struct {
	per   string // --per
	group int    // --group-size
}

// perFlag adds --per.
func perFlag(c *cobra.Command, per *string) {
	c.Flags().StringVar(per, "per", "channel", "the weights of a `WHAT` share a scale: tensor, channel or group")
}

// groupSizeFlag adds --group-size.
func groupSizeFlag(c *cobra.Command, size *int) {
	c.Flags().IntVar(size, "group-size", 128, "`NUMBER` of weights of a group, with --per group")
}

// layout returns what the flags of c say, with the channels on axis 0 as PyTorch has them.
func (s *sharing) layout(c *cobra.Command) (quant.Layout, error) {
	per, err := quant.ParseGranularity(s.per)
	if err != nil {
		return quant.Layout{}, usagef("--per: %w", err)
	}
	if per != quant.PerGroup {
		if c.Flags().Changed("group-size") {
			return quant.Layout{}, usagef("--group-size goes with --per group")
		}
		return quant.Layout{Per: per}, nil
	}
	if s.group < 1 {
		return quant.Layout{}, usagef("--group-size %d: a group has at least one element", s.group)
	}
	return quant.Layout{Per: per, GroupSize: s.group}, nil
}

// checkBits accepts 2 to 8.
func checkBits(flag string, bits int) error {
	if bits < 2 || bits > 8 {
		return usagef("%s %d: use 2 to 8", flag, bits)
	}
	return nil
}

// printable is a name from a file as a terminal may show it.
func printable(name string) string {
	quoted := strconv.Quote(name)
	if name != "" && quoted[1:len(quoted)-1] == name {
		return name
	}
	return quoted
}

func shapeString(shape []int) string { return tensor.Shape(shape).String() }
