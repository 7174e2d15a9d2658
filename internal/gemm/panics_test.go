package gemm_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/quant"
)

// Sizes that do not fit are a mistake of the caller, and must not become a read or write outside a slice, which
// assembly would not notice.
func TestMistakesPanic(t *testing.T) {
	missing := cpu.I8MM
	if runtime.GOARCH == "arm64" {
		missing = cpu.AMX
	}
	stage := func(biases int, flip byte, multipliers ...float64) *gemm.Stage {
		return &gemm.Stage{Bias: make([]int32, biases), Requant: requantizer(t, quant.ONNX, multipliers...), Flip: flip}
	}
	good := stage(3, 0, 0.1)
	for _, tier := range cpu.Available() {
		w := gemm.PackInt8(make([]int8, 12), 3, 4, tier)
		f := gemm.PackFloat32(make([]float32, 12), 3, 4, tier)
		for name, tc := range map[string]struct {
			want string
			call func()
		}{
			"weights":           {"11 weights are no matrix [3, 4]", func() { gemm.PackInt8(make([]int8, 11), 3, 4, tier) }},
			"no channels":       {"0 weights are no matrix [0, 4]", func() { gemm.PackFloat32(nil, 0, 4, tier) }},
			"missing tier":      {"this processor has no " + missing.String(), func() { gemm.PackInt8(make([]int8, 12), 3, 4, missing) }},
			"short dst":         {"do not fit", func() { w.Mul(make([]byte, 5), 3, make([]byte, 8), 4, 2, good) }},
			"short a":           {"do not fit", func() { w.Mul(make([]byte, 6), 3, make([]byte, 7), 4, 2, good) }},
			"rows overlap":      {"do not fit", func() { w.Mul(make([]byte, 9), 2, make([]byte, 8), 4, 2, good) }},
			"negative rows":     {"do not fit", func() { w.Mul(nil, 3, nil, 4, -1, good) }},
			"negative stride":   {"do not fit", func() { w.Mul(make([]byte, 6), 3, make([]byte, 8), -4, 2, good) }},
			"biases":            {"2 biases", func() { w.Mul(make([]byte, 6), 3, make([]byte, 8), 4, 2, stage(2, 0, 0.1)) }},
			"multipliers":       {"2 multipliers", func() { w.Mul(make([]byte, 6), 3, make([]byte, 8), 4, 2, stage(3, 0, 0.1, 0.2)) }},
			"flip":              {"flip 0x1", func() { w.Mul(make([]byte, 6), 3, make([]byte, 8), 4, 2, stage(3, 1, 0.1)) }},
			"short accumulator": {"do not fit", func() { w.MulInt32(make([]int32, 5), 3, make([]byte, 8), 4, 2, nil) }},
			"int32 biases":      {"1 biases", func() { w.MulInt32(make([]int32, 6), 3, make([]byte, 8), 4, 2, []int32{1}) }},
			"short floats":      {"do not fit", func() { f.Mul(make([]float32, 6), 3, make([]float32, 7), 4, 2, nil, 0, 1) }},
			"float biases":      {"4 biases", func() { f.Mul(make([]float32, 6), 3, make([]float32, 8), 4, 2, make([]float32, 4), 0, 1) }},
		} {
			t.Run(tier.String()+"/"+name, func(t *testing.T) {
				defer func() {
					if r := fmt.Sprint(recover()); !strings.Contains(r, tc.want) {
						t.Errorf("panics with %q, want %q", r, tc.want)
					}
				}()
				tc.call()
			})
		}
		// No rows are no mistake.
		w.Mul(nil, 3, nil, 4, 0, good)
		w.MulInt32(nil, 3, nil, 4, 0, nil)
		f.Mul(nil, 3, nil, 4, 0, nil, 0, 1)
	}
}
