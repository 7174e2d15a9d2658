package integer

import (
	"fmt"
	"math"

	"linquant/quant"
)

// Average returns the output stage of an average over n codes with the parameters in: the accumulator Σ(q−zx) times
// M = Sx/n/Sy, rounded to float32 twice by ONNX and Torch, in float64 by the fixed conventions.
func Average(c quant.Convention, in, out quant.Params, n int) (*quant.Requantizer, error) {
	if err := checkAverage(in, out, n); err != nil {
		return nil, err
	}
	m := float64(float32(in.Scale[0]/float32(n)) / out.Scale[0])
	if c == quant.Fixed || c == quant.FixedDouble {
		m = float64(in.Scale[0]) / float64(n) / float64(out.Scale[0])
	}
	return quant.NewRequantizer(c, []float64{m}, out)
}

func checkAverage(in, out quant.Params, n int) error {
	if n < 1 || n > math.MaxInt32/255 {
		return fmt.Errorf("an average over %d codes: use 1 to %d, which an int32 accumulator can hold", n, math.MaxInt32/255)
	}
	for _, p := range []quant.Params{in, out} {
		if err := CheckOperand(p); err != nil {
			return err
		}
	}
	return nil
}
