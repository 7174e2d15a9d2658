package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/models"
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

// weights returns the tensors to treat. Without a pattern they are the weights of the network, in its order, where the
// architecture is recognised, and else those that are weights by name and shape. A pattern chooses among all
// floating-point tensors.
func (s *selection) weights(f *checkpoint.File) ([]*checkpoint.Tensor, error) {
	if err := checkArch(s.arch); err != nil {
		return nil, err
	}
	network, err := models.Recognize(f.Tensors())
	if s.arch != "" {
		if network, err = models.RecognizeAs(s.arch, f.Tensors()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	if s.pattern != "" {
		return matching(f, s.pattern)
	}
	if err == nil {
		return network.Weights, nil
	}
	weights := models.Weights(f.Tensors())
	if len(weights) == 0 && slices.ContainsFunc(f.Tensors(), func(t *checkpoint.Tensor) bool { return t.Quant != nil }) {
		return nil, fmt.Errorf("%s: its weights are integers already; take the checkpoint of the float network", f.Path)
	}
	if len(weights) == 0 {
		return nil, fmt.Errorf("%s: no tensor looks like a layer's weight (real numbers, two dimensions or more, a name that ends in "+
			"weight); choose with --layers GLOB, names are listed by 'linquant inspect'", f.Path)
	}
	return weights, nil
}

// matching returns the tensors of real numbers, quantized ones among them, whose names match the pattern, whose * stands for any characters: a
// slash in a name is a character like any other.
func matching(f *checkpoint.File, pattern string) ([]*checkpoint.Tensor, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, usagef("--layers %q: %v", pattern, err)
	}
	noSlash := strings.NewReplacer("/", "\x00")
	glob := noSlash.Replace(pattern)
	var chosen []*checkpoint.Tensor
	for _, t := range f.Tensors() {
		if ok, _ := path.Match(glob, noSlash.Replace(t.Name)); ok && (t.DType.IsFloat() || t.Quant != nil) && t.Elements() > 0 {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%s: no floating-point tensor's name matches --layers %q; names are listed by 'linquant inspect'", f.Path, pattern)
	}
	return chosen, nil
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
