//go:build !purego

package quant

import "linquant/internal/cpu"

// The kernels for rows with one scale an element, and one zero point if zeroPoint is not nil. Each does all n elements on
// AVX-512, and the first n&^7 on AVX2. The division is one: there are as many scales as elements to divide.

//go:noescape
func quantizeRowAVX512(dst *byte, src *float32, n int, scale *float32, zeroPoint *int32, p *quantizer)

//go:noescape
func quantizeRowAVX2(dst *byte, src *float32, n int, scale *float32, zeroPoint *int32, p *quantizer)

//go:noescape
func dequantizeRowAVX512(dst *float32, src *byte, n int, scale *float32, zeroPoint *int32, p *dequantizer)

//go:noescape
func dequantizeRowAVX2(dst *float32, src *byte, n int, scale *float32, zeroPoint *int32, p *dequantizer)

// quantizeRow fills the beginning of dst with codes of src, which is not empty, and returns how many they are. p.lo and
// p.hi are the least and the greatest code.
func quantizeRow(tier cpu.Tier, dst []byte, src, scale []float32, zeroPoint []int32, p *quantizer) int {
	n := len(src)
	switch tier.Lanes() {
	case 16:
		quantizeRowAVX512(&dst[0], &src[0], n, &scale[0], first(zeroPoint), p)
	case 8:
		n &^= 7
		quantizeRowAVX2(&dst[0], &src[0], n, &scale[0], first(zeroPoint), p)
	default:
		return 0
	}
	return n
}

// dequantizeRow fills the beginning of dst with real values of src, which is not empty, and returns how many they are.
func dequantizeRow(tier cpu.Tier, dst []float32, src []byte, scale []float32, zeroPoint []int32, p *dequantizer) int {
	n := len(src)
	switch tier.Lanes() {
	case 16:
		dequantizeRowAVX512(&dst[0], &src[0], n, &scale[0], first(zeroPoint), p)
	case 8:
		n &^= 7
		dequantizeRowAVX2(&dst[0], &src[0], n, &scale[0], first(zeroPoint), p)
	default:
		return 0
	}
	return n
}

// first returns where a slice begins, nil for nil.
func first(zeroPoint []int32) *int32 {
	if zeroPoint == nil {
		return nil
	}
	return &zeroPoint[0]
}
