package figure

import "math"

// bell is a deterministic histogram that is neither symmetric nor smooth, so that a picture flipped or shifted differs.
func bell(name string, lo, width float64, bins int, codes bool) Histogram {
	h := Histogram{Name: name, Lo: lo, Width: width, Codes: codes, Density: make([]float64, bins)}
	sum := 0.0
	for i := range h.Density {
		x := (float64(i)+0.5)/float64(bins)*6 - 2.6
		h.Density[i] = math.Exp(-x*x/2) * (1 + 0.2*math.Sin(float64(7*i)))
		sum += h.Density[i] * width
	}
	for i := range h.Density {
		h.Density[i] /= sum
	}
	return h
}

// codesOf is a histogram of the codes of a signed type.
func codesOf(name string, bits int) Histogram {
	half := 1 << (bits - 1)
	return bell(name, float64(-half)-0.5, 1, 2*half, true)
}

// layers are n histograms of codes, or of reals where bits is 32.
func layers(n, bits int) []Histogram {
	hs := make([]Histogram, n)
	for i := range hs {
		name := "backbone.conv" + string(rune('0'+i%10)) + ".weight"
		if bits == 32 {
			hs[i] = bell(name, -0.3/float64(i+1), 0.6/256/float64(i+1), 256, false)
		} else {
			hs[i] = codesOf(name, bits)
		}
	}
	return hs
}

func toyGrid() [][]Matrix {
	return [][]Matrix{
		{
			{Title: "original", Decimals: 2, Values: [][]float64{{0.05, -0.4, 0.61}, {-0.002, 0.33, 0.75}}},
			{Title: "codes", Colored: true, Lo: -2, Hi: 1, Values: [][]float64{{-1, -2, 1}, {-1, 0, 1}}},
		},
		{
			{
				Title: "reconstructed", Decimals: 2, Colored: true, Lo: -0.33, Hi: 0.67,
				Values: [][]float64{{0, -0.33, 0.67}, {math.Copysign(0, -1), 0.33, 0.67}},
			},
		},
	}
}

// rising is a curve of so many points, of which one is marked.
func rising(n, marked int) []Point {
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{X: 40 * math.Exp(float64(i)/8), Y: 15 + 6*math.Sqrt(float64(i)), Marked: i == marked}
		if i == marked {
			points[i].Label = "this one"
		}
	}
	return points
}
