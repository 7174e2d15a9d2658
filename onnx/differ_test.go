package onnx

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// trial is a random node: of an input x of floats, where it has one, and of constants.
type trial struct {
	op      string
	opset   int64
	x       []int64 // the shape of x; nil: the node has constants alone
	attrs   []onnxpb.Attr
	consts  []onnxpb.Tensor // behind x; one without a name is left out
	outputs int             // 0: one
	makes   onnxpb.DataType // the type of the outputs; 0: Float
	special bool            // x has infinities and NaN among its elements
	loose   float64         // the tolerance, where it is not that of alike
}

func (c trial) String() string {
	return fmt.Sprintf("%s of opset %d, x %v, %+v, %v", c.op, c.opset, c.x, c.attrs, describeConsts(c.consts))
}

func describeConsts(consts []onnxpb.Tensor) string {
	var b strings.Builder
	for _, c := range consts {
		left := elements.Budget(1 << 20)
		t, _, err := elements.Decode(&c, nil, &left)
		values, _ := t.Float32s()
		fmt.Fprintf(&b, "%q %v %v %v; ", c.Name, c.Dims, values[:min(len(values), 12)], err)
	}
	return b.String()
}

// file returns the trial as a model.
func (c trial) file(t *testing.T) []byte {
	g := &onnxpb.Graph{Name: "trial"}
	n := onnxpb.Node{Name: "node", Op: c.op, Attrs: c.attrs}
	if c.x != nil {
		dims := make([]onnxpb.Dim, len(c.x))
		for i, d := range c.x {
			dims[i].Value = d
		}
		g.Inputs = []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: dims}}
		n.Inputs = []string{"x"}
	}
	for _, k := range c.consts {
		if n.Inputs = append(n.Inputs, k.Name); k.Name != "" {
			g.Initializers = append(g.Initializers, k)
		}
	}
	for i := range max(c.outputs, 1) {
		y := fmt.Sprintf("y%d", i)
		n.Outputs = append(n.Outputs, y)
		g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: y, Type: max(c.makes, onnxpb.Float)})
	}
	g.Nodes = []onnxpb.Node{n}
	var b bytes.Buffer
	if err := (&onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: c.opset}}, Graph: g}).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// input returns the elements of x.
func (c trial) input() map[string]tensor.Tensor {
	if c.x == nil {
		return map[string]tensor.Tensor{}
	}
	shape, n := tensor.Shape(elements.ClampAll(c.x)), int64(1)
	for _, d := range c.x {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i*37%101-50) / 32
		if c.special && i%7 == 3 {
			v[i] = [...]float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0}[i/7%4]
		}
	}
	x, err := tensor.Of(shape, v)
	if err != nil {
		panic(err)
	}
	return map[string]tensor.Tensor{"x": x}
}

// refusals are why we do not run what ONNX Runtime runs.
var refusals = regexp.MustCompile(strings.Join(deliberate, "|"))

// differ holds what the two make of a trial against each other. A refusal is returned where it is not deliberate.
func (c trial) differ(t *testing.T, folder string) (ran bool, theirs, refused error) {
	file := c.file(t)
	path, in := filepath.Join(folder, "trial.onnx"), c.input()
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	want, theirs := ort.Try(folder, path, in, nil, ort.Options{DisableOptimizations: true})
	for _, fixed := range []bool{false, true} {
		g, err := ImportConfig{Fixed: fixed}.Import(t.Context(), file, "trial")
		var got map[string]tensor.Tensor
		if err == nil {
			got, err = graph.Eval(t.Context(), g, in, nil)
		}
		switch {
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("%v: an error of several lines: %v", c, err)
		case theirs == nil && err != nil && fixed && !ran && !refusals.MatchString(err.Error()):
			refused = fmt.Errorf("%v: ONNX Runtime computes it: %w", c, err)
		case theirs != nil || err != nil:
			continue
		}
		for name, y := range got {
			ran = true
			if err := c.alike(y, want.Values[name]); err != nil {
				t.Errorf("%v, fixed %v: %s: %v\n%v\n%v", c, fixed, name, err, show(y), show(want.Values[name]))
			}
		}
	}
	return ran, theirs, refused
}

func show(x tensor.Tensor) string {
	v, err := x.Float32s()
	return fmt.Sprint(x.DType, x.Shape, v[:min(len(v), 24)], err)
}

func (c trial) alike(got, want tensor.Tensor) error {
	if !got.Shape.Equal(want.Shape) && (len(got.Shape) > 0 || !want.Shape.Equal(tensor.Shape{1})) { // as ort.Run has a scalar
		return fmt.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	a, err := got.Float32s()
	if err != nil {
		return err
	}
	b, err := want.Float32s()
	if err != nil {
		return err
	}
	limit := max(c.loose, 1e-5)
	for i := range b {
		x, y := float64(a[i]), float64(b[i])
		if d := math.Abs(x - y); !(d <= limit+limit*math.Abs(y)) && x != y && !(x != x && y != y) {
			return fmt.Errorf("element %d is %g, want %g", i, x, y)
		}
	}
	return nil
}

var trials = flag.Int("trials", 20, "random nodes of each kind that are held against ONNX Runtime")

// TestOperatorsAgainstORT: a random node of any opset computes what ONNX Runtime computes, or is refused for one of the
// reasons that are deliberate. The nodes are the same in every run; -trials 2000 tries more of them.
func TestOperatorsAgainstORT(t *testing.T) {
	ort.Require(t)
	if testing.Short() {
		t.Skip("hundreds of sessions of ONNX Runtime")
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			folder, ran, theirs := t.TempDir(), 0, ""
			node := rapid.Custom(func(t *rapid.T) trial { return kind(draw{t}) })
			for seed := range *trials {
				c := node.Example(seed)
				ok, err, refused := c.differ(t, folder)
				switch {
				case refused != nil:
					t.Errorf("%d: %v", seed, refused)
				case err != nil:
					theirs = fmt.Sprintf("; it refuses %v: %v", c, err)
				case ok:
					ran++
				}
			}
			t.Logf("%d of %d nodes ran in both%s", ran, *trials, theirs)
			if ran == 0 {
				t.Error("none ran in both")
			}
		})
	}
}
