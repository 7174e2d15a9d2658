package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/foreign"
	"linquant/models"
	"linquant/onnx"
	"linquant/vision"
)

// Builtin names the network that comes with the module where a path is wanted, and as Data.Spec the images for it.
const Builtin = "builtin"

// OpenConfig says how a model is opened. The zero value takes it as it is.
type OpenConfig struct {
	// Arch is the architecture that a checkpoint must be of, one of models.Architectures; "" recognises it. Not for ONNX.
	Arch string

	// Root is the path of keys of a checkpoint under which the network's tensors are, such as "model_ema", or "." for all of
	// its tensors; "" takes those that checkpoint.Open finds (checkpoint.File.Beside lists the others). Not for ONNX.
	Root string

	// ONNX is what an ONNX model leaves open, such as the shapes of inputs. Not for checkpoints.
	ONNX onnx.ImportConfig

	// Vary reads an ONNX model with numbers of its own for dimensions of inputs that neither the model nor ONNX.Shapes has one for, where
	// these are an error without it, for networks of which something is made that has them open again (Network.Export). FreeDimensions in
	// Network.Assumed says which.
	Vary bool
}

// check refuses an architecture that there is not.
func (cfg OpenConfig) check() error {
	known := models.Architectures()
	if cfg.Arch == "" || slices.Contains(known, cfg.Arch) {
		return nil
	}
	return &ConfigError{"Arch", printable(cfg.Arch), "there is no such architecture; known: " + strings.Join(known, ", ")}
}

// none reports whether nothing is said about an ONNX model.
func none(c onnx.ImportConfig) bool {
	return !c.Fixed && len(c.Shapes) == 0 && len(c.Constants) == 0 && len(c.Outputs) == 0 && len(c.Inputs) == 0
}

// Open opens a network: an ONNX file, a checkpoint whose architecture is recognised by its tensors, or the Builtin one.
// The file may be changed or removed meanwhile.
//
// Errors: those of packages onnx, checkpoint and models with the path before them, among them a *models.Mismatch; a
// *ConfigError; ctx's, soon after it is done.
func Open(ctx context.Context, path string, cfg OpenConfig) (*Network, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := ended.Err(ctx); err != nil {
		return nil, &NetworkError{path, err}
	}
	err := checkpoint.ErrONNX
	if !strings.EqualFold(filepath.Ext(path), ".onnx") {
		var f *checkpoint.File
		if f, err = OpenCheckpoint(path); err == nil {
			defer f.Close()
			return cfg.build(f)
		}
	}
	if !errors.Is(err, checkpoint.ErrONNX) {
		return nil, orONNX(err)
	}
	if err := cfg.noArch(path); err != nil {
		return nil, err
	}
	assumed := cfg.listen()
	f, err := cfg.ONNX.Open(ctx, path)
	free, err := cfg.vary(err, func() ([]Input, error) { return Inputs(path) }, func(c onnx.ImportConfig) (err error) {
		f, err = c.Open(ctx, path)
		return err
	})
	var file *onnx.FileError
	switch {
	case errors.As(err, &file):
		return nil, &NetworkError{path, unnamed{file}}
	case err != nil:
		return nil, err
	}
	n, err := newNetwork(path, f.Size, f.Graph, f.Close)
	if err == nil {
		n.source = &source{path: path, cfg: cfg.ONNX}
		n.freed(free)
		n.assuming(assumed)
		n.Assumed = append(n.Assumed, undefined(cfg.ONNX.Constants)...)
	}
	return n, err
}

// heard is what reading a model assumes and notes.
type heard struct {
	assumed []onnx.Assumption
	noted   []onnx.Note
}

// listen has what reading a model assumes and notes collected.
func (cfg *OpenConfig) listen() *heard {
	h, assumed, noted := &heard{}, cfg.ONNX.Assumed, cfg.ONNX.Noted
	cfg.ONNX.Assumed = func(a onnx.Assumption) {
		h.assumed = append(h.assumed, a)
		if assumed != nil {
			assumed(a)
		}
	}
	cfg.ONNX.Noted = func(n onnx.Note) {
		h.noted = append(h.noted, n)
		if noted != nil {
			noted(n)
		}
	}
	return h
}

// assuming notes with a network that was opened what was assumed, and what of its codes is computed in reals.
func (n *Network) assuming(h *heard) {
	if len(h.assumed) > 0 {
		w := AssumedDimensions{Network: n.Name}
		for _, a := range h.assumed {
			w.Inputs = append(w.Inputs, AssumedInput{a, n.graph.Value(a.Input).Shape})
		}
		n.Assumed = append(n.Assumed, w)
	}
	var codes []*CodesInFloat
	for _, note := range h.noted {
		i := slices.IndexFunc(codes, func(c *CodesInFloat) bool { return c.Op == note.Op && c.Reason == note.Reason })
		if i >= 0 {
			codes[i].Others++
			continue
		}
		codes = append(codes, &CodesInFloat{Note: note})
	}
	for _, c := range codes {
		n.Assumed = append(n.Assumed, *c)
	}
}

// unnamed is the error about a file where its path stands already.
type unnamed struct{ of *onnx.FileError }

func (e unnamed) Error() string { return e.of.Err.Error() }
func (e unnamed) Unwrap() error { return e.of }

// Read is Open for a model in memory, such as one that a program embeds; name stands for its path. The network and
// what is made of it may refer to data, which must not change. A checkpoint is read whole once it was begun: of the networks
// known here that is a second.
func Read(ctx context.Context, data []byte, name string, cfg OpenConfig) (*Network, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := ended.Err(ctx); err != nil {
		return nil, &NetworkError{name, err}
	}
	f, err := checkpoint.New(bytes.NewReader(data), int64(len(data)), name)
	if err == nil {
		defer f.Close()
		return cfg.build(f)
	}
	if !errors.Is(err, checkpoint.ErrONNX) {
		return nil, orONNX(err)
	}
	if err := cfg.noArch(name); err != nil {
		return nil, err
	}
	assumed := cfg.listen()
	g, err := cfg.ONNX.Import(ctx, data, name)
	free, err := cfg.vary(err, func() ([]Input, error) { return inputsOf(data), nil }, func(c onnx.ImportConfig) (err error) {
		g, err = c.Import(ctx, data, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	n, err := newNetwork(name, int64(len(data)), g, nil)
	if err == nil {
		n.source = &source{data: data, cfg: cfg.ONNX}
		n.freed(free)
		n.assuming(assumed)
		n.Assumed = append(n.Assumed, undefined(cfg.ONNX.Constants)...)
	}
	return n, err
}

// unknownNetwork is a checkpoint of no network that is known. What it lacks of the closest is said only where that is little.
type unknownNetwork struct {
	closest *models.Mismatch
	load    string // what loads its tensors in Python
}

func (e *unknownNetwork) Unwrap() error { return e.closest }

func (e *unknownNetwork) Error() string {
	const few = 8
	text := fmt.Sprintf("no network known here (%s) has these tensors; export it as ONNX where it was made, with its class and the shape of its "+
		"input: %s%s", strings.Join(models.Architectures(), ", "), e.load, foreign.Export)
	if m := e.closest; len(m.Missing)+len(m.Unexpected) <= few {
		text += ": " + m.Error()
	}
	return text
}

// OpenCheckpoint opens a file of tensors, or those of the Builtin network.
func OpenCheckpoint(path string) (*checkpoint.File, error) {
	if path != Builtin {
		if kind, file, ok := foreign.Folder(path); ok {
			return nil, &NetworkError{path, &foreign.Error{Kind: kind, File: file}}
		}
		return checkpoint.Open(path)
	}
	data := builtin.Checkpoint()
	return checkpoint.New(bytes.NewReader(data), int64(len(data)), Builtin)
}

// build makes the network of a checkpoint, which need not stay open.
func (cfg OpenConfig) build(f *checkpoint.File) (*Network, error) {
	if !none(cfg.ONNX) {
		return nil, &ConfigError{"ONNX", "", printable(f.Path) + " is a checkpoint, and its network takes images of one size"}
	}
	if err := f.Choose(cfg.Root); err != nil {
		return nil, err
	}
	g, _, err := models.Build(f.Tensors(), cfg.Arch)
	var mismatch *models.Mismatch
	var reading *checkpoint.Error
	switch {
	case err == nil:
		n, err := newNetwork(f.Path, f.Size, g, nil)
		if err == nil {
			n.Beside = f.Beside()
		}
		return n, err
	case cfg.Arch == "" && errors.As(err, &mismatch):
		return nil, &NetworkError{f.Path, &unknownNetwork{mismatch, loads(f)}}
	case errors.As(err, &reading):
		return nil, err // it names the file
	}
	return nil, fmt.Errorf("%s: %w", f.Path, err)
}

// loads is the line of Python that loads the tensors of a checkpoint.
func loads(f *checkpoint.File) string {
	name := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(f.Path) + "'"
	switch {
	case strings.HasPrefix(string(f.Format), "pytorch"):
		return "model.load_state_dict(torch.load(" + name + ", map_location='cpu')); "
	case strings.HasPrefix(string(f.Format), "safetensors"):
		return "model.load_state_dict(safetensors.torch.load_file(" + name + ")); "
	}
	return ""
}

func (cfg OpenConfig) noArch(name string) error {
	if cfg.Root != "" {
		return &ConfigError{"Root", cfg.Root, printable(name) + " is an ONNX file, whose tensors are under no keys"}
	}
	if cfg.Arch == "" {
		return nil
	}
	return &ConfigError{"Arch", cfg.Arch, printable(name) + " is an ONNX file, which says itself what its network is"}
}

// orONNX adds to the error for a file that is nothing known what else it could have been.
func orONNX(err error) error {
	if errors.Is(err, checkpoint.ErrFormat) {
		return fmt.Errorf("%w; a whole network may also be an ONNX model", err)
	}
	return err
}

// newNetwork reads what the metadata says about images.
func newNetwork(name string, size int64, g *graph.Graph, closer func() error) (*Network, error) {
	pre, err := vision.Of(g)
	if err != nil {
		if closer != nil {
			_ = closer()
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	said := SaidByModel
	if pre.Assumed {
		said = SaidByNobody
	}
	return &Network{Name: name, Size: size, graph: g, pre: pre, said: said, close: closer}, nil
}
