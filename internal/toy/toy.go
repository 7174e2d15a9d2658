// Package toy holds the small tensors of the two demonstrations, and every result that the PyTorch original computes
// for them.
package toy

import (
	_ "embed"
	"encoding/json"
)

//go:embed toy.json
var vectors []byte

// Vectors are the tensors and expected results of both demonstrations.
type Vectors struct {
	Linear Linear `json:"linear_quantize"`
	FC     FC     `json:"quantized_fc"`
}

// Linear is the demonstration of linear quantization: a 5×5 tensor at 2 bits.
type Linear struct {
	Tensor    [][]float32 `json:"tensor"`
	Bits      int         `json:"bits"`
	RealMin   float32     `json:"real_min"`
	RealMax   float32     `json:"real_max"`
	Scale     float64     `json:"scale"`
	ZeroPoint int32       `json:"zero_point"`
	Quantized [][]int8    `json:"quantized"`
}

// FC is the demonstration of a fully quantized fully-connected layer: 4 inputs of 8 channels, 8 output channels, 2
// bits.
type FC struct {
	WeightBits      int         `json:"weight_bits"`
	FeatureBits     int         `json:"feature_bits"`
	Input           [][]float32 `json:"input"`
	Weight          [][]float32 `json:"weight"`
	Bias            []float32   `json:"bias"`
	OutputScale     float64     `json:"float_output_scale"`
	OutputZeroPoint int32       `json:"float_output_zero_point"`
	InputScale      float64     `json:"input_scale"`
	InputZeroPoint  int32       `json:"input_zero_point"`
	WeightScale     []float32   `json:"weight_scale"`
	QuantizedInput  [][]int8    `json:"quantized_input"`
	QuantizedWeight [][]int8    `json:"quantized_weight"`
	QuantizedBias   []int32     `json:"quantized_bias"`
	ShiftedBias     []int32     `json:"shifted_bias"`
	QuantizedOutput [][]int8    `json:"quantized_output"`
}

// Load returns the vectors, a new copy at every call.
func Load() Vectors {
	var v Vectors
	if err := json.Unmarshal(vectors, &v); err != nil {
		panic("toy: the embedded vectors do not parse: " + err.Error())
	}
	return v
}
