//go:build !purego

package elementwise

// The kernels for AVX2 take only whole vectors: 8 elements, or 32 codes in maxCodesAVX2. Those for AVX-512 take any
// number from 1 on.

// addCodesAVX512 and the next three fill
//
//	x, y := float32(int32(a[i])-p.ZeroA)*p.ScaleA, float32(int32(b[i])-p.ZeroB)*p.ScaleB
//	dst[i] = byte(RNE(clamp((x+y)/p.Scale, p.Lo, p.Hi)) + p.Offset) // or x*y; 0 where the quotient is NaN
//
// for i < n, every step rounded to float32.
//
//go:noescape
func addCodesAVX512(dst, a, b *byte, n int, p *Pair)

//go:noescape
func addCodesAVX2(dst, a, b *byte, n int, p *Pair)

//go:noescape
func mulCodesAVX512(dst, a, b *byte, n int, p *Pair)

//go:noescape
func mulCodesAVX2(dst, a, b *byte, n int, p *Pair)

// quantizeAVX512 and quantizeAVX2 fill dst[i] = byte(RNE(clamp(src[i]/q.Scale, q.Lo, q.Hi)) + q.Offset), where a quotient
// that is NaN counts as 0.
//
//go:noescape
func quantizeAVX512(dst *byte, src *float32, n int, q *Quantizer)

//go:noescape
func quantizeAVX2(dst *byte, src *float32, n int, q *Quantizer)

// addRealsAVX512 and the next five fill dst[i] with a[i] + b[i], a[i] · b[i] or src[i], made lo where it is less and hi
// where it is greater.
//
//go:noescape
func addRealsAVX512(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func addRealsAVX2(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func mulRealsAVX512(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func mulRealsAVX2(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func clampRealsAVX512(dst, src *float32, n int, lo, hi float32)

//go:noescape
func clampRealsAVX2(dst, src *float32, n int, lo, hi float32)

// maxCodesAVX512 and the next three fill
//
//	for p := range pixels {
//		for c := range channels {
//			m := src[p*step+taps[0]+c]
//			for _, at := range taps[1:count] {
//				if v := src[p*step+at+c]; v > m {
//					m = v
//				}
//			}
//			dst[p*stride+c] = m // the stride is channels where it is not given
//		}
//	}
//
//go:noescape
func maxCodesAVX512(dst, src *byte, channels, pixels, step int, taps *int, count int)

//go:noescape
func maxCodesAVX2(dst, src *byte, channels, pixels, step int, taps *int, count, stride int)

//go:noescape
func maxRealsAVX512(dst, src *float32, channels, pixels, step int, taps *int, count int)

//go:noescape
func maxRealsAVX2(dst, src *float32, channels, pixels, step int, taps *int, count, stride int)

// meanRealsAVX512 and meanRealsAVX2 fill dst[p*stride+c] = (0 + src[p*step+taps[0]+c] + src[p*step+taps[1]+c] + …) / n.
//
//go:noescape
func meanRealsAVX512(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32)

//go:noescape
func meanRealsAVX2(dst, src *float32, channels, pixels, step int, taps *int, count int, n float32, stride int)

// codeParams are the constants of a depthwise product of codes.
type codeParams struct {
	channels, pixels, step, stride int
	taps, weights                  *int
	count                          int // of taps
	weight                         *Weight
	bias                           *int32
	mult                           *float32
	zero                           int32
	lo, hi, before                 float32
	after                          int32
	single                         bool // mult is one multiplier for all channels
}

// depthwiseCodesAVX512 and depthwiseCodesAVX2 fill
//
//	for i := range p.pixels {
//		for c := range p.channels {
//			acc := p.bias[c]
//			for t := range p.count {
//				acc += (int32(src[i*p.step+p.taps[t]+c]) - p.zero) * int32(int16(p.weight[p.weights[t]+c]))
//			}
//			dst[i*p.stride+c] = byte(RNE(clamp(float32(acc)*p.mult[c]+p.before, p.lo, p.hi)) + p.after)
//		}
//	}
//
// where products and sums of the last line are rounded to float32, and mult[0] stands for all c if single.
//
//go:noescape
func depthwiseCodesAVX512(dst, src *byte, p *codeParams)

//go:noescape
func depthwiseCodesAVX2(dst, src *byte, p *codeParams)

// realParams are the constants of a depthwise product of reals.
type realParams struct {
	channels, pixels, step, stride int
	taps, weights                  *int
	count                          int // of taps
	weight, bias                   *float32
	lo, hi                         float32
}

// depthwiseRealsAVX512 and depthwiseRealsAVX2 fill
//
//	for i := range p.pixels {
//		for c := range p.channels {
//			sum := float32(0)
//			for t := range p.count {
//				sum += src[i*p.step+p.taps[t]+c] * p.weight[p.weights[t]+c]
//			}
//			dst[i*p.stride+c] = clamp(sum+p.bias[c], p.lo, p.hi) // without the bias where it is nil
//		}
//	}
//
// every product and sum rounded to float32.
//
//go:noescape
func depthwiseRealsAVX512(dst, src *float32, p *realParams)

//go:noescape
func depthwiseRealsAVX2(dst, src *float32, p *realParams)

// gatherAVX512 and the next two do
//
//	for i := range p.Pixels {
//		for l := range p.Lines {
//			copy(dst[i*p.DstStep+l*p.DstLine:][:p.Length], src[i*p.SrcStep+l*p.SrcLine:])
//		}
//	}
//
// with vectors of so many bytes, which the lines must have at least in AVX2.
//
//go:noescape
func gatherAVX512(dst, src *byte, p *Gather)

//go:noescape
func gatherAVX2x32(dst, src *byte, p *Gather)

//go:noescape
func gatherAVX2x8(dst, src *byte, p *Gather)

// gatherTwo16, gatherTwo32 (AVX2) and gatherTwo64 (AVX-512) do the same for lines of one to two vectors of so many bytes,
// one line of all pixels after the other.
//
//go:noescape
func gatherTwo16(dst, src *byte, p *Gather)

//go:noescape
func gatherTwo32(dst, src *byte, p *Gather)

//go:noescape
func gatherTwo64(dst, src *byte, p *Gather)
