package figure

import (
	"math"
	"strings"
	"testing"
)

func TestMatricesErrors(t *testing.T) {
	one := [][]float64{{1}}
	wide := [][]float64{make([]float64, 65)}
	for name, c := range map[string]struct {
		m    Matrix
		want string
	}{
		"no rows":        {Matrix{}, "empty"},
		"no columns":     {Matrix{Values: [][]float64{{}}}, "empty"},
		"ragged":         {Matrix{Values: [][]float64{{1, 2}, {3}}}, "row 1 has 1 values and row 0 has 2"},
		"NaN":            {Matrix{Values: [][]float64{{1}, {math.NaN()}}}, "row 1, column 0 is NaN"},
		"infinity":       {Matrix{Values: [][]float64{{math.Inf(-1)}}}, "-Inf"},
		"too wide":       {Matrix{Values: wide}, "1×65"},
		"decimals":       {Matrix{Values: one, Decimals: -1}, "decimals are -1"},
		"range reversed": {Matrix{Values: one, Colored: true, Lo: 1, Hi: 0}, "colour range 1 to 0"},
		"range NaN":      {Matrix{Values: one, Colored: true, Lo: math.NaN()}, "colour range"},
	} {
		t.Run(name, func(t *testing.T) {
			c.m.Title = "weight"
			_, err := Matrices("", [][]Matrix{{{Values: one}, c.m}})
			checkError(t, err, `"weight"`, c.want)
		})
	}
	for _, grid := range [][][]Matrix{nil, {}, {{}, {}}} {
		_, err := Matrices("", grid)
		checkError(t, err, "at least one")
	}
	if _, err := Matrices("", [][]Matrix{{{Values: one, Colored: true}}}); err != nil {
		t.Errorf("a colour range of one value: %v", err)
	}
}

func TestHistogramsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		h    Histogram
		want string
	}{
		"no bins":         {Histogram{Width: 1}, "no bins"},
		"too many bins":   {Histogram{Width: 1, Density: make([]float64, maxBins+1)}, "16385 bins"},
		"NaN":             {Histogram{Width: 1, Density: []float64{1, math.NaN()}}, "bin 1 is NaN"},
		"infinity":        {Histogram{Width: 1, Density: []float64{math.Inf(1)}}, "bin 0 is +Inf"},
		"negative":        {Histogram{Width: 1, Density: []float64{2, -1}}, "bin 1 is -1"},
		"counts":          {Histogram{Width: 1, Density: []float64{2, 3}}, "integrate to 5"},
		"no width":        {Histogram{Density: []float64{1}}, "no axis"},
		"negative width":  {Histogram{Width: -1, Density: []float64{1}}, "no axis"},
		"NaN width":       {Histogram{Width: math.NaN(), Density: []float64{1}}, "no axis"},
		"lost width":      {Histogram{Lo: 1e300, Width: 1, Density: []float64{1}}, "no axis"},
		"infinite edge":   {Histogram{Lo: math.Inf(-1), Width: 1, Density: []float64{1}}, "no axis"},
		"overflow":        {Histogram{Width: math.MaxFloat64, Density: []float64{0, 0, 0}}, "no axis"},
		"half codes":      {Histogram{Width: 0.5, Density: []float64{2}, Codes: true}, "width 1, not 0.5"},
		"codes too far":   {Histogram{Lo: 1e10, Width: 1, Density: []float64{1}, Codes: true}, "cannot start at 1e+10"},
		"codes from NaN":  {Histogram{Lo: math.NaN(), Width: 1, Density: []float64{1}, Codes: true}, "cannot start at NaN"},
		"vanishing width": {Histogram{Width: 5e-324, Density: []float64{1e308, 1e308}}, "integrate"},
	} {
		t.Run(name, func(t *testing.T) {
			c.h.Name = "conv0"
			_, err := Histograms("", []Histogram{codesOf("fine", 2), c.h})
			checkError(t, err, `"conv0"`, c.want)
		})
	}
	_, err := Histograms("", nil)
	checkError(t, err, "at least one")
}

// A layer without a value has nothing to integrate, and must not keep the others from being drawn.
func TestEmptyLayerIsAnEmptyPanel(t *testing.T) {
	f, err := Histograms("", []Histogram{codesOf("full", 4), {Name: "void", Width: 1, Density: make([]float64, 16)}})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, box := range textBoxes(t, f) {
		texts = append(texts, box.text)
	}
	if all := strings.Join(texts, "|"); !strings.Contains(all, "no values") || !strings.Contains(all, "void") {
		t.Errorf("the empty panel is missing from %q", all)
	}
}

func TestCurveErrors(t *testing.T) {
	for want, points := range map[string][]Point{
		"not 0":                        nil,
		"not 4097":                     make([]Point, mostPoints+1),
		"point 1 is at NaN, 0":         {{}, {X: math.NaN()}},
		"point 0 is at 0, -Inf":        {{Y: math.Inf(-1)}},
		"too far from each other for ": {{X: -math.MaxFloat64}, {X: math.MaxFloat64}},
	} {
		_, err := Curve("", "x", "y", points)
		checkError(t, err, want)
	}
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
}
