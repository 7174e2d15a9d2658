package graph

import "math"

// coordinate returns where in the input position i of the output lies.
func (s site) coordinate(d, i, in, out int, scale float32) float32 {
	x, length, resized := float32(i), float32(in), float32(out)
	half := (x+0.5)/scale - 0.5
	switch s.n.Str("coordinate_transformation_mode") {
	case "asymmetric":
		return x / scale
	case "align_corners":
		if out == 1 {
			return 0
		}
		return float32(x*(length-1)) / (resized - 1)
	case "pytorch_half_pixel":
		if out == 1 {
			return 0
		}
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / scale
	case "half_pixel_symmetric":
		adjustment := resized / float32(scale*length)
		offset := float64(float32(length / 2 * (1 - adjustment)))
		return float32(offset + (float64(x)+0.5)/float64(scale) - 0.5)
	case "tf_crop_and_resize":
		roi := s.roi()
		start, end := roi[d], roi[len(roi)/2+d]
		if out == 1 {
			return float32(0.5 * float64(start+end) * float64(length-1))
		}
		return float32(start*(length-1)) + float32(x*(end-start)*(length-1))/(resized-1)
	}
	return half
}

// nearest returns the position that a coordinate stands for. One that lies in the middle between two but for what the steps of
// float32 have lost lies in the middle: ONNX Runtime allows 1e-6, ONNX's text knows real numbers.
func (s site) nearest(x float32) int {
	v := float64(x)
	below := math.Floor(v)
	middle := math.Abs(v-below-0.5) < 1e-6
	switch s.n.Str("nearest_mode") {
	case "round_prefer_ceil":
		if v = math.Floor(v + 0.5); middle {
			v = below + 1
		}
	case "floor":
		v = below
	case "ceil":
		v = math.Ceil(v)
	default:
		if v = math.Ceil(v - 0.5); middle {
			v = below
		}
	}
	return int(min(max(v, -1), maxElements))
}

// weightsOf returns the function that gives for a coordinate the first position and the weights from there on; nil for
// the nearest position alone.
func (s site) weightsOf(scale float32) func(x float32, in int) (first int, w []float64) {
	filter, reach := triangle, 1.0
	switch s.n.Str("mode") {
	case "nearest":
		return nil
	case "cubic":
		filter, reach = cubic(float64(s.n.Float("cubic_coeff_a"))), 2
	}
	shrink := 1.0
	if s.n.Int("antialias") != 0 {
		shrink = min(float64(scale), 1)
	}
	linear := reach == 1 && shrink == 1
	return func(x float32, in int) (int, []float64) {
		v := min(max(float64(x), -8), maxElements) // beyond the edges everything is the edge
		if linear {
			v = min(max(v, 0), float64(in-1))
		}
		low := math.Floor(v)
		before := min(math.Ceil(reach/shrink), float64(maxElements)/4) - 1
		w := make([]float64, 2*int(before)+2)
		for t := range w {
			w[t] = filter((float64(t) - before + low - v) * shrink)
		}
		return int(low - before), w
	}
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// cubic returns the kernel of Keys 1981 with its parameter a.
func cubic(a float64) func(float64) float64 {
	return func(x float64) float64 {
		x = math.Abs(x)
		switch {
		case x <= 1:
			return float64((float64((a+2)*x)-(a+3))*x*x) + 1
		case x < 2:
			return float64(a * (float64((float64((x-5)*x)+8)*x) - 4))
		}
		return 0
	}
}
