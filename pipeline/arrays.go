package pipeline

import (
	"fmt"

	"linquant/dataset"
	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// ImageConfig says how images of any size become those that the first input takes: channels, height and width are its
// own, Resize is what Preprocess says. dataset.ReadImage takes it. Errors: an input that is no image.
func (m *Model) ImageConfig() (dataset.ImageConfig, error) {
	c, h, w, err := m.ImageShape()
	if err != nil {
		return dataset.ImageConfig{}, err
	}
	return dataset.ImageConfig{Channels: c, Height: h, Width: w, Resize: m.Preprocess.Resize}, nil
}

// ImageShape returns the shape of the images that the first input takes, by the function of that name in package vision.
// Errors: an input that is no image.
func (m *Model) ImageShape() (channels, height, width int, err error) {
	if err := m.usable(); err != nil {
		return 0, 0, 0, err
	}
	in := m.Inputs()[0]
	channels, height, width, ok := vision.ImageShape(in.Shape, m.Preprocess.ChannelsLast)
	if !ok {
		return 0, 0, 0, fmt.Errorf("input %q has the shape %v, which is not that of an image with 1 channel or 3: give it arrays",
			in.Name, in.Shape)
	}
	return channels, height, width, nil
}

// Pixels fills dst with the first input as the pixels of an image make it, those that dataset.ReadImage returns for
// ImageConfig. Errors: an input that is no image, and those of vision.Preprocess.Apply.
func (m *Model) Pixels(dst []float32, pixels []uint8) error {
	channels, height, width, err := m.ImageShape()
	if err != nil {
		return err
	}
	image := dst
	if p := &m.Preprocess; p.BGR || p.ChannelsLast || len(dst) != len(pixels) {
		image = make([]float32, len(pixels))
	}
	for i, v := range pixels {
		image[i] = float32(v)
	}
	return m.Preprocess.Apply(dst, image, tensor.Shape{channels, height, width})
}

// Array returns what an array is as input i, and how many examples: it has the input's shape, after the number of
// examples or without. Floats are taken as they are, and so is all that is no code where the input is codes; codes become
// the reals that they stand for, which is how Run takes them. Bytes for the first input, where that is not codes, are the
// pixels of images, channels first or last, and are prepared. Errors: another shape.
func (m *Model) Array(i int, a tensor.Tensor) (x []float32, examples int, err error) {
	if err := m.usable(); err != nil {
		return nil, 0, err
	}
	if i < 0 || i >= len(m.Inputs()) {
		return nil, 0, fmt.Errorf("%s: there is no input %d: it has %s", m.Name, i, count(len(m.Inputs()), "input"))
	}
	in := m.Inputs()[i]
	pixels := a.DType == tensor.Uint8 && in.Quant == nil && !graph.Counts(in.DType) && i == 0
	image := in.Shape
	if c, h, w, err := m.ImageShape(); err == nil && pixels && len(in.Shape) == 3 {
		image = tensor.Shape{c, h, w}
	}
	pixels = pixels && len(image) == 3
	examples, first := examplesOf(a.Shape, image)
	if !first {
		last := false
		if pixels {
			examples, last = examplesOf(a.Shape, tensor.Shape{image[1], image[2], image[0]})
		}
		if !last {
			return nil, 0, fmt.Errorf("the array has shape %v; input %q wants %v, with the number of examples before it or without",
				a.Shape, in.Name, in.Shape)
		}
	}
	if x, err = a.Float32s(); err != nil {
		return nil, 0, err
	}
	switch {
	case in.Quant != nil && (a.DType == tensor.Uint8 || a.DType == tensor.Int8):
		zero := float32(in.Quant.ZeroPointOf(0))
		for i, v := range x {
			x[i] = (v - zero) * in.Quant.Scale[0]
		}
		return x, examples, nil
	case !pixels:
		return x, examples, nil
	}
	size := len(x) / examples
	prepared, planes := make([]float32, len(x)), make([]float32, size)
	for i := range examples {
		src := x[i*size : (i+1)*size]
		if !first {
			plane := image[1] * image[2]
			for k, v := range src {
				planes[k%image[0]*plane+k/image[0]] = v
			}
			src = planes
		}
		if err := m.Preprocess.Apply(prepared[i*size:(i+1)*size], src, image); err != nil {
			return nil, 0, err
		}
	}
	return prepared, examples, nil
}

// examplesOf returns how many examples of the shape one an array of the shape s has; ok is false where it has another.
func examplesOf(s, one tensor.Shape) (examples int, ok bool) {
	switch {
	case s.Equal(one):
		return 1, true
	case len(s) > 0 && s[1:].Equal(one) && s[0] > 0:
		return s[0], true
	}
	return 0, false
}
