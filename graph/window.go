package graph

import (
	"fmt"
	"math"
)

// Window is the geometry of a convolution or pooling node with its defaults and auto_pad resolved. Pairs are height,
// width.
type Window struct {
	Kernel, Stride, Dilation [2]int
	Pad                      [4]int // top, left, bottom, right
	Group                    int    // Conv; 1 for the others
	Out                      [2]int // height, width of the output
	CountPad                 bool   // AveragePool: padding counts as elements
}

// maxWindow bounds kernels, strides, dilations and pads; no picture is larger.
const maxWindow = 1 << 24

// WindowOf resolves the window of a Conv, MaxPool or AveragePool node for an input of the given height and width. The
// kernel of a Conv is that of its weight, whose shape must be known.
//
// With ceil_mode the last window may reach beyond the padding, but one that would start in the padding at the end is
// dropped, as in PyTorch and ONNX since opset 19. Errors: attributes that are no geometry, a kernel larger than the
// padded input, a pooling window that would lie in the padding alone.
func WindowOf(g *Graph, n *Node, height, width int) (Window, error) {
	s, w := site{g, n}, Window{Group: 1}
	kernel := n.Ints("kernel_shape")
	if n.Op == Conv {
		shape := s.shape(1)
		if len(shape) != 4 {
			return w, s.errorf("its weight has the shape %s: convolutions here are 2-D, with weights [out, in/group, height, width]", show(shape))
		}
		if kernel != nil && (len(kernel) != 2 || kernel[0] != shape[2] || kernel[1] != shape[3]) {
			return w, s.errorf("kernel_shape %v differs from the weight's %s: leave kernel_shape out", kernel, show(shape))
		}
		kernel = shape[2:]
		w.Group = n.Int("group")
	}
	if kernel == nil {
		return w, s.errorf("it has no kernel_shape: give the height and width of the window")
	}
	for _, list := range []struct {
		name   string
		to     []int
		from   []int
		least  int
		absent int
	}{
		{"kernel_shape", w.Kernel[:], kernel, 1, 1},
		{"strides", w.Stride[:], n.Ints("strides"), 1, 1},
		{"dilations", w.Dilation[:], n.Ints("dilations"), 1, 1},
		{"pads", w.Pad[:], n.Ints("pads"), 0, 0},
	} {
		if err := geometry(list.to, list.from, list.least, list.absent); err != nil {
			return w, s.errorf("%s %w", list.name, err)
		}
	}
	if w.Group < 1 {
		return w, s.errorf("group is %d: use 1 or more", w.Group)
	}
	w.CountPad = n.Op == AveragePool && n.Int("count_include_pad") != 0
	for axis, in := range [2]int{height, width} {
		if err := w.resolve(n, axis, in); err != nil {
			return w, s.errorf("%w", err)
		}
	}
	return w, nil
}

// geometry copies an attribute's list, or its default where it is missing.
func geometry(to, from []int, least, absent int) error {
	for i := range to {
		to[i] = absent
	}
	if from == nil {
		return nil
	}
	if len(from) != len(to) {
		return fmt.Errorf("has %d numbers, not %d: windows here are 2-D", len(from), len(to))
	}
	for i, v := range from {
		if v < least || v > maxWindow {
			return fmt.Errorf("has the number %d: use %d to %d", v, least, maxWindow)
		}
		to[i] = v
	}
	return nil
}

// resolve fills in padding and output length of one axis, 0 or 1, for an input of that length.
func (w *Window) resolve(n *Node, axis, in int) error {
	length, stride := int64(in), int64(w.Stride[axis])
	extent := (int64(w.Kernel[axis])-1)*int64(w.Dilation[axis]) + 1
	before, after := &w.Pad[axis], &w.Pad[axis+2]
	switch auto := n.Str("auto_pad"); auto {
	case "NOTSET", "":
	case "VALID":
		*before, *after = 0, 0
	case "SAME_UPPER", "SAME_LOWER":
		out := (length + stride - 1) / stride
		total := max((out-1)*stride+extent-length, 0)
		small, large := total/2, total-total/2
		if large > maxWindow {
			return fmt.Errorf("auto_pad %s would pad by %d", auto, large)
		}
		*before, *after = int(small), int(large)
		if auto == "SAME_LOWER" {
			*before, *after = int(large), int(small)
		}
	default:
		return fmt.Errorf("auto_pad is %q: use NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto)
	}
	room := length + int64(*before) + int64(*after) - extent
	if room < 0 {
		return fmt.Errorf("the kernel spans %d elements %s, and the padded input has %d: use a larger input, more padding or a smaller kernel",
			extent, [...]string{"down", "across"}[axis], length+int64(*before)+int64(*after))
	}
	out := room/stride + 1
	if n.Op != Conv && n.Int("ceil_mode") != 0 && room%stride != 0 && out*stride < length+int64(*before) {
		out++
	}
	if out > math.MaxInt32 {
		return fmt.Errorf("the output would have %d elements %s", out, [...]string{"down", "across"}[axis])
	}
	w.Out[axis] = int(out)
	if n.Op == Conv {
		return nil
	}
	if o, ok := w.firstOutside(axis, in); !ok {
		return fmt.Errorf("window %d %s lies in the padding alone: use pads smaller than the kernel", o, [...]string{"down", "across"}[axis])
	}
	if last := w.Out[axis] - 1; !w.touches(axis, last, in) {
		return fmt.Errorf("window %d %s lies in the padding alone: use pads smaller than the kernel", last, [...]string{"down", "across"}[axis])
	}
	return nil
}

// mostStarts bounds how many windows that begin in the padding are looked at one by one.
const mostStarts = 1 << 12

// firstOutside returns the first window that begins in the padding before an input of that length and has none of its
// elements; ok says that there is none. Where no element lies between a window's, as with a dilation up to the length,
// those that begin later have more of them: only the first needs a look. Of dilations beyond that, which skip the whole
// input, mostStarts windows are looked at, and the next one is taken for empty.
func (w *Window) firstOutside(axis, in int) (o int, ok bool) {
	for o < w.Out[axis] && int64(o)*int64(w.Stride[axis]) < int64(w.Pad[axis]) {
		if o >= mostStarts || !w.touches(axis, o, in) {
			return o, false
		}
		if w.Dilation[axis] <= in {
			break
		}
		o++
	}
	return o, true
}

// touches reports whether the window at output o has an element of the input.
func (w *Window) touches(axis, o, in int) bool {
	start, dilation := int64(o)*int64(w.Stride[axis])-int64(w.Pad[axis]), int64(w.Dilation[axis])
	first := start
	if start < 0 {
		first += (-start + dilation - 1) / dilation * dilation
	}
	return first < int64(in) && first <= start+(int64(w.Kernel[axis])-1)*dilation
}

// Span returns the kernel positions [lo, hi) along an axis, 0 down or 1 across, that lie in an input of the given
// length for output o. Position k reads element o·Stride + k·Dilation − Pad.
func (w *Window) Span(axis, o, length int) (lo, hi int) {
	start, dilation := o*w.Stride[axis]-w.Pad[axis], w.Dilation[axis]
	if start < 0 {
		lo = (-start + dilation - 1) / dilation
	}
	if room := length - start; room > 0 {
		hi = min((room+dilation-1)/dilation, w.Kernel[axis])
	}
	return min(lo, w.Kernel[axis]), max(hi, min(lo, w.Kernel[axis]))
}

// Count returns how many elements the average at output row y and column x divides by, for an input of the given height
// and width: those of the input, or with CountPad those of the padded input. What ceil_mode adds beyond the padding
// never counts.
func (w *Window) Count(height, width, y, x int) int {
	return w.CountAlong(0, y, height) * w.CountAlong(1, x, width)
}

// CountAlong is the factor of Count that an axis gives, 0 down or 1 across, for output o and an input of that length.
func (w *Window) CountAlong(axis, o, length int) int {
	lo, hi := w.Span(axis, o, length)
	if w.CountPad {
		padded := length + w.Pad[axis+2] // beyond it nothing counts, before the input everything does
		_, hi = w.Span(axis, o, padded)
		lo = 0
	}
	return hi - lo
}
