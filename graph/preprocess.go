package graph

import (
	"fmt"
	"slices"

	"linquant/tensor"
)

// Preprocess says how the pixels of an image, 0 to 255, become a network's input, and what its outputs are called. The
// zero value divides by 255.
type Preprocess struct {
	Divisor      float32   // 0 means 255
	Mean, Std    []float32 // one per channel, of the divided pixels; nil: 0 and 1
	BGR          bool      // the network wants blue, green, red
	ChannelsLast bool      // the network's input is [batch, height, width, channels]
	Labels       []string  // the names of the classes, in the order of the outputs

	// Resize is the length to which the shorter side of an image of any size is brought before the input's height and
	// width are cut from its middle; 0 means the least that fills them. Apply takes images that are so already.
	Resize int
}

// Clone returns a copy that shares nothing with p.
func (p Preprocess) Clone() Preprocess {
	p.Mean, p.Std, p.Labels = slices.Clone(p.Mean), slices.Clone(p.Std), slices.Clone(p.Labels)
	return p
}

// Apply fills dst with the input for the pixels src, [channels, height, width] with red first: (x/Divisor − Mean) /
// Std, each step rounded to float32, as torchvision's ToTensor and Normalize do. dst and src have the same length and
// may be the same slice only where the order of elements stays. Errors: a shape with other dimensions, a mean or
// deviation for another number of channels.
func (p Preprocess) Apply(dst, src []float32, shape tensor.Shape) error {
	n, err := shape.Elements()
	if err != nil {
		return err
	}
	if len(shape) != 3 || len(src) != n || len(dst) != n {
		return fmt.Errorf("an image has the shape [channels, height, width]; %v with %d pixels for %d inputs is none", shape, len(src), len(dst))
	}
	channels, plane := shape[0], shape[1]*shape[2]
	for _, s := range [][]float32{p.Mean, p.Std} {
		if s != nil && len(s) != channels {
			return fmt.Errorf("mean and std have %d values for %d channels", len(s), channels)
		}
	}
	divisor := p.Divisor
	if divisor == 0 {
		divisor = 255
	}
	if divisor < 0 || divisor != divisor || slices.ContainsFunc(p.Std, func(s float32) bool { return s == 0 || s != s }) {
		return fmt.Errorf("pixels cannot be divided by %v and then by %v: the divisor is positive, and no deviation is 0", divisor, p.Std)
	}
	for c := range channels {
		from := c
		if p.BGR {
			from = channels - 1 - c
		}
		mean, std := float32(0), float32(1)
		if p.Mean != nil {
			mean = p.Mean[c]
		}
		if p.Std != nil {
			std = p.Std[c]
		}
		for i, x := range src[from*plane : (from+1)*plane] {
			at := c*plane + i
			if p.ChannelsLast {
				at = i*channels + c
			}
			dst[at] = (float32(x/divisor) - mean) / std
		}
	}
	return nil
}
