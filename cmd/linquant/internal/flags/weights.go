package flags

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/pipeline"
	"linquant/quant"
)

// Selection says which tensors of a checkpoint a command treats.
type Selection struct {
	Pattern string // --layers
	Arch    string // --arch
	Root    string // --root
}

// WhatPattern describes PATTERN in help texts.
const WhatPattern = "* is any characters, ! excludes, the last that matches decides"

// AddLayers adds --layers.
func AddLayers(c *cobra.Command, pattern *string) {
	c.Flags().StringVar(pattern, "layers", "", "of these weights only those whose name matches the `PATTERN`, such as 'layer1.*,!*conv2*': "+WhatPattern)
}

// Weights returns the tensors to treat.
func (s *Selection) Weights(f *checkpoint.File) ([]*checkpoint.Tensor, error) {
	weights, err := pipeline.WeightsConfig{Arch: s.Arch, Root: s.Root, Pattern: s.Pattern}.Select(f)
	return weights, ExplainWeights(err)
}

// ExplainWeights adds to an error about which weights there are the flags that choose them.
func ExplainWeights(err error) error {
	var none *pipeline.NoWeightsError
	switch {
	case !errors.As(err, &none):
		return Error(err)
	case none.Pattern != "":
		return fmt.Errorf("%s: %s; names are listed by 'linquant inspect'", none.Path, none.Chosen("--layers "+strconv.Quote(none.Pattern)))
	}
	return fmt.Errorf("%w; choose with --layers GLOB, names are listed by 'linquant inspect'", err)
}

// Sharing says which elements of a weight share a scale.
type Sharing struct {
	Per   string // --per
	Group int    // --group-size
}

// AddPer adds --per.
func AddPer(c *cobra.Command, per *string) {
	c.Flags().StringVar(per, "per", "channel", "the weights of a `WHAT` share a scale: tensor, channel or group")
	cli.Values(c, "per", quant.PerTensor.String(), quant.PerChannel.String(), quant.PerGroup.String())
}

// AddGroupSize adds --group-size.
func AddGroupSize(c *cobra.Command, size *int) {
	c.Flags().IntVar(size, "group-size", 128, "`NUMBER` of weights of a group, with --per group")
}

// QuantLayout returns what the flags of c say, with the channels on axis 0 as PyTorch has them.
func (s *Sharing) QuantLayout(c *cobra.Command) (quant.Layout, error) {
	per, err := quant.ParseGranularity(s.Per)
	if err != nil {
		return quant.Layout{}, cli.Usagef("--per: %w", err)
	}
	if per != quant.PerGroup {
		if c.Flags().Changed("group-size") {
			return quant.Layout{}, cli.Usagef("--group-size goes with --per group")
		}
		return quant.Layout{Per: per}, nil
	}
	if s.Group < 1 {
		return quant.Layout{}, cli.Usagef("--group-size %d: a group has at least one element", s.Group)
	}
	return quant.Layout{Per: per, GroupSize: s.Group}, nil
}

// CheckBits accepts 2 to 8.
func CheckBits(flag string, bits int) error {
	if bits < 2 || bits > 8 {
		return cli.Usagef("%s %d: use 2 to 8", flag, bits)
	}
	return nil
}

// Numbers reads "1,64".
func Numbers(flag, text string, least, most int) ([]int, error) {
	var list []int
	for field := range strings.SplitSeq(text, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || v < least || v > most {
			return nil, cli.Usagef("%s %q: use numbers from %d to %d with commas between them", flag, text, least, most)
		}
		list = append(list, v)
	}
	return list, nil
}
