package pipeline

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// openInputs returns inputs of examples with −1 for the dimensions that the network's model leaves open.
func (n *Network) openInputs(ctx context.Context, inputs []dataset.Input) []dataset.Input {
	if v, _ := n.varying(ctx); v == nil {
		return inputs
	}
	open := slices.Clone(inputs)
	for i, in := range open {
		v := n.graph.Value(in.Name)
		if v == nil || in.Shape == nil {
			continue
		}
		dims := n.source.dims(in.Name)
		shape := slices.Clone(in.Shape)
		for d := range shape {
			if at := d + len(v.Shape) - len(shape); at >= len(dims) || dims[at] < 1 {
				shape[d] = -1
			}
		}
		open[i].Shape = shape
	}
	return open
}

// CalibrationInputs is DataInputs for examples to calibrate on: dimensions that the network's model leaves open are −1, so that they may be
// of several shapes.
func (n *Network) CalibrationInputs(ctx context.Context) []dataset.Input {
	return n.openInputs(ctx, n.DataInputs())
}

// dims are those that the model declares for an input.
func (s *source) dims(name string) []int {
	inputs, err := inputsOf(s.data), error(nil)
	if s.path != "" {
		inputs, err = Inputs(s.path)
	}
	for _, in := range inputs {
		if err == nil && in.Name == name {
			return in.Dims
		}
	}
	return nil
}

// ofOtherShapes reports whether examples have shapes that the network can be read with and does not have.
func (n *Network) ofOtherShapes(ctx context.Context, set dataset.Set) bool {
	groups := dataset.ByShape(set)
	if len(groups) == 1 && dataset.DType(groups[0]) == tensor.Invalid {
		return false // pictures, which are made to fit
	}
	if v, _ := n.varying(ctx); v == nil {
		return len(groups) > 1
	}
	if len(groups) > 1 {
		return true
	}
	shapes, err := n.shapesOf(groups[0])
	if err != nil {
		return false
	}
	for name, shape := range shapes {
		if !n.graph.Value(name).Shape.Equal(shape) {
			return true
		}
	}
	return false
}

// shapesOf returns the shapes of the network's inputs for examples of one shape.
func (n *Network) shapesOf(set dataset.Set) (map[string]tensor.Shape, error) {
	arrays := dataset.Arrays(set)
	if arrays == nil && len(n.graph.Inputs) == 1 {
		arrays = []dataset.Array{{Name: n.graph.Inputs[0], Shape: set.Shape()}}
	}
	shapes := map[string]tensor.Shape{}
	for _, a := range arrays {
		v := n.graph.Value(a.Name)
		if v == nil {
			continue
		}
		shape := slices.Clone(a.Shape)
		if len(v.Shape) == len(shape)+1 && (v.Shape[0] == graph.Batch || v.Shape[0] == 1) {
			shape = append(tensor.Shape{v.Shape[0]}, shape...)
		}
		if len(shape) != len(v.Shape) {
			return nil, fmt.Errorf("%s: the examples for the input %q have the shape %v, and the input has %s", set.Name(), a.Name, a.Shape, dimsOf(v.Shape))
		}
		shapes[a.Name] = shape
	}
	return shapes, nil
}

// at reads the network again for inputs of other shapes.
func (n *Network) at(ctx context.Context, shapes map[string]tensor.Shape) (*Network, error) {
	s := n.source
	cfg := OpenConfig{ONNX: s.cfg}
	cfg.ONNX.Shapes = maps.Clone(s.cfg.Shapes)
	if cfg.ONNX.Shapes == nil {
		cfg.ONNX.Shapes = map[string]tensor.Shape{}
	}
	maps.Copy(cfg.ONNX.Shapes, shapes)
	cfg.ONNX.Fixed = cfg.ONNX.Fixed || n.graph.Whole()
	var other *Network
	var err error
	if s.path == "" {
		other, err = Read(ctx, s.data, n.Name, cfg)
	} else {
		other, err = Open(ctx, s.path, cfg)
	}
	if err != nil {
		return nil, err
	}
	other.pre, other.said, other.kept = n.pre, n.said, n.kept
	return other, nil
}

// calibrateVaried is Calibrate for examples of other shapes: one program after the other, each for those of one shape, shows its values to
// the same observers.
func (n *Network) calibrateVaried(ctx context.Context, set dataset.Set, points []calib.Point, ec engine.Config, cfg Config) (calib.Ranges, error) {
	if _, bound := n.varying(ctx); bound != nil || n.source == nil {
		why := "its model leaves no dimension open"
		if bound != nil {
			why = bound.Error()
		}
		return nil, n.named(fmt.Errorf("%s has examples of %d shapes, and the network is of one, since %s: pad them", set.Name(), len(dataset.ByShape(set)), why))
	}
	cc := calib.Config{Method: cfg.Calibration.Method, Percentile: cfg.Calibration.Percentile, AnyLength: true}
	report := reporter(cfg.Progress, Progress{
		Stage: Calibrating, Total: set.Len(), Of: n.Name, Data: set.Name(), Values: len(points), Memory: calib.MemoryEstimate(len(points), cc),
	})
	report(0)
	cc.Progress = report
	now := &ofShape{}
	ranges, err := calib.Run(ctx, now, n.batchesByShape(ctx, set, ec, cfg, now), points, cc)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", n.Name, set.Name(), err)
	}
	return on(ranges, n.Preparation(dataset.ByShape(set)[0])), nil
}

// ofShape is a calib.Runner whose program is that for the batch that it is given next.
type ofShape struct{ *Model }

// batchesByShape yields the examples shape by shape, and has now be the program for them.
func (n *Network) batchesByShape(ctx context.Context, set dataset.Set, ec engine.Config, cfg Config, now *ofShape) iter.Seq2[[][]float32, error] {
	return func(yield func([][]float32, error) bool) {
		before := 0
		for _, group := range dataset.ByShape(set) {
			examples, err := n.compileFor(ctx, group, ec, now)
			if err != nil {
				yield(nil, err)
				return
			}
			cfg.digest.watchFrom(examples, before)
			before += examples.Len()
			for inputs, err := range batches(ctx, examples) {
				if !yield(inputs, err) || err != nil {
					return
				}
			}
		}
	}
}

// compileFor makes now the program for examples of one shape, and returns these as its inputs.
func (n *Network) compileFor(ctx context.Context, group dataset.Set, ec engine.Config, now *ofShape) (dataset.Set, error) {
	shapes, err := n.shapesOf(group)
	if err != nil {
		return nil, err
	}
	other, err := n.at(ctx, shapes)
	if err != nil {
		return nil, err
	}
	defer other.Close()
	if now.Model, err = other.Compile(ctx, ec); err != nil {
		return nil, err
	}
	return now.Examples(group)
}
