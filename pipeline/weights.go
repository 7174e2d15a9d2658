package pipeline

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/models"
	"linquant/ptq"
)

// WeightsConfig says which weights of a checkpoint are quantized, and how. The zero value quantizes those of the
// network, or what looks like weights, to 8 bits.
type WeightsConfig struct {
	ptq.WeightConfig
	Arch        string // insist that the checkpoint is of this architecture
	Root        string // take the tensors under this path of keys, as OpenConfig.Root does
	Pattern     string // only tensors whose name matches; * stands for any characters
	StripModule bool   // drop the "module." that DataParallel puts before every name

	Metadata map[string]string // of the file that is written, beside what ptq.Weights says
}

// Weights quantizes the weights of a checkpoint alone, without data, and writes all its tensors to w as safetensors (see
// ptq.Weights). Errors: those of Select and of ptq.Weights, weights that are integers already.
func Weights(w io.Writer, f *checkpoint.File, cfg WeightsConfig) (*ptq.Report, error) {
	weights, err := cfg.Select(f)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(weights, func(t *checkpoint.Tensor) bool { return t.Quant != nil }) {
		return nil, fmt.Errorf("%s: its weights are quantized already; quantize the checkpoint of the float network", f.Path)
	}
	return ptq.Weights(w, f, weights, cfg.Metadata, cfg.WeightConfig)
}

// NoWeightsError is a checkpoint without anything that looks like a weight, or whose name matches the pattern.
type NoWeightsError struct{ Path, Pattern string }

// Error says what was looked for.
func (e *NoWeightsError) Error() string {
	if e.Pattern != "" {
		return fmt.Sprintf("%s: no floating-point tensor's name matches %q", e.Path, e.Pattern)
	}
	return fmt.Sprintf("%s: no tensor looks like a layer's weight (real numbers, two dimensions or more, a name that ends in "+
		"weight)", e.Path)
}

// Select returns the weights that are quantized. Without a pattern they are those of the network, in its order, where the
// architecture is recognised, and else those that are weights by name and shape. A pattern chooses among all
// floating-point tensors, and quantized ones count as the floats that they stand for. Where Root or StripModule say so,
// the tensors of f or their names change.
//
// Errors: *ConfigError, an architecture that the checkpoint is not of, *NoWeightsError.
func (cfg WeightsConfig) Select(f *checkpoint.File) ([]*checkpoint.Tensor, error) {
	if err := (OpenConfig{Arch: cfg.Arch}).check(); err != nil {
		return nil, err
	}
	if err := f.Choose(cfg.Root); err != nil {
		return nil, err
	}
	if cfg.StripModule {
		if err := f.StripPrefix("module."); err != nil {
			return nil, err
		}
	}
	network, err := models.RecognizeAs(cfg.Arch, f.Tensors())
	if err != nil && cfg.Arch != "" {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	if cfg.Pattern != "" {
		return matching(f, cfg.Pattern)
	}
	if err == nil {
		return network.Weights, nil
	}
	weights := models.Weights(f.Tensors())
	if len(weights) == 0 {
		return nil, &NoWeightsError{Path: f.Path}
	}
	return weights, nil
}

// matching returns the tensors of real numbers, quantized ones among them, whose names match the pattern, whose * stands for
// any characters: a slash in a name is a character like any other.
func matching(f *checkpoint.File, pattern string) ([]*checkpoint.Tensor, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, &ConfigError{"Pattern", fmt.Sprintf("%q", pattern), err.Error()}
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
		return nil, &NoWeightsError{f.Path, pattern}
	}
	return chosen, nil
}
