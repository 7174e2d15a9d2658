// Package conformance runs the tests that ONNX has for its operators: models with inputs and the outputs that are
// right. Debian's package libonnx-testdata holds those of ONNX 1.12, up to opset 17.
//
// A test runs as far as it can the way networks do: inputs of floats are given when the network runs, those of integers
// and booleans, which are shapes, axes and indices, are bound when the model is read (onnx.ImportConfig). Where that
// does not do, all inputs but the first are bound, then all.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// Groups are the folders of tests.
var Groups = []string{"node", "simple", "pytorch-operator", "pytorch-converted"}

// Folder returns where the tests are: $LINQUANT_ONNX_TESTDATA, or where Debian puts them.
func Folder() string {
	if dir := os.Getenv("LINQUANT_ONNX_TESTDATA"); dir != "" {
		return dir
	}
	return "/usr/share/libonnx-testdata/data"
}

// Result is what became of a test.
type Result struct {
	Name      string // group/name
	Operators []string
	Opset     int64
	Err       error // nil: every data set gave the outputs that are right
	Constant  bool  // all inputs had to be constants
	Engine    error // as Err, of the engine; Refused where it says that it does not run the network
}

// Refused is why the engine did not run a network.
type Refused struct{ Why error }

func (r Refused) Error() string { return r.Why.Error() }

// Run runs all tests below a folder in order.
func Run(folder string) ([]Result, error) {
	var all []Result
	for _, group := range Groups {
		entries, err := os.ReadDir(filepath.Join(folder, group))
		if errors.Is(err, os.ErrNotExist) && group != Groups[0] {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			dir := filepath.Join(folder, group, e.Name())
			if _, err := os.Stat(filepath.Join(dir, "model.onnx")); err == nil {
				all = append(all, One(group+"/"+e.Name(), dir))
			}
		}
	}
	return all, nil
}

// One runs the test of one folder.
func One(name, dir string) Result {
	r := Result{Name: name}
	data, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		r.Err = err
		return r
	}
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		r.Err = fmt.Errorf("the model does not read: %w", err)
		return r
	}
	for _, o := range m.Opsets {
		if o.Domain == "" {
			r.Opset = o.Version
		}
	}
	for i := range m.Graph.Nodes {
		r.Operators = append(r.Operators, m.Graph.Nodes[i].Op)
	}
	slices.Sort(r.Operators)
	r.Operators = slices.Compact(r.Operators)
	sets, err := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		r.Err = errors.New("it has no data")
		return r
	}
	for _, set := range sets {
		c := test{model: data, pb: m.Graph}
		if r.Err = c.load(set); r.Err == nil {
			r.Err = c.run(&r)
		}
		if r.Err != nil {
			r.Engine = Refused{r.Err}
			return r
		}
	}
	return r
}

// test is a model with one set of data.
type test struct {
	model       []byte
	pb          *onnxpb.Graph
	inputs      []onnxpb.ValueInfo // that are no initializers
	given, want []tensor.Tensor
}

func (c *test) load(set string) error {
	for _, in := range c.pb.Inputs {
		if !slices.ContainsFunc(c.pb.Initializers, func(t onnxpb.Tensor) bool { return t.Name == in.Name }) {
			c.inputs = append(c.inputs, in)
		}
	}
	for _, v := range slices.Concat(c.inputs, c.pb.Outputs) {
		if v.NoTensor {
			return fmt.Errorf("type: %q is a sequence, a map or an optional, not a tensor", v.Name)
		}
	}
	for i := range c.inputs {
		t, err := readTensor(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)), c.inputs[i].Type)
		if err != nil {
			return fmt.Errorf("input %q: %w", c.inputs[i].Name, err)
		}
		c.given = append(c.given, t)
	}
	for i := range c.pb.Outputs {
		t, err := readTensor(filepath.Join(set, fmt.Sprintf("output_%d.pb", i)), c.pb.Outputs[i].Type)
		if err != nil {
			return fmt.Errorf("output %q: %w", c.pb.Outputs[i].Name, err)
		}
		c.want = append(c.want, t)
	}
	return nil
}

// run reads the model with more and more constants until it can be evaluated, and compares. The engine, which wants
// weights to be constants, is tried with as many more.
func (c *test) run(r *Result) error {
	var first error
	evaluated := false
	var engine error = Refused{errors.New("nothing is left to run")}
	for _, constants := range c.attempts() {
		if !evaluated {
			got, err := c.evaluate(constants)
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			if err := c.compare(got); err != nil {
				return err
			}
			evaluated = true
			r.Constant = r.Constant || len(constants) == len(c.inputs)
		}
		if len(constants) < len(c.inputs) && errors.As(engine, &Refused{}) {
			engine = c.engine(constants)
		}
	}
	if !evaluated {
		return first
	}
	if r.Engine == nil || !errors.As(engine, &Refused{}) && engine != nil {
		r.Engine = engine
	}
	return nil
}

// attempts lists which inputs are bound, fewest first.
func (c *test) attempts() []map[string]tensor.Tensor {
	var list []map[string]tensor.Tensor
	for _, bound := range []func(i int) bool{
		func(i int) bool {
			return !c.given[i].DType.IsFloat() && c.given[i].DType.Size() > 1 || c.given[i].DType == tensor.Bool
		},
		func(i int) bool { return !c.given[i].DType.IsFloat() },
		func(i int) bool { return i > 0 },
		func(int) bool { return true },
	} {
		constants := map[string]tensor.Tensor{}
		for i := range c.inputs {
			if bound(i) {
				constants[c.inputs[i].Name] = c.given[i]
			}
		}
		if last := len(list) - 1; last < 0 || len(list[last]) != len(constants) {
			list = append(list, constants)
		}
	}
	return list
}

// config is how the model is read.
func (c *test) config(constants map[string]tensor.Tensor, fixed bool) onnx.ImportConfig {
	cfg := onnx.ImportConfig{Fixed: fixed, Constants: constants, Shapes: map[string]tensor.Shape{}}
	for i, in := range c.inputs {
		named := slices.ContainsFunc(in.Dims, func(d onnxpb.Dim) bool { return d.Value < 1 })
		if _, ok := constants[in.Name]; ok || in.HasShape && !named {
			continue
		}
		cfg.Shapes[in.Name] = slices.Clone(c.given[i].Shape)
	}
	return cfg
}

// rest are the inputs that are no constants.
func (c *test) rest(constants map[string]tensor.Tensor) map[string]tensor.Tensor {
	rest := map[string]tensor.Tensor{}
	for i, in := range c.inputs {
		if _, ok := constants[in.Name]; !ok {
			rest[in.Name] = c.given[i]
		}
	}
	return rest
}

func (c *test) evaluate(constants map[string]tensor.Tensor) ([]tensor.Tensor, error) {
	g, err := c.config(constants, true).Import(context.Background(), c.model, "model.onnx")
	if err != nil {
		return nil, unnamed(err)
	}
	values, err := graph.Eval(context.Background(), g, c.rest(constants), nil)
	if err != nil {
		return nil, err
	}
	out := make([]tensor.Tensor, len(c.want))
	for i := range out {
		out[i] = values[c.pb.Outputs[i].Name]
	}
	return out, nil
}

// unnamed leaves out the name of the file, which is the same for all.
func unnamed(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "model.onnx: ")) }

func (c *test) compare(got []tensor.Tensor) error {
	for i, want := range c.want {
		if err := compare(got[i], want); err != nil {
			return fmt.Errorf("%w: output %q: %w", ErrWrong, c.pb.Outputs[i].Name, err)
		}
	}
	return nil
}
