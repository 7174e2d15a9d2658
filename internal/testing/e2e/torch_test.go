package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// With the convention torch a network is what the original's formulas make of it in PyTorch (testdata/simulate.py): the
// codes of weights, biases and of every activation, and the outputs, are the same.
//
// The environment variable LINQUANT_TORCH_PYTHON names a Python interpreter that has torch and numpy. Without it the
// test is skipped, or fails where LINQUANT_REQUIRE_TORCH is 1.
func TestTorch(t *testing.T) {
	python := os.Getenv("LINQUANT_TORCH_PYTHON")
	if python == "" {
		if os.Getenv("LINQUANT_REQUIRE_TORCH") == "1" {
			t.Fatal("LINQUANT_REQUIRE_TORCH is 1 and LINQUANT_TORCH_PYTHON is not set")
		}
		t.Skip("set LINQUANT_TORCH_PYTHON to a Python that has torch and numpy")
	}
	for _, test := range []struct {
		network string
		few     int
		signed  bool
	}{{"resnet20", 4, false}, {"resnet20", 4, true}, {"vgg", 1, false}} {
		t.Run(fmt.Sprintf("%s,signed=%v", test.network, test.signed), func(t *testing.T) {
			n := load(t, test.network)
			cfg := ptq.Config{Requant: quant.Torch, ActSigned: test.signed, SaturateBias: true}
			q := n.quantize(t, n.calibration(), cfg)
			p := compile(t, q, engine.Config{KeepAll: true})
			var compared int
			for b := range n.batches(t, dataset.Test, size(t, test.few), batch) {
				ours := trace(t, p, b.X)
				for name, v := range q.Values {
					if v.Const != nil {
						ours[name] = *v.Const
					}
				}
				for name, theirs := range simulate(t, python, n, q, imagesOf(t, n, b)) {
					compared += compareTorch(t, name, ours[name], theirs)
				}
			}
			t.Logf("%d numbers are equal", compared)
		})
	}
}

// compareTorch compares one value and returns its number of elements.
func compareTorch(t *testing.T, name string, ours, theirs tensor.Tensor) int {
	t.Helper()
	if !ours.Shape.Equal(theirs.Shape) {
		t.Fatalf("%s is %v, ours %v", name, theirs.Shape, ours.Shape)
	}
	if theirs.DType == tensor.Float32 {
		if !bytes.Equal(ours.Data, theirs.Data) {
			t.Errorf("%s: reals differ", name)
		}
		return ours.Elements()
	}
	want, err := tensor.As[int32](theirs)
	must(t, err)
	differ := 0
	for i, c := range want {
		if code(t, ours, i) != c {
			differ++
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d of %d codes differ", name, differ, len(want))
	}
	return len(want)
}

func code(t *testing.T, v tensor.Tensor, i int) int32 {
	switch v.DType {
	case tensor.Int8:
		return int32(int8(v.Data[i]))
	case tensor.Uint8:
		return int32(v.Data[i])
	case tensor.Int32:
		codes, err := tensor.As[int32](v)
		must(t, err)
		return codes[i]
	}
	t.Fatalf("codes of type %v", v.DType)
	return 0
}

// spec is what simulate.py reads.
type spec struct {
	Nodes   []node           `json:"nodes"`
	Values  map[string]value `json:"values"`
	Results []string         `json:"results"`
}

type node struct {
	Op     graph.Op    `json:"op"`
	Inputs []string    `json:"inputs"`
	Output string      `json:"output"`
	Attrs  graph.Attrs `json:"attrs"`
}

type value struct {
	Real  int   `json:"real"`
	Scale int   `json:"scale"`
	Zero  int   `json:"zero"`
	Lo    int32 `json:"lo"`
	Hi    int32 `json:"hi"`
}

// simulate returns what the script makes of the float network's weights and biases, the quantized one's nodes and
// activation parameters, and the images.
func simulate(t *testing.T, python string, n *network, q *graph.Graph, x tensor.Tensor) map[string]tensor.Tensor {
	t.Helper()
	var arrays []checkpoint.Output
	array := func(x tensor.Tensor, err error) int {
		must(t, err)
		arrays = append(arrays, checkpoint.FromTensor(strconv.Itoa(len(arrays)), x))
		return len(arrays) - 1
	}
	s := spec{Values: map[string]value{q.Inputs[0]: {Real: array(x, nil)}}}
	for _, nd := range q.Nodes {
		s.Nodes = append(s.Nodes, node{nd.Op, nd.Inputs, nd.Outputs[0], nd.Attrs})
		for _, name := range slices.Concat(nd.Inputs, nd.Outputs) {
			v, float := q.Values[name], n.float.Values[name]
			switch _, known := s.Values[name]; {
			case known:
				continue
			case v.Const != nil:
				s.Values[name] = value{Real: array(*float.Const, nil)}
			case v.Quant != nil:
				lo, hi := v.Quant.Type.Range()
				zero := v.Quant.ZeroPoint
				if zero == nil {
					zero = []int32{0}
				}
				one := tensor.Shape{1}
				scale := array(tensor.Of(one, v.Quant.Scale))
				s.Values[name] = value{Scale: scale, Zero: array(tensor.Of(one, zero)), Lo: lo, Hi: hi}
			}
			if name != q.Inputs[0] {
				s.Results = append(s.Results, name)
			}
		}
	}
	dir := t.TempDir()
	network, npz := filepath.Join(dir, "network.json"), filepath.Join(dir, "arrays.npz")
	result := filepath.Join(dir, "result.npz")
	text, err := json.Marshal(s)
	must(t, err)
	must(t, os.WriteFile(network, text, 0o600))
	var b bytes.Buffer
	must(t, checkpoint.WriteNPZ(&b, arrays))
	must(t, os.WriteFile(npz, b.Bytes(), 0o600))
	if out, err := exec.Command(python, "testdata/simulate.py", network, npz, result).CombinedOutput(); err != nil {
		t.Fatalf("simulate.py: %v\n%s", err, out)
	}
	f, err := checkpoint.Open(result)
	must(t, err)
	defer f.Close()
	theirs := map[string]tensor.Tensor{}
	for i, name := range s.Results {
		a, err := f.Tensor(strconv.Itoa(i))
		must(t, err)
		theirs[name], err = a.Read()
		must(t, err)
	}
	return theirs
}
