package figure_test

import (
	"fmt"
	"os"
	"path/filepath"

	"linquant/figure"
)

// A tensor beside its 2-bit codes.
func ExampleMatrices() {
	f, err := figure.Matrices("", [][]figure.Matrix{{
		{Title: "original tensor", Values: [][]float64{{0.05, 0.64}, {0.75, -0.25}}, Decimals: 2},
		{Title: "2-bit quantized tensor", Values: [][]float64{{-1, 1}, {1, -2}}, Colored: true, Lo: -2, Hi: 1},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(os.TempDir(), "linquant_example.png")
	defer os.Remove(path)
	fmt.Println(figure.Save(path, f))
	// Output: <nil>
}

// The codes of a 2-bit layer: a quarter of its weights are -1, half are 0 and a quarter are 1.
func ExampleHistograms() {
	f, err := figure.Histograms("Histogram of Weights (bitwidth=2 bits)", []figure.Histogram{
		{Name: "classifier.weight", Lo: -2.5, Width: 1, Density: []float64{0, 0.25, 0.5, 0.25}, Codes: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, h := f.Size()
	fmt.Printf("%.2f by %.2f inches\n", w/72, h/72)
	// Output: 6.25 by 4.33 inches
}
