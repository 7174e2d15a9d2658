package stats_test

import (
	"fmt"

	"linquant/stats"
)

func ExampleSummarize() {
	s := stats.Summarize([]float32{-1, 0, 0, 3})
	fmt.Printf("%g to %g, mean %g, %d of %d are zero\n", s.Min, s.Max, s.Mean, s.Zeros, s.N)
	// Output: -1 to 3, mean 0.5, 2 of 4 are zero
}

func ExampleFloats() {
	h, err := stats.Floats([]float32{0, 1, 1, 2, 4}, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Counts, h.Density())
	// Output: [1 2 1 1] [0.2 0.4 0.2 0.2]
}

func ExampleCodes() {
	h := stats.Codes([]int8{-2, 1, 1, 0}, -2, 1) // the codes of two bits
	fmt.Println(h.Lo, h.Counts)
	// Output: -2.5 [1 0 1 2]
}

func ExampleError() {
	var e stats.Error
	if err := e.Add([]float32{10, -10}, []float32{11, -9}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("SQNR %.1f dB, largest difference %g\n", e.SQNR(), e.MaxAbs())
	// Output: SQNR 20.0 dB, largest difference 1
}
