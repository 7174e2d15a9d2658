package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"linquant/engine"
	"linquant/internal/ended"
	"linquant/tensor"
)

// VaryingConfig says how a Varying opens and compiles its network. The zero value is sensible.
type VaryingConfig struct {
	Open   OpenConfig    // its ONNX.Shapes are for inputs that Model is given no shape for
	Engine engine.Config // of every program
	Keep   int           // programs that are kept, those that were asked for last; 0 means 8
}

const keptPrograms = 8

// Varying is an ONNX network whose inputs have other shapes from one run to the next, such as texts of any length and pictures of any
// size. A program takes inputs of one shape: for each combination of shapes one is compiled when it is first asked for, and kept. Each has
// the network's weights for itself. Its methods may be called from several goroutines at once.
type Varying struct {
	path string
	cfg  VaryingConfig
	file os.FileInfo // as it was first

	mu   sync.Mutex
	kept []*ofShapes // the one that was asked for last is the last
}

// ofShapes is a program that is being compiled, or is there when ready is closed.
type ofShapes struct {
	key   string
	ready chan struct{}
	model *Model
	err   error
}

// OpenVarying makes a Varying of the ONNX file at path, which stays there and as it is: it is read again for new shapes. Nothing is
// read yet. Errors: those of os.Stat, and a Keep below 0 (*ConfigError).
func OpenVarying(path string, cfg VaryingConfig) (*Varying, error) {
	if cfg.Keep < 0 {
		return nil, &ConfigError{"Keep", fmt.Sprint(cfg.Keep), "use 1 or more, or 0 for the default"}
	}
	if cfg.Keep == 0 {
		cfg.Keep = keptPrograms
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &Varying{path: path, cfg: cfg, file: file}, nil
}

// Model returns the program for inputs of these shapes, by their names, the first dimension of each included; an input that has the
// same shape always needs none. A model that is dropped for others goes on working for who has it.
//
// Errors: those of Open and Network.Compile, the same for all who wait for the same program; a file that has changed; ctx's.
func (v *Varying) Model(ctx context.Context, shapes map[string]tensor.Shape) (*Model, error) {
	key := keyOf(shapes)
	for {
		p, mine := v.program(key)
		if mine {
			v.make(ctx, p, shapes)
			return p.model, p.err
		}
		select {
		case <-p.ready:
		case <-ctx.Done():
			return nil, ended.Err(ctx)
		}
		if ctx.Err() == nil && (errors.Is(p.err, context.Canceled) || errors.Is(p.err, context.DeadlineExceeded)) {
			continue // it was another's context that ended
		}
		return p.model, p.err
	}
}

// program returns the program of a key; mine says that the caller has to compile it.
func (v *Varying) program(key string) (p *ofShapes, mine bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := slices.IndexFunc(v.kept, func(p *ofShapes) bool { return p.key == key }); i >= 0 {
		p = v.kept[i]
		v.kept = append(slices.Delete(v.kept, i, i+1), p)
		return p, false
	}
	p = &ofShapes{key: key, ready: make(chan struct{})}
	if v.kept = append(v.kept, p); len(v.kept) > v.cfg.Keep {
		v.kept = slices.Delete(v.kept, 0, 1)
	}
	return p, true
}

// make compiles a program. One that there is an error of is not kept.
func (v *Varying) make(ctx context.Context, p *ofShapes, shapes map[string]tensor.Shape) {
	defer close(p.ready)
	if p.model, p.err = v.compile(ctx, shapes); p.err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.kept = slices.DeleteFunc(v.kept, func(q *ofShapes) bool { return q == p })
	}
}

func (v *Varying) compile(ctx context.Context, shapes map[string]tensor.Shape) (*Model, error) {
	file, err := os.Stat(v.path)
	if err != nil {
		return nil, err
	}
	if file.Size() != v.file.Size() || !file.ModTime().Equal(v.file.ModTime()) {
		return nil, fmt.Errorf("%s: it has changed since it was opened: open it again", v.path)
	}
	cfg := v.cfg.Open
	cfg.ONNX.Shapes = maps.Clone(cfg.ONNX.Shapes)
	if cfg.ONNX.Shapes == nil {
		cfg.ONNX.Shapes = map[string]tensor.Shape{}
	}
	maps.Copy(cfg.ONNX.Shapes, shapes)
	n, err := Open(ctx, v.path, cfg)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.Compile(ctx, v.cfg.Engine)
}

func keyOf(shapes map[string]tensor.Shape) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		fmt.Fprintf(&b, "%q%v", name, shapes[name])
	}
	return b.String()
}
