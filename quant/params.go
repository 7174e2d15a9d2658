package quant

import (
	"fmt"
	"slices"

	"linquant/tensor"
)

// Granularity says how many elements share one scale.
type Granularity uint8

// The granularities of quantization, from coarse to fine.
const (
	PerTensor  Granularity = iota // one scale for all elements
	PerChannel                    // one for each index of an axis
	PerGroup                      // one for each run of GroupSize elements of a channel
)

// String returns the word the command line uses: "tensor", "channel" or "group".
func (g Granularity) String() string {
	switch g {
	case PerTensor:
		return "tensor"
	case PerChannel:
		return "channel"
	case PerGroup:
		return "group"
	}
	return fmt.Sprintf("Granularity(%d)", uint8(g))
}

// ParseGranularity is the inverse of String.
func ParseGranularity(s string) (Granularity, error) {
	for _, g := range []Granularity{PerTensor, PerChannel, PerGroup} {
		if s == g.String() {
			return g, nil
		}
	}
	return 0, fmt.Errorf("%q is no granularity: use tensor, channel or group", s)
}

// Layout says which scale an element of a tensor is quantized with. The zero value is one scale for the whole tensor.
type Layout struct {
	Per       Granularity
	Axis      int // PerChannel, PerGroup: the dimension whose indices are the channels; 0 for the weights of linear and convolution layers
	GroupSize int // PerGroup: elements of one group, counted in row-major order within a channel; the last group may be shorter
}

// split is a Layout applied to a shape.
type split struct {
	channels int // indices of the axis
	inner    int // consecutive elements of one index of the axis
	depth    int // elements of one channel
	group    int // elements of one group
	groups   int // groups of one channel
}

// split checks the layout against a tensor's shape. For PerTensor the shape may be nil: n, the number of elements, is
// enough.
func (l Layout) split(shape tensor.Shape, n int) (split, error) {
	if shape != nil {
		elements, err := shape.Elements()
		if err != nil {
			return split{}, err
		}
		if elements != n {
			return split{}, fmt.Errorf("shape %v has %d elements, the tensor %d", shape, elements, n)
		}
	}
	if l.Per == PerTensor {
		return split{channels: 1, inner: n, depth: n, group: n, groups: 1}, nil
	}
	if l.Per > PerGroup {
		return split{}, fmt.Errorf("%v is no granularity", l.Per)
	}
	if l.Axis < 0 || l.Axis >= len(shape) {
		return split{}, fmt.Errorf("axis %d: a tensor of shape %v has no such dimension", l.Axis, shape)
	}
	s := split{channels: shape[l.Axis], inner: 1, groups: 1}
	for _, d := range shape[l.Axis+1:] {
		s.inner *= d
	}
	if n == 0 {
		s.channels = 0 // a file may claim any number of channels without elements; nothing is allocated for them
	} else {
		s.depth = n / s.channels
	}
	s.group = s.depth
	if l.Per == PerGroup {
		if l.GroupSize < 1 {
			return split{}, fmt.Errorf("group size %d: a group has at least one element", l.GroupSize)
		}
		s.group = min(l.GroupSize, max(s.depth, 1)) // a larger one would overflow the arithmetic of each
		s.groups = max(1, (s.depth-1)/s.group+1)
	}
	return s, nil
}

// ScaleShape returns the shape of the scales of a tensor: [] for one scale, [channels], or [channels, groups].
func (l Layout) ScaleShape(shape tensor.Shape) (tensor.Shape, error) {
	n, err := shape.Elements()
	if err != nil {
		return nil, err
	}
	s, err := l.split(shape, n)
	if err != nil {
		return nil, err
	}
	switch l.Per {
	case PerTensor:
		return tensor.Shape{}, nil
	case PerChannel:
		return tensor.Shape{s.channels}, nil
	}
	return tensor.Shape{s.channels, s.groups}, nil
}

// scales returns how many scales the split has.
func (s split) scales() int { return s.channels * s.groups }

// each calls visit for every run of consecutive elements [lo, hi) that share scale k.
func (s split) each(n int, visit func(k, lo, hi int)) {
	channel, position := 0, 0 // of the first element of a row, in its channel; a division for each would take longer
	for start := 0; start < n; start += s.inner {
		end := start + s.inner
		if s.groups == 1 {
			visit(channel, start, end)
		} else {
			g := position / s.group
			for lo := start; lo < end; g++ {
				hi := min(end, start+(g+1)*s.group-position)
				visit(channel*s.groups+g, lo, hi)
				lo = hi
			}
		}
		if channel++; channel == s.channels {
			channel, position = 0, position+s.inner
		}
	}
}

// Params are the parameters of a quantized tensor: real = Scale × (code − ZeroPoint).
type Params struct {
	Type Type
	Layout

	// Scale holds one scale, or one per channel, or channels × groups of them with the groups of a channel together.
	// Scales are positive, finite and not subnormal.
	Scale []float32

	// ZeroPoint holds as many zero points as there are scales, each a code of the type; nil stands for all zeros.
	ZeroPoint []int32
}

// TensorParams returns the parameters of a tensor with a single scale, which is rounded to float32.
func TensorParams(t Type, scale float64, zeroPoint int32) Params {
	return Params{Type: t, Scale: []float32{float32(scale)}, ZeroPoint: []int32{zeroPoint}}
}

// ZeroPointOf returns the zero point that goes with scale k: 0 where ZeroPoint is nil.
func (p Params) ZeroPointOf(k int) int32 {
	if p.ZeroPoint == nil {
		return 0
	}
	return p.ZeroPoint[k]
}

// Equal reports whether codes with the parameters p stand for the same reals with the parameters q.
func (p Params) Equal(q Params) bool {
	if p.Type != q.Type || p.Layout != q.Layout || !slices.Equal(p.Scale, q.Scale) {
		return false
	}
	for k := range p.Scale {
		if p.ZeroPointOf(k) != q.ZeroPointOf(k) {
			return false
		}
	}
	return true
}

// Check returns an error unless p is usable for a tensor of the given shape: its type, the number of its scales and
// zero points, and each of their values. With one scale for the whole tensor the shape may be nil.
func (p Params) Check(shape tensor.Shape) error {
	n, err := shape.Elements()
	if err != nil {
		return err
	}
	_, err = p.check(shape, n)
	return err
}

// check applies p to a tensor of n elements: its type, the number of its scales and each of their values.
func (p Params) check(shape tensor.Shape, n int) (split, error) {
	if err := p.Type.Check(); err != nil {
		return split{}, err
	}
	s, err := p.split(shape, n)
	if err != nil {
		return split{}, err
	}
	if len(p.Scale) != s.scales() {
		return split{}, fmt.Errorf("%d scales for a tensor that needs %d (per %v)", len(p.Scale), s.scales(), p.Per)
	}
	if p.ZeroPoint != nil && len(p.ZeroPoint) != len(p.Scale) {
		return split{}, fmt.Errorf("%d zero points for %d scales", len(p.ZeroPoint), len(p.Scale))
	}
	for k, scale := range p.Scale {
		if err := checkScale(scale); err != nil {
			return split{}, fmt.Errorf("scale %d: %w", k, err)
		}
	}
	lo, hi := p.Type.Range()
	for k, z := range p.ZeroPoint {
		if z < lo || z > hi {
			return split{}, fmt.Errorf("zero point %d is %d, outside %v's range [%d, %d]", k, z, p.Type, lo, hi)
		}
	}
	return s, nil
}
