package vision

import (
	"math"

	"linquant/tensor"
)

// ChannelsLast reports whether an input of that shape, without the batch, can be an image only with its channels last:
// whether its last dimension is 1 or 3 and the first is not.
func ChannelsLast(shape tensor.Shape) bool {
	return len(shape) == 3 && !imageChannels(shape[0]) && imageChannels(shape[2])
}

func imageChannels(n int) bool { return n == 1 || n == 3 }

// ImageShape returns the shape of the images that an input of that shape, without the batch, takes, channels first or
// last: one or three channels, height and width. An input of one dimension is a square image of one channel, or else of
// three, as it is for a perceptron. ok is false where it is no image.
func ImageShape(in tensor.Shape, last bool) (channels, height, width int, ok bool) {
	switch {
	case len(in) == 1:
		for _, c := range []int{1, 3} {
			side := int(math.Sqrt(float64(in[0] / c)))
			if c*side*side == in[0] {
				return c, side, side, true
			}
		}
	case len(in) == 3 && !last && imageChannels(in[0]):
		return in[0], in[1], in[2], true
	case len(in) == 3 && last && imageChannels(in[2]):
		return in[2], in[0], in[1], true
	}
	return 0, 0, 0, false
}
