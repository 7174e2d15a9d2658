package onnx

import (
	"pgregory.net/rapid"

	"linquant/internal/onnxpb"
	_ "linquant/internal/testing/seeds"
)

// deliberate has what the importer refuses though ONNX has it.
var deliberate = []string{
	"the network has no inputs",
	"takes nothing of dimension", "has no elements, and a value here has some",
	"every dimension is at least 1",
}

// draw draws the parts of a trial.
type draw struct{ *rapid.T }

func (d draw) between(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(d.T, "n") }
func (d draw) maybe() bool            { return rapid.Bool().Draw(d.T, "maybe") }

func (d draw) opset(least int64) int64 {
	all := []int64{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}
	for all[0] < least {
		all = all[1:]
	}
	return rapid.SampledFrom(all).Draw(d.T, "opset")
}

func (d draw) one(of ...string) string { return rapid.SampledFrom(of).Draw(d.T, "one") }

// shape draws dimensions of 1 to most.
func (d draw) shape(rank, most int) []int64 {
	s := make([]int64, rank)
	for i := range s {
		s[i] = int64(d.between(1, most))
	}
	return s
}

// ints draws n numbers from lo to hi.
func (d draw) ints(n, lo, hi int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(d.between(lo, hi))
	}
	return v
}

// axes draws some different axes of a rank, counted from either end.
func (d draw) axes(rank int) []int64 {
	var a []int64
	for i := range rank {
		if d.maybe() {
			a = append(a, int64(i-rank*d.between(0, 1)))
		}
	}
	return a
}

// axis draws an axis of a rank, counted from either end.
func (d draw) axis(rank int) int64 { return int64(d.between(-rank, rank-1)) }

// floats makes a constant with a dull pattern.
func (d draw) floats(name string, shape ...int64) onnxpb.Tensor {
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i*29%61-25) / 32
	}
	t := floatsOf(name, v...)
	t.Dims = shape
	return t
}

// scalar makes a constant of one float without dimensions.
func scalar(name string, x float32) onnxpb.Tensor {
	t := floatsOf(name, x)
	t.Dims = nil
	return t
}

// broadcast draws a shape that broadcasts with another one.
func (d draw) broadcast(x []int64) []int64 {
	rank := d.between(0, len(x))
	s := append([]int64{}, x[len(x)-rank:]...)
	for i := range s {
		if d.maybe() {
			s[i] = 1
		}
	}
	return s
}

func floatAttr(name string, x float32) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrFloat, Float: x}
}

// add appends an attribute half of the time.
func (d draw) add(c *trial, a onnxpb.Attr) {
	if d.maybe() {
		c.attrs = append(c.attrs, a)
	}
}

// parameter is an attribute before an opset, then an input.
func (c *trial) parameter(since int64, name string, v []int64) {
	if c.opset < since {
		c.attrs = append(c.attrs, intsAttr(name, v...))
		return
	}
	c.consts = append(c.consts, intsOf(name, v...))
}
