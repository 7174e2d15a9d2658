package graph

import (
	"math"
	"slices"

	"linquant/tensor"
)

// The values that attributes of a GridSample can have.
var (
	gridModes    = []string{"linear", "nearest", "cubic"}
	gridPaddings = []string{"zeros", "border", "reflection"}
)

// gridSample is the shape of a GridSample: of pictures [N, C, H, W] at the points of a grid [N, h, w, 2], each x and y from −1
// to 1, pictures [N, C, h, w].
func (s site) gridSample() (tensor.Shape, error) {
	x, grid := s.shape(0), s.shape(1)
	if mode := s.n.Str("mode"); !slices.Contains(gridModes, mode) {
		return nil, s.errorf("mode is %q: use one of %q", mode, gridModes)
	}
	if padding := s.n.Str("padding_mode"); !slices.Contains(gridPaddings, padding) {
		return nil, s.errorf("padding_mode is %q: use one of %q", padding, gridPaddings)
	}
	if len(x) != 4 || len(grid) != 4 || grid[3] != 2 || x[0] != grid[0] {
		return nil, s.errorf("a grid %s does not suit %s: it has two coordinates for each point, for as many pictures of two dimensions",
			show(grid), show(x))
	}
	return tensor.Shape{x[0], x[1], grid[1], grid[2]}, nil
}

// gridSide is one dimension of the pictures that a GridSample takes points from. Numbers are float32, each step rounded.
type gridSide struct {
	length      int
	padding     string
	first, last float32 // where the picture begins and ends
	corners     bool    // −1 and 1 are the middles of the first and the last pixel, and not their outer edges
	mode        string
}

func (s site) gridSide(length int) gridSide {
	g := gridSide{length: length, padding: s.n.Str("padding_mode"), first: -0.5, last: float32(length) - 0.5}
	if g.corners = s.n.Int("align_corners") != 0; g.corners {
		g.first, g.last = 0, float32(length)-1
	}
	g.mode = s.n.Str("mode")
	return g
}

// position returns where a coordinate of the grid lies, in pixels.
func (g *gridSide) position(v float32) float32 {
	x := float32((v+1)*float32(g.length)-1) / 2
	if g.corners {
		x = float32((v+1)/2) * float32(g.length-1)
	}
	if g.mode == "nearest" {
		x = float32(math.RoundToEven(float64(x)))
	}
	switch {
	case x >= g.first && x <= g.last || x != x:
	case g.padding == "border" && g.mode != "cubic": // which takes its four pixels from the border, as in PyTorch
		x = min(max(x, 0), float32(g.length-1))
	case g.padding == "reflection":
		x = g.reflect(x)
	}
	return x
}

// reflect returns where a position comes to lie that is reflected at both ends until it is inside.
func (g *gridSide) reflect(x float32) float32 {
	size := g.last - g.first
	from, to, beyond := g.first, float32(1), g.first-x
	if x > g.last {
		from, to, beyond = g.last, -1, x-g.last
	} else if x >= g.first {
		return x
	}
	if size == 0 || math.IsInf(float64(beyond), 0) {
		return g.first
	}
	turns := math.Trunc(float64(beyond / size))
	rest := beyond - float32(float32(turns)*size)
	if math.Mod(turns, 2) == 0 {
		return from + to*rest
	}
	return from + to*size - to*rest
}

// pixel returns which pixel is meant by one that may lie outside, −1 for none.
func (g *gridSide) pixel(i float32) int {
	switch {
	case i >= 0 && i < float32(g.length):
		return int(i)
	case g.padding == "border":
		return int(min(max(i, 0), float32(g.length-1)))
	case g.padding == "reflection":
		return int(min(max(g.reflect(i), 0), float32(g.length-1)))
	}
	return -1
}

// evalGridSample gives a point that is no number NaN.
func (s site) evalGridSample(c call) (array, error) {
	x, grid, height, width := c.in[0], c.in[1], s.gridSide(c.in[0].shape[2]), s.gridSide(c.in[0].shape[3])
	y := array{shape: c.shape, real: make([]float32, perExample(c.shape))}
	plane, points, channels := height.length*width.length, c.shape[2]*c.shape[3], c.shape[1]
	taps, weights := gridTaps(s.n.Str("mode"))
	pace := c.pace()
	for p := range len(grid.real) / 2 {
		if err := pace.done(16 * channels); err != nil {
			return y, err
		}
		column, row := width.position(grid.real[2*p]), height.position(grid.real[2*p+1])
		left, above := float32(math.Floor(float64(column))), float32(math.Floor(float64(row)))
		across, down := weights(column-left), weights(row-above)
		for k := range channels {
			of := x.real[(p/points*channels+k)*plane:][:plane]
			sum := float32(0)
			for i, v := range down {
				line := float32(0)
				at := height.pixel(above + float32(i+taps))
				for j, w := range across {
					value := float32(0)
					if to := width.pixel(left + float32(j+taps)); at >= 0 && to >= 0 {
						value = of[at*width.length+to]
					}
					line += float32(w * value)
				}
				sum += float32(v * line)
			}
			if column != column || row != row {
				sum = float32(math.NaN())
			}
			y.real[(p/points*channels+k)*points+p%points] = sum
		}
	}
	return y, nil
}

// gridTaps returns the first of the pixels that make a point, counted from that before it, and their weights by how far behind it
// the point lies: of the nearest alone, of two, or of four with the kernel of Keys and a of −0.75.
func gridTaps(mode string) (first int, weights func(at float32) []float32) {
	switch mode {
	case "nearest":
		return 0, func(float32) []float32 { return []float32{1} }
	case "linear":
		return 0, func(at float32) []float32 { return []float32{1 - at, at} }
	}
	kernel := cubic(-0.75)
	return -1, func(at float32) []float32 {
		w := make([]float32, 4)
		for i := range w {
			w[i] = float32(kernel(float64(at) + 1 - float64(i)))
		}
		return w
	}
}
