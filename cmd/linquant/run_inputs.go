package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/near"
	"linquant/pipeline"
	"linquant/tensor"
)

// runner runs a network on what the command line names and collects its outputs.
type runner struct {
	*pipeline.Model
	ctx     context.Context
	stdin   io.Reader
	files   []string     // images, one an example; empty where the input are arrays
	batch   int          // examples so far
	results [][]float32  // for each output, example after example
	pixels  bool         // whether pixels were prepared
	numbers tensor.DType // of the first input where it is integers that are neither pixels nor codes
	odd     []pipeline.Warning
	dump    *dumper // of --dump
}

// run runs the network on more examples.
func (r *runner) run(inputs [][]float32, examples int) error {
	outputs, err := r.Room(examples)
	if err != nil {
		return err
	}
	if err := r.Run(r.ctx, outputs, inputs); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	if r.results == nil {
		r.results = make([][]float32, len(outputs))
	}
	for i, y := range outputs {
		r.results[i] = append(r.results[i], y...)
	}
	r.batch += examples
	if r.dump != nil {
		return r.dump.add(r.ctx, inputs)
	}
	return nil
}

// takeImages fills in what images the network takes, if it takes any.
func (r *runner) takeImages(cfg *dataset.ImageConfig) error {
	if n := len(r.Inputs()); n != 1 {
		return fmt.Errorf("%s: the network has %s, of which an image is one: give arrays with --input NAME=FILE", r.Name,
			text.Plural(n, "input"))
	}
	own, err := r.ImageConfig()
	if err != nil {
		return fmt.Errorf("%s: %w, with --input", r.Name, err)
	}
	own.Stretch, own.MaxPixels = cfg.Stretch, cfg.MaxPixels
	*cfg = own
	if side := max(cfg.Height, cfg.Width); cfg.Resize < 0 || cfg.Resize > 0 && cfg.Resize < side && !cfg.Stretch {
		return cli.Usagef("--resize %d: the network takes %d×%d pixels, use %d or more", cfg.Resize, cfg.Width, cfg.Height, side)
	}
	return nil
}

// images runs the network on image files, a few at a time.
func (r *runner) images(files []string, cfg dataset.ImageConfig) error {
	const together = 16
	r.pixels = true
	size := cfg.Channels * cfg.Height * cfg.Width
	x := make([]float32, min(together, len(files))*size)
	for len(files) > 0 {
		n := min(together, len(files))
		for i, path := range files[:n] {
			if err := r.image(x[i*size:(i+1)*size], path, cfg); err != nil {
				return err
			}
		}
		if err := r.run([][]float32{x[:n*size]}, n); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// image fills dst with the input that the image at path makes.
func (r *runner) image(dst []float32, path string, cfg dataset.ImageConfig) error {
	if err := ended.Err(r.ctx); err != nil {
		return err
	}
	from := r.stdin
	if path != cli.Stdio {
		f, err := cli.OpenStream(path)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	pixels, err := dataset.ReadImage(r.ctx, from, cfg)
	var reading *fs.PathError
	switch {
	case errors.As(err, &reading):
		return err // it names the file
	case errors.Is(err, dataset.ErrTooLarge):
		return fmt.Errorf("%s: %w; or allow more with --max-pixels", path, err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := r.Pixels(dst, pixels); err != nil {
		return fmt.Errorf("%s: %w: give --mean and --std", r.Name, err)
	}
	return nil
}

// arrays runs the network on what --input says, FILE or NAME=FILE.
func (r *runner) arrays(given []string) error {
	ins := r.Inputs()
	inputs, examples, from := make([][]float32, len(ins)), -1, ""
	take := func(i int, path string, x []float32, n int) error {
		if inputs[i] != nil {
			return cli.Usagef("--input: there are two arrays for the input %q", ins[i].Name)
		}
		if examples >= 0 && n != examples {
			return fmt.Errorf("%s: input %q has %s and the one before it, of %s, %d", path, ins[i].Name, text.Plural(n, "example"), from, examples)
		}
		inputs[i], examples, from = x, n, path
		return nil
	}
	for _, text := range given {
		name, path := r.split(text)
		f, err := checkpoint.Open(path)
		if err != nil {
			return imageInstead(r.ctx, path, err)
		}
		err = r.file(f, name, take)
		f.Close()
		if err != nil {
			return err
		}
	}
	for i, x := range inputs {
		if x == nil {
			return fmt.Errorf("%s: nothing is given for the input %q, of shape %v: add --input %s=FILE", r.Name, ins[i].Name,
				ins[i].Shape, ins[i].Name)
		}
	}
	return r.run(inputs, examples)
}

// split takes NAME=FILE apart, where NAME is an input. A file whose name has a "=" may be there too.
func (r *runner) split(text string) (name, path string) {
	for _, in := range r.Inputs() {
		if path, ok := strings.CutPrefix(text, in.Name+"="); ok {
			return in.Name, path
		}
	}
	if i := strings.IndexByte(text, '='); i >= 0 {
		if _, err := os.Stat(text); errors.Is(err, fs.ErrNotExist) {
			return text[:i], text[i+1:]
		}
	}
	return "", text
}

// file takes the arrays of f for the input of that name, or for all of which f has one.
func (r *runner) file(f *checkpoint.File, name string, take func(i int, path string, x []float32, n int) error) error {
	ins, all, found := r.Inputs(), f.Tensors(), false
	var inputs, arrays []string
	for _, in := range ins {
		if name == "" || name == in.Name {
			inputs = append(inputs, in.Name)
		}
	}
	for _, t := range all {
		arrays = append(arrays, t.Name)
	}
	for k, at := range dataset.Match(arrays, inputs) {
		if at < 0 {
			if len(inputs) > 1 {
				continue // it may be in another file
			}
			return fmt.Errorf("%s: %w", f.Path, &dataset.NoArrayError{Input: inputs[k], Inputs: inputs, Arrays: arrays})
		}
		i := slices.IndexFunc(ins, func(in engine.IO) bool { return in.Name == inputs[k] })
		found = true
		x, n, err := r.array(f, all[at], i)
		if err != nil {
			return err
		}
		if err := take(i, f.Path, x, n); err != nil {
			return err
		}
	}
	if !found {
		var names []string
		for _, in := range ins {
			names = append(names, in.Name)
		}
		if name != "" {
			return cli.Usagef("--input %s=%s: the network has no input of that name; its inputs are %s%s", text.Printable(name), text.Printable(f.Path),
				near.List(names), near.Meant(name, names))
		}
		if len(arrays) == 1 {
			return fmt.Errorf("%s: it has no array for an input; the network's inputs are %s: write --input NAME=%s", f.Path, near.List(names), f.Path)
		}
		return fmt.Errorf("%s: %w", f.Path, &dataset.NoArrayError{Input: names[0], Inputs: names, Arrays: arrays})
	}
	return nil
}

// array reads the array for an input and returns its elements and the number of examples.
func (r *runner) array(f *checkpoint.File, t *checkpoint.Tensor, i int) ([]float32, int, error) {
	a, err := t.Read()
	if t.Quant != nil { // codes with a scale of their own
		var reals []float32
		if reals, err = t.Float32s(nil); err == nil {
			a, err = tensor.Of(t.Shape, reals)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	in := r.Inputs()[i]
	r.pixels = r.pixels || i == 0 && a.DType == tensor.Uint8 && in.Quant == nil && !graph.Counts(in.DType) && len(in.Shape) == 3
	coded := in.Quant != nil && (a.DType == tensor.Uint8 || a.DType == tensor.Int8)
	if i == 0 && !r.pixels && !coded && !graph.Counts(in.DType) && len(in.Shape) == 3 && a.DType.IsInteger() {
		r.numbers = a.DType
	}
	x, examples, err := r.Array(i, a)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", f.Path, err)
	}
	nan := 0
	for _, v := range x {
		if v != v {
			nan++
		}
	}
	if nan > 0 {
		r.odd = append(r.odd, pipeline.UndefinedInput{Input: in.Name, Of: f.Path, Count: nan})
	}
	return x, examples, nil
}

// imageInstead says what to do where --input got an image.
func imageInstead(ctx context.Context, path string, err error) error {
	f, openErr := cli.OpenStream(path)
	if openErr != nil {
		return err
	}
	defer f.Close()
	if _, imageErr := dataset.ReadImage(ctx, f, dataset.ImageConfig{}); imageErr == nil {
		return cli.Usagef("--input %s: it is an image; name it after the MODEL, without --input", text.Printable(path))
	}
	return err
}
