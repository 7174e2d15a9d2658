package main

import (
	"context"
	"fmt"
	"math"

	"linquant/eval"
	"linquant/graph"
)

// takesPixels reports whether the network prepares raw pixels itself (graph.PixelInput).
func takesPixels(g *graph.Graph) bool {
	return len(g.Inputs) > 0 && g.Values[g.Inputs[0]].Quant != nil && g.Input.Divisor == 1
}

// alike lets two networks be run on the same inputs, which are prepared for the first, where the second takes pixels.
func alike(second eval.Tracer, a, b *graph.Graph, nameA string) (eval.Tracer, error) {
	if takesPixels(a) && !takesPixels(b) {
		return nil, fmt.Errorf("%s takes raw pixels and the other network does not: name that one first", nameA)
	}
	if takesPixels(a) == takesPixels(b) {
		return second, nil
	}
	if shape := a.Values[a.Inputs[0]].Shape; len(shape) == 4 {
		return unprepared{second, a.Input, shape[1:]}, nil
	}
	return unprepared{second, a.Input, nil}, nil
}

// unprepared gives a network that takes pixels the pixels that inputs were made of.
type unprepared struct {
	eval.Tracer
	pre   graph.Preprocess
	shape []int // of an image, as the input has it; nil where it has no channels
}

// Trace undoes Preprocess.Apply but for the order of elements. What Apply rounded is far less than half a pixel.
func (u unprepared) Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	divisor := float64(u.pre.Divisor)
	if divisor == 0 {
		divisor = 255
	}
	pixels := make([]float32, len(inputs[0]))
	for i, x := range inputs[0] {
		c, v := u.channel(i), float64(x)
		if c < len(u.pre.Std) {
			v *= float64(u.pre.Std[c])
		}
		if c < len(u.pre.Mean) {
			v += float64(u.pre.Mean[c])
		}
		pixels[i] = float32(math.RoundToEven(v * divisor))
	}
	return u.Tracer.Trace(ctx, [][]float32{pixels}, visit)
}

// channel returns the channel of element i.
func (u unprepared) channel(i int) int {
	switch {
	case u.shape == nil:
		return 0
	case u.pre.ChannelsLast:
		return i % u.shape[2]
	}
	return i / (u.shape[1] * u.shape[2]) % u.shape[0]
}
