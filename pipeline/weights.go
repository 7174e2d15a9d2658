package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"linquant/checkpoint"
	"linquant/internal/near"
	"linquant/internal/pattern"
	"linquant/models"
	"linquant/ptq"
)

// WeightsConfig says which weights of a checkpoint are quantized, and how. The zero value quantizes those of the
// network, or what looks like weights, to 8 bits.
type WeightsConfig struct {
	ptq.WeightConfig
	Arch        string // insist that the checkpoint is of this architecture
	Root        string // take the tensors under this path of keys, as OpenConfig.Root does
	Pattern     string // only weights whose names match: globs with commas between, * for any characters, ! excludes, the last decides
	StripModule bool   // drop the "module." that DataParallel puts before every name

	Metadata map[string]string // of the file that is written, beside what ptq.Weights says
}

// Weights quantizes the weights of a checkpoint alone, without data, and writes all its tensors to w as safetensors (see
// ptq.Weights). Errors: those of Select and of ptq.Weights, weights that are integers already.
func Weights(ctx context.Context, w io.Writer, f *checkpoint.File, cfg WeightsConfig) (*ptq.Report, error) {
	switch {
	case w == nil:
		return nil, missing("writer")
	case f == nil:
		return nil, missing("checkpoint")
	}
	weights, err := cfg.Select(f)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(weights, func(t *checkpoint.Tensor) bool { return t.Quant != nil }) {
		return nil, fmt.Errorf("%s: its weights are quantized already; quantize the checkpoint of the float network", f.Path)
	}
	return ptq.Weights(ctx, w, f, weights, cfg.Metadata, cfg.WeightConfig)
}

// NoWeightsError is a checkpoint without anything that looks like a weight, or whose weights no pattern chooses.
type NoWeightsError struct {
	Path, Pattern string

	Others []string // tensors that are no weights, of which the pattern matches the names
	Near   []string // weights whose names resemble the pattern, or the first
}

// Error says what was looked for.
func (e *NoWeightsError) Error() string {
	if e.Pattern == "" {
		return fmt.Sprintf("%s: no tensor looks like a layer's weight (real numbers, two dimensions or more, a name that ends in "+
			"weight or kernel, or as weight_ih_l0 does)", e.Path)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.Chosen(strconv.Quote(e.Pattern)))
}

// Chosen says what was chosen of a checkpoint by a pattern, which is called as what it is.
func (e *NoWeightsError) Chosen(pattern string) string {
	if len(e.Others) > 0 {
		return fmt.Sprintf("%s matches only tensors that are no weights, such as %q, which stay as they are; weights are %s",
			pattern, e.Others[0], quotedList(e.Near))
	}
	return fmt.Sprintf("no weight's name matches %s; near to it: %s", pattern, quotedList(e.Near))
}

// quotedList lists names in an error.
func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}

// Select returns the weights that are quantized: those of the network, in its order, where the architecture is
// recognised, and else those that are weights by name and shape (models.Weights), of which a pattern chooses some. Quantized
// ones count as the floats that they stand for. Where Root or StripModule say so,
// the tensors of f or their names change.
//
// Errors: *ConfigError, an architecture that the checkpoint is not of, *NoWeightsError.
func (cfg WeightsConfig) Select(f *checkpoint.File) ([]*checkpoint.Tensor, error) {
	if err := (OpenConfig{Arch: cfg.Arch}).check(); err != nil {
		return nil, err
	}
	chosen, err := pattern.Parse(cmp.Or(cfg.Pattern, "*"))
	if err != nil {
		return nil, &ConfigError{"Pattern", fmt.Sprintf("%q", cfg.Pattern), err.Error()}
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
	var weights []*checkpoint.Tensor
	if err == nil {
		weights = network.Weights
	} else {
		weights = models.Weights(f.Tensors())
	}
	if len(weights) == 0 {
		return nil, &NoWeightsError{Path: f.Path}
	}
	return matching(f, weights, chosen, cfg.StripModule)
}

// spellings are the names that a pattern knows a tensor by: its own, and, as tables of networks show it, without what
// DataParallel puts before it and without "weight" behind it; one that was stripped of it also as the checkpoint has it.
func spellings(name string, stripped bool) []string {
	names := []string{name, strings.TrimPrefix(name, "module.")}
	if stripped {
		names = append(names, "module."+name)
	}
	for _, n := range names {
		names = append(names, strings.TrimSuffix(n, ".weight"))
	}
	return names
}

// matching returns the weights whose names match the pattern.
func matching(f *checkpoint.File, weights []*checkpoint.Tensor, p pattern.Pattern, stripped bool) ([]*checkpoint.Tensor, error) {
	var chosen []*checkpoint.Tensor
	var names []string
	for _, t := range weights {
		names = append(names, t.Name)
		if p.Match(spellings(t.Name, stripped)...) {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	none := &NoWeightsError{Path: f.Path, Pattern: p.Text}
	for _, t := range f.Tensors() {
		if p.Match(spellings(t.Name, stripped)...) {
			none.Others = append(none.Others, t.Name)
		}
	}
	if none.Near = near.Names(strings.Trim(p.Text, "*?!"), names); len(none.Near) == 0 {
		none.Near = names[:min(3, len(names))]
	}
	return nil, none
}
