package graph

import (
	"linquant/internal/integer"
	"linquant/tensor"
)

// moved returns the elements of x at the given indices, as a value of the given shape; fill is a real.
func moved(x array, shape tensor.Shape, index []int, fill float32) array {
	y := array{shape: shape, quant: x.quant}
	if x.quant != nil {
		y.code = take(x.code, index, integer.Code(fill, x.quant))
	} else {
		y.real = take(x.real, index, fill)
	}
	return y
}

func (s site) evalSlice(c call) (array, error) {
	x, shape := c.in[0], c.shape
	// The symbolic batch was checked when shapes were inferred; with a number in its place it is one more dimension.
	spans, err := SpansOf(s.n, x.shape)
	if err != nil {
		return array{}, err
	}
	steps, stride := make([][]int, len(shape)), strides(x.shape)
	for d, span := range spans {
		for i := range span.Count {
			steps[d] = append(steps[d], (span.Start+i*span.Step)*stride[d])
		}
	}
	return moved(x, shape, gather(shape, steps), 0), nil
}

func (s site) evalTranspose(c call) (array, error) {
	x, shape := c.in[0], c.shape
	perm, err := PermOf(s.n, len(x.shape))
	if err != nil {
		return array{}, err
	}
	steps, stride := make([][]int, len(shape)), strides(x.shape)
	for d, p := range perm {
		for i := range shape[d] {
			steps[d] = append(steps[d], i*stride[p])
		}
	}
	return moved(x, shape, gather(shape, steps), 0), nil
}

func (s site) evalPad(c call) (array, error) {
	x, shape := c.in[0], c.shape
	pads, mode := s.n.Ints("pads"), s.n.Str("mode")
	steps, stride := make([][]int, len(shape)), strides(x.shape)
	for d, length := range x.shape {
		for i := range shape[d] {
			at := i - pads[d]
			switch {
			case at >= 0 && at < length:
			case mode == "edge":
				at = min(max(at, 0), length-1)
			case mode == "reflect" && at < 0:
				at = -at
			case mode == "reflect":
				at = 2*(length-1) - at
			default:
				at = -1
			}
			step := -1
			if at >= 0 {
				step = at * stride[d]
			}
			steps[d] = append(steps[d], step)
		}
	}
	return moved(x, shape, gather(shape, steps), s.n.Float("value")), nil
}

// evalConcat joins its inputs. Codes whose parameters are not the output's are dequantized and quantized.
func (s site) evalConcat(c call) (array, error) {
	in, shape, out := c.in[:len(s.n.Inputs)], c.shape, c.out
	axis := AxisOf(s.n, len(shape))
	inner := perExample(shape[axis+1:])
	y := array{shape: shape, quant: out.Quant}
	outer := perExample(shape[:axis])
	for i := range in {
		if out.Quant != nil && !SameParams(in[i].quant, out.Quant) {
			x, err := in[i].reals()
			if err != nil {
				return y, s.errorf("%w", err)
			}
			if in[i], err = quantized(in[i].shape, x, out.Quant); err != nil {
				return y, s.errorf("%w", err)
			}
		}
	}
	for o := range outer {
		for _, x := range in {
			run := x.shape[axis] * inner
			o := o % perExample(x.shape[:axis]) // one that every example has begins anew
			if out.Quant != nil {
				y.code = append(y.code, x.code[o*run:(o+1)*run]...)
			} else {
				y.real = append(y.real, x.real[o*run:(o+1)*run]...)
			}
		}
	}
	return y, nil
}

func (s site) evalReshape(c call) (array, error) {
	y := c.in[0]
	y.shape = c.shape
	return y, nil
}
