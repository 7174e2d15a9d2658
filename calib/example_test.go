package calib_test

import (
	"context"
	"fmt"
	"os"

	"linquant/calib"
	"linquant/quant"
)

// relu is a network of one operator. Usually it would be an *engine.Program.
type relu struct{}

func (relu) Trace(_ context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	for i := range inputs[0] {
		x := inputs[0][i : i+1] // examples of one number
		if err := visit("x", x); err != nil {
			return err
		}
		if err := visit("y", []float32{max(x[0], 0)}); err != nil {
			return err
		}
	}
	return nil
}

func ExampleRun() {
	batches := func(yield func([][]float32, error) bool) {
		_ = yield([][]float32{{-1, 2, 0.5}}, nil) && yield([][]float32{{3, -4}}, nil)
	}
	uint8s := calib.Scheme{Type: quant.Uint(8)}
	points := []calib.Point{{Value: "x", Scheme: uint8s}, {Value: "y", Scheme: uint8s}}
	ranges, err := calib.Run(context.Background(), relu{}, batches, points, calib.Config{Method: calib.MinMax})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ranges.Write(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "x": {"min": -4, "max": 3, "for": "uint8", "by": "min-max"},
	//   "y": {"min": 0, "max": 3, "for": "uint8", "by": "min-max"}
	// }
}
