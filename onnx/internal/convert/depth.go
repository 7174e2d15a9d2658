package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
)

// spaces returns the shape of a picture and the block size of a DepthToSpace or SpaceToDepth.
func spaces(s build.Node) (shape []int, block int, err error) {
	dims, err := s.Dims(0)
	if err != nil {
		return nil, 0, err
	}
	if shape, block = build.Dimensions(dims), s.Raw.Int("blocksize"); len(shape) != 4 || block < 1 {
		return nil, 0, s.Errorf("it has the blocksize %d for %d dimensions: it needs at least 1, and 4 dimensions", block, len(shape))
	}
	return shape, block, nil
}

// depthToSpace is two Reshapes with a Transpose between.
func depthToSpace(s build.Node) error {
	x, b, err := spaces(s)
	if err != nil {
		return err
	}
	mode := s.Raw.Str("mode")
	c := x[1] / b / b
	if c*b*b != x[1] || mode != "DCR" && mode != "CRD" {
		return s.Errorf("%d channels, blocksize %d and mode %q do not fit: channels are a multiple of the block, the mode "+
			"is DCR or CRD", x[1], b, mode)
	}
	apart, perm := []int{x[0], b, b, c, x[2], x[3]}, []int{0, 3, 4, 1, 5, 2}
	if mode == "CRD" {
		apart, perm = []int{x[0], c, b, b, x[2], x[3]}, []int{0, 1, 4, 2, 5, 3}
	}
	return rearrange(s, apart, perm, []int{x[0], c, x[2] * b, x[3] * b})
}

func spaceToDepth(s build.Node) error {
	x, b, err := spaces(s)
	if err != nil {
		return err
	}
	if x[2]%b != 0 || x[3]%b != 0 {
		return s.Errorf("a picture of %d×%d does not fall into blocks of %d", x[2], x[3], b)
	}
	return rearrange(s, []int{x[0], x[1], x[2] / b, b, x[3] / b, b}, []int{0, 3, 5, 1, 2, 4},
		[]int{x[0], x[1] * b * b, x[2] / b, x[3] / b})
}

func rearrange(s build.Node, apart, perm, together []int) error {
	x, err := s.Insert("apart", graph.Reshape, graph.Attrs{"shape": apart}, s.Raw.Inputs[0])
	if err != nil {
		return err
	}
	if x, err = s.Insert("moved", graph.Transpose, graph.Attrs{"perm": perm}, x); err != nil {
		return err
	}
	return s.Become(graph.Reshape, graph.Attrs{"shape": together}, x)
}
