//go:build !purego

package quant

const haveKernels = true

// The kernels. Each does all n elements on AVX-512, and the first n&^7 on AVX2. With stream, what lies in whole lines
// of 64 bytes from dst on, which must be aligned to 64 bytes, goes past the caches.

//go:noescape
func quantizeAVX512(dst *byte, src *float32, n int, p *quantizer, stream bool)

//go:noescape
func quantizeAVX2(dst *byte, src *float32, n int, p *quantizer, stream bool)

//go:noescape
func dequantizeAVX512(dst *float32, src *byte, n int, p *dequantizer, stream bool)

//go:noescape
func dequantizeAVX2(dst *float32, src *byte, n int, p *dequantizer, stream bool)

// The extremes of x, of which there is one element at least on AVX-512 and eight on AVX2.
//
//go:noescape
func extremesAVX512(e *extent, x *float32, n int)

//go:noescape
func extremesAVX2(e *extent, x *float32, n int)

// quantize fills the beginning of dst with codes of src, and returns how many they are. Neither may be empty.
func (v vectors) quantize(dst []byte, src []float32, p *quantizer, stream bool) int {
	n := len(src)
	switch v.tier.Lanes() {
	case 16:
		quantizeAVX512(&dst[0], &src[0], n, p, stream)
	case 8:
		n &^= 7
		quantizeAVX2(&dst[0], &src[0], n, p, stream)
	default:
		return 0
	}
	return n
}

// dequantize fills the beginning of dst with real values of src, and returns how many they are. Neither may be empty.
func (v vectors) dequantize(dst []float32, src []byte, p *dequantizer, stream bool) int {
	n := len(src)
	switch v.tier.Lanes() {
	case 16:
		dequantizeAVX512(&dst[0], &src[0], n, p, stream)
	case 8:
		n &^= 7
		dequantizeAVX2(&dst[0], &src[0], n, p, stream)
	default:
		return 0
	}
	return n
}

// extremes returns the extremes of the beginning of x, and how many elements that is. x has at least vectorRun.
func (v vectors) extremes(x []float32) (e extent, n int) {
	n = len(x)
	switch v.tier.Lanes() {
	case 16:
		extremesAVX512(&e, &x[0], n)
	case 8:
		n &^= 7
		extremesAVX2(&e, &x[0], n)
	default:
		return e, 0
	}
	return e, n
}
