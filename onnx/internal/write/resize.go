package write

import (
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// reduce leaves out axes that are all dimensions.
func (p parameters) reduce() error {
	axes := p.n.Ints("axes")
	if len(axes) == 0 {
		delete(p.attrs, "axes")
		return nil
	}
	delete(p.attrs, "noop_with_empty_axes")
	p.attrs["axes"] = elements.FromFront(axes, p.rank())
	return nil
}

// extreme: Max and Min broadcast since opset 8.
func (p parameters) extreme() error {
	x, y := p.g.Values[p.n.Inputs[0]], p.g.Values[p.n.Inputs[1]]
	if p.cfg.Opset < 8 && !x.Shape.Equal(y.Shape) {
		return p.tooOld(fmt.Sprintf("%v that broadcasts", p.n.Op), 8)
	}
	return nil
}

// floats makes a list the next input, which is empty where it is missing.
func (p parameters) floats(name string, x []float32) error {
	t, err := tensor.Of(tensor.Shape{len(x)}, x)
	in, err := p.parameter(p.n, name, t, err)
	p.pb.Inputs = append(p.pb.Inputs, in)
	return err
}

// resize has scales or sizes as inputs, and was another operator before opset 11, with scales alone. Sizes cannot leave the
// number of examples open before opset 18: it is computed then, and joined with the others.
func (p parameters) resize() error {
	x, y := p.g.Values[p.n.Inputs[0]].Shape, p.g.Values[p.n.Outputs[0]].Shape
	scales, roi, sizes := p.n.Floats("scales"), p.n.Floats("roi"), p.n.Ints("sizes")
	for _, name := range []string{"scales", "sizes", "roi"} {
		delete(p.attrs, name)
	}
	if sizes != nil && (scales != nil || p.cfg.Opset < 11) {
		if scales == nil {
			scales = scalesFor(x, y)
		}
		for d := range x {
			if x[d] != graph.Batch && !reaches(scales[d], x[d], y[d]) {
				return fmt.Errorf("a Resize of %v to %v has no form in ONNX with scales such as %v: give sizes alone, and "+
					"write opset 11 or later", x, y, scales[d])
			}
		}
		sizes = nil
	}
	if err := p.resizeOpset(scales); err != nil {
		return err
	}
	switch {
	case p.cfg.Opset < 9:
		p.attrs["scales"] = scales
		return nil
	case p.cfg.Opset < 11:
		return p.floats("scales", scales)
	case sizes == nil:
		if err := p.floats("roi", roi); err != nil {
			return err
		}
		return p.floats("scales", scales)
	}
	if p.cfg.Opset < 18 || roi != nil {
		return p.allSizes(roi, sizes)
	}
	var axes []int
	for d := range sizes {
		if sizes[d] != graph.Batch {
			axes = append(axes, d)
		}
	}
	p.pb.Inputs = append(p.pb.Inputs, "", "")
	p.attrs["axes"], p.attrs["sizes"] = axes, sizes[len(sizes)-len(axes):]
	return p.ints("sizes")
}

// allSizes writes the sizes of all dimensions, the batch as it is.
func (p parameters) allSizes(roi []float32, sizes []int) error {
	if err := p.floats("roi", roi); err != nil {
		return err
	}
	if err := p.floats("scales", nil); err != nil {
		return err
	}
	if len(sizes) == 0 || sizes[0] != graph.Batch {
		name, err := p.integers(p.n, "sizes", sizes)
		p.pb.Inputs = append(p.pb.Inputs, name)
		return err
	}
	batch, err := p.batchOf(p.n)
	if err != nil {
		return err
	}
	rest, err := p.integers(p.n, "rest", sizes[1:])
	if err != nil {
		return err
	}
	all := p.unwritten(p.n.Outputs[0] + "_sizes")
	p.add(onnxpb.Node{
		Name: all, Op: "Concat", Inputs: []string{batch, rest}, Outputs: []string{all},
		Attrs: []onnxpb.Attr{{Name: "axis", Type: onnxpb.AttrInt}},
	})
	p.pb.Inputs = append(p.pb.Inputs, all)
	return nil
}

// reaches reports whether a dimension of n times the scale, rounded down, is size, for who multiplies in float32 and in
// float64: ONNX's shape inference does the one, its reference the other.
func reaches(scale float32, n, size int) bool {
	return int(scale*float32(n)) == size && int(float64(scale)*float64(n)) == size
}

// resizeOpset checks what an opset has of Resize, and removes the attributes that it does not know.
func (p parameters) resizeOpset(scales []float32) error {
	coordinates := p.n.Str("coordinate_transformation_mode")
	nearest := p.n.Str("mode") == "nearest"
	opset := p.cfg.Opset
	switch {
	case opset < 18 && p.n.Int("antialias") != 0:
		return p.tooOld("Resize with antialias", 18)
	case opset < 19 && coordinates == "half_pixel_symmetric":
		return p.tooOld("Resize with half_pixel_symmetric", 19)
	case opset >= 13 && coordinates == "tf_half_pixel_for_nn":
		return fmt.Errorf("opset %d has no tf_half_pixel_for_nn any more: use 11 or 12", opset)
	case opset < 18:
		delete(p.attrs, "antialias")
	}
	if opset >= 11 {
		return nil
	}
	smaller := slices.ContainsFunc(scales, func(s float32) bool { return s < 1 })
	if opset < 10 && smaller {
		return p.tooOld("Resize that makes a dimension smaller", 10)
	}
	if coordinates != "asymmetric" || p.n.Str("mode") == "cubic" ||
		nearest && (smaller || p.n.Str("nearest_mode") != "floor") {
		return p.tooOld(fmt.Sprintf("Resize with %s coordinates and this rounding", coordinates), 11)
	}
	for _, name := range []string{"coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside"} {
		delete(p.attrs, name)
	}
	if opset < 10 {
		p.pb.Op = "Upsample"
	}
	return nil
}

// scalesFor returns scales that give the shape y for x: the quotients, or the next number where that is rounded down.
func scalesFor(x, y tensor.Shape) []float32 {
	scales := make([]float32, len(x))
	for d := range x {
		scales[d] = 1
		if x[d] != graph.Batch {
			scales[d] = float32(y[d]) / float32(x[d])
		}
		if x[d] != graph.Batch && int(scales[d]*float32(x[d])) < y[d] {
			scales[d] = math.Nextafter32(scales[d], math.MaxFloat32)
		}
	}
	return scales
}
