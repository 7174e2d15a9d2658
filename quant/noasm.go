//go:build purego || !amd64

package quant

import "linquant/internal/cpu"

const haveKernels = false

// Without assembly the plain loops do everything.

func (vectors) quantize([]byte, []float32, *quantizer, bool) int     { return 0 }
func (vectors) dequantize([]float32, []byte, *dequantizer, bool) int { return 0 }
func (vectors) extremes([]float32) (e extent, n int)                 { return e, 0 }

func quantizeRow(cpu.Tier, []byte, []float32, []float32, []int32, *quantizer) int     { return 0 }
func dequantizeRow(cpu.Tier, []float32, []byte, []float32, []int32, *dequantizer) int { return 0 }

func requantize(cpu.Tier, []byte, []int32, []float32, *rounding) int { return 0 }
