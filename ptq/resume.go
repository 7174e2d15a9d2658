package ptq

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/atomicfile"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// methodVersion changes with every change of the program that gives layers other codes of the same examples.
const methodVersion = 1

// ErrOtherRun says that a finished layer was made of something else.
var ErrOtherRun = errors.New("this layer was made of another network, of other examples or with another configuration: name another folder, or empty that one")

// ResumeError is an error about a file of Config.Resume, or about the folder.
type ResumeError struct {
	Path string
	Err  error
}

func (e *ResumeError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *ResumeError) Unwrap() error { return e.Err }

// finished is the folder of Config.Resume, with a safetensors file for each layer: its codes, scales, zero points and bias. Its metadata
// has a key, the hash of all that determines the layer, and the hash of what the file holds.
type finished struct {
	dir   string
	run   hash.Hash // of the network, the configuration and the examples, and of the layers so far
	taken int       // layers that were there
}

// The names of tensors and of metadata in its files.
const (
	finishedCodes  = "codes"
	finishedScales = "scales"
	finishedZeros  = "zero_points"
	finishedBias   = "bias"
	finishedLayer  = "linquant.layer"
	finishedKey    = "linquant.key"
	finishedSum    = "linquant.sha256"
	finishedSame   = "linquant.constant" // LayerReport.Constant
)

// checkResume makes the folder of finished layers, where one is asked for.
func (p *plan) checkResume() error {
	dir := p.cfg.Resume
	if dir == "" {
		return nil
	}
	switch m := p.cfg.WeightMethod.(type) {
	case AbsMax, LeastSquares, Equalized:
		return &ConfigError{"Resume", fmt.Errorf("layers are kept that are made of examples, and %v makes them of their weights: leave it out", m)}
	}
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		var info fs.FileInfo
		if info, err = os.Stat(dir); err == nil && !info.IsDir() {
			err = errors.New("it is no folder")
		}
	}
	if err != nil {
		return &ResumeError{dir, bare(err)}
	}
	return nil
}

// bare returns what is wrong with a file without its path.
func bare(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// resume returns the finished layers, where the configuration asks for them, once the examples are read.
func (p *plan) resume(examples []*held) *finished {
	if p.cfg.Resume == "" {
		return nil
	}
	f := &finished{dir: p.cfg.Resume, run: sha256.New()}
	tier, _ := cpu.FromEnv() // an error comes of choosing codes too
	fmt.Fprintf(f.run, "linquant %d fma %v\n", methodVersion, tier != cpu.Generic)
	p.describe(f.run)
	hashGraph(f.run, p.g)
	for _, in := range examples {
		fmt.Fprintf(f.run, "input of %d\n", in.n)
		hashReals(f.run, in.reals)
	}
	return f
}

// describe writes what of the configuration, and of the ranges, codes depend on.
func (p *plan) describe(w io.Writer) {
	method := p.cfg.WeightMethod
	if r, ok := method.(Reconstruct); ok {
		r.Threads = 1
		method = r.complete()
	}
	fmt.Fprintf(w, "%#v tensor %v alone %v saturate %v requant %v\n", method, p.cfg.PerTensor, p.cfg.Alone, p.cfg.SaturateBias, p.cfg.Requant)
	for i, n := range p.g.Nodes {
		if s := p.settings[n]; hasWeight(p.g, n) {
			fmt.Fprintf(w, "node %d: %d bits, float %v\n", i, s.weightBits, s.float)
		}
	}
	for _, a := range p.coded {
		fmt.Fprintf(w, "%q: %v %x %d\n", a.Value, a.Type, math.Float32bits(a.Scale), a.ZeroPoint)
	}
}

// hashGraph writes all of a graph that its values depend on.
func hashGraph(w io.Writer, g *graph.Graph) {
	for _, name := range g.Inputs {
		fmt.Fprintf(w, "input %q %v\n", name, g.Value(name).Shape)
	}
	for _, n := range g.Nodes {
		fmt.Fprintf(w, "%v %q %q %q\n", n.Op, n.Name, n.Inputs, n.Outputs)
		for _, key := range slices.Sorted(maps.Keys(n.Attrs)) {
			fmt.Fprintf(w, "%s %v\n", key, n.Attrs[key])
		}
		for _, in := range n.Inputs {
			if isConst(g, in) {
				c := g.Value(in).Const
				fmt.Fprintf(w, "%v %v %d\n", c.DType, c.Shape, len(c.Data))
				_, _ = w.Write(c.Data)
			}
		}
	}
	fmt.Fprintf(w, "outputs %q\n", g.Outputs)
}

// hashReals writes the bits of reals.
func hashReals(w io.Writer, x []float32) {
	var b [4096]byte
	for part := range slices.Chunk(x, len(b)/4) {
		for i, v := range part {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
		}
		_, _ = w.Write(b[:4*len(part)])
	}
}

// path returns that of the file of a layer, by its place among those with weights.
func (f *finished) path(layer int) string {
	return filepath.Join(f.dir, fmt.Sprintf("layer-%04d.safetensors", layer))
}

// key is that of the next layer.
func (f *finished) key(name string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%x %q", f.run.Sum(nil), name)
	return hex.EncodeToString(h.Sum(nil))
}

// sumOf is the hash of what a layer was quantized to.
func sumOf(codes []int8, p quant.Params, bias []float32) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %d %v\n", len(codes), len(p.Scale), len(bias), p.ZeroPoint)
	b := make([]byte, len(codes))
	for i, c := range codes {
		b[i] = byte(c)
	}
	h.Write(b)
	hashReals(h, p.Scale)
	hashReals(h, bias)
	return hex.EncodeToString(h.Sum(nil))
}

// take fills codes with those of the layer, if its file is there, and returns the rest of it. Errors: *ResumeError.
func (f *finished) take(layer int, w *LayerWeight, codes []int8) (params quant.Params, bias []float32, ok bool, err error) {
	path := f.path(layer)
	file, err := checkpoint.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return params, nil, false, nil
	}
	damaged := func(err error) error {
		what, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), path+": "), "\n")
		return &ResumeError{path, fmt.Errorf("it is no finished layer, or damaged (%s): remove it, and the layer is made again", what)}
	}
	if err != nil {
		return params, nil, false, damaged(bare(err))
	}
	defer file.Close()
	if key := file.Metadata[finishedKey]; key == "" {
		return params, nil, false, damaged(errors.New("it has no key"))
	} else if key != f.key(w.Node.Label()) {
		return params, nil, false, &ResumeError{path, ErrOtherRun}
	}
	params = quant.Params{Type: w.Type, Layout: w.Layout}
	err = errors.Join(
		read(file, finishedCodes, func(c []int8) {
			if len(c) == len(codes) {
				copy(codes, c)
			}
		}),
		read(file, finishedScales, func(s []float32) { params.Scale = slices.Clone(s) }),
		read(file, finishedZeros, func(z []int32) { params.ZeroPoint = slices.Clone(z) }),
	)
	if _, none := file.Tensor(finishedBias); none == nil {
		err = errors.Join(err, read(file, finishedBias, func(b []float32) { bias = slices.Clone(b) }))
	}
	if err == nil && sumOf(codes, params, bias) != file.Metadata[finishedSum] {
		err = errors.New("what it holds is not what was written")
	}
	if err != nil {
		return params, nil, false, damaged(err)
	}
	_, w.constant = file.Metadata[finishedSame]
	f.taken++
	return params, bias, true, nil
}

// read gives the elements of a tensor to use.
func read[T tensor.Element](f *checkpoint.File, name string, use func([]T)) error {
	t, err := f.Tensor(name)
	if err != nil {
		return err
	}
	all, err := t.Read()
	if err != nil {
		return err
	}
	elements, err := tensor.As[T](all)
	if err == nil {
		use(elements)
	}
	return err
}

// keep writes the file of a layer. Errors: *ResumeError.
func (f *finished) keep(layer int, w *LayerWeight, codes []int8, p quant.Params, bias []float32) error {
	var tensors []checkpoint.Output
	add := func(name string, t tensor.Tensor, err error) error {
		tensors = append(tensors, checkpoint.FromTensor(name, t))
		return err
	}
	scales, err := tensor.Of(tensor.Shape{len(p.Scale)}, p.Scale)
	err = add(finishedScales, scales, err)
	zeros, e := tensor.Of(tensor.Shape{len(p.ZeroPoint)}, p.ZeroPoint)
	err = errors.Join(err, add(finishedZeros, zeros, e))
	if bias != nil {
		b, e := tensor.Of(tensor.Shape{len(bias)}, bias)
		err = errors.Join(err, add(finishedBias, b, e))
	}
	c, e := tensor.Of(w.Shape, codes)
	if err = errors.Join(err, add(finishedCodes, c, e)); err != nil {
		return err
	}
	metadata := map[string]string{
		finishedLayer: w.Node.Label(), finishedKey: f.key(w.Node.Label()), finishedSum: sumOf(codes, p, bias),
	}
	if w.constant {
		metadata[finishedSame] = "true"
	}
	path := f.path(layer)
	err = atomicfile.Write(path, func(to io.Writer) error { return checkpoint.WriteSafetensors(to, metadata, tensors) })
	if err != nil {
		return &ResumeError{path, fmt.Errorf("the finished layer cannot be kept: %w", bare(err))}
	}
	return nil
}

// follow makes the keys of the layers behind this one depend on it.
func (f *finished) follow(codes []int8, p quant.Params, bias []float32) {
	fmt.Fprintln(f.run, sumOf(codes, p, bias))
}
