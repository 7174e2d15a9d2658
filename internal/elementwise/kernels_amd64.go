//go:build !purego

package elementwise

// The kernels for AVX2 take only whole vectors: 8 elements; 32 codes in maxCodesAVX2, 16 and 8 in the two beside it. Those
// for AVX-512 take any number from 1 on.

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

// gateRealsAVX2 is GateReals for multiples of 8 elements.
//
//go:noescape
func gateRealsAVX2(dst, src *float32, n int, alpha, beta float32, swish bool)

// addRealsAVX512 and the next nine fill dst[i] with a[i] + b[i], a[i] · b[i], a[i] − b[i], a[i] / b[i] or src[i], made lo where it is less and hi
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
func subRealsAVX512(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func subRealsAVX2(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func divRealsAVX512(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func divRealsAVX2(dst, a, b *float32, n int, lo, hi float32)

//go:noescape
func clampRealsAVX512(dst, src *float32, n int, lo, hi float32)

//go:noescape
func clampRealsAVX2(dst, src *float32, n int, lo, hi float32)

// maxCodesAVX512 and the next five fill
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
func maxCodes16AVX2(dst, src *byte, channels, pixels, step int, taps *int, count, stride int)

//go:noescape
func maxCodes8AVX2(dst, src *byte, channels, pixels, step int, taps *int, count, stride int)

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

// sumCodesAVX512 fills dst, for n a multiple of sumBlock:
//
//	for i < n {
//		t := (int32(a[i])*lowA+int32(b[i])*lowB+s.rest)>>15 + int32(a[i])*highA + int32(b[i])*highB + s.start
//		t = max(t, s.least)
//		dst[i] = min(saturate(t>>s.shift), s.hi)
//		if uint32(t)&s.near == 0 {
//			dst[i] = … // as addCodesAVX512
//		}
//	}
//
//go:noescape
func sumCodesAVX512(dst, a, b *byte, n int, p *Pair, s *sum)

// sumCodesAVX2 is sumCodesAVX512 up to the first 32 elements of which one is too near a tie. It returns how many that is.
//
//go:noescape
func sumCodesAVX2(dst, a, b *byte, n int, s *sum) (done int)

// depthwiseQuadsAVX512 does for 2·pairs pixels i and all channels c, with the weights and biases of p.block,
//
//	acc := bias[c]
//	for t := range taps {
//		acc += int32(*(p.taps[t]+i·step+c)) · int32(weight[t][c])
//	}
//	dst[i·stride+c] = clamp(RNE(float32(acc)·mult[c]+before) + after, lo, hi)
//
//go:noescape
func depthwiseQuadsAVX512(p *quadParams)

// depthwisePairsAVX2 does for all pixels i and channels c, with the weights and biases of p.block,
//
//	acc := bias[c]
//	for t := range taps {
//		acc += int32(*(p.taps[t]+i·step+c) ^ mask[t][c]) · int32(weight[t][c])
//	}
//	dst[i·stride+c] = clamp(RNE(float32(acc)·mult[c]+before) + after, lo, hi)
//
// and depthwiseNineAVX2 the same for nine taps, of which the second and every second one after it has no mask.
//
//go:noescape
func depthwisePairsAVX2(p *quadParams)

//go:noescape
func depthwiseNineAVX2(p *quadParams)

// lookupVBMI fills dst[i] = table[src[i]] for i < n. It needs AVX512_VBMI.
//
//go:noescape
func lookupVBMI(dst, src *byte, n int, table *[256]byte)

// depthwiseSumsAVX2 fills dst with the sums of 16 channels (Depthwise.Sums).
//
//go:noescape
func depthwiseSumsAVX2(dst *int32, src *byte, p *codeParams)

// lookupAVX2 fills dst[i·dstStep+j] = table[src[i·srcStep+j]] for i < rows and j < n, which is at least 16.
//
//go:noescape
func lookupAVX2(dst, src *byte, rows, n, dstStep, srcStep int, table *[256]byte)

// extremesAVX2 returns the smallest and the largest of n elements and 0, NaNs where one is NaN or infinite. n is a multiple
// of 8.
//
//go:noescape
func extremesAVX2(x *float32, n int) (lo, hi float32)

// scaledAVX2 fills dst[j] = clamp(float32(sums[j] − zero[j]·row)·scale[j] + bias[j], lo, hi) for j < n, every step rounded to
// float32.
//
//go:noescape
func scaledAVX2(dst *float32, sums *int32, scale, bias *float32, zero *int32, row int32, n int, lo, hi float32)

// centredAVX2 fills dst[i] = RNE(clamp(src[i]/q.Scale, q.Lo, q.Hi)), where a quotient that is NaN counts as 0.
//
//go:noescape
func centredAVX2(dst, src *float32, n int, q *Quantizer)

// expRealsAVX2 and the next six fill dst[i] with a function of src[i] (Function) for i < n.
//
//go:noescape
func expRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func sigmoidRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func swishRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func tanhRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func erfRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func geluRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

//go:noescape
func geluTanhRealsAVX2(dst, src *float32, n int, alpha float32, c *constants)

// mostAVX2 returns the largest of n ≥ 1 elements; any number where one is a NaN.
//
//go:noescape
func mostAVX2(x *float32, n int) (most float32)

// expSumAVX2 does, for i < n,
//
//	e[i] = exp(float64(x[i]) − most)
//	s[i%4] += e[i]
//
// and writes 0 behind the end of e, up to a multiple of 4.
//
//go:noescape
func expSumAVX2(e *float64, x *float32, n int, most float64, s *[4]float64, c *constants)

// narrowAVX2 fills dst[i] = float32(e[i] · by) for i < n, and reads e up to a multiple of 4.
//
//go:noescape
func narrowAVX2(dst *float32, e *float64, n int, by float64)

// dequantizeAVX2 fills dst[i] = float32(int32(codes[i]) − zero)·scale.
//
//go:noescape
func dequantizeAVX2(dst *float32, codes *byte, n int, zero int32, scale float32)

// sumAVX2 does s[i%4] += float64(x[i]) for i < n.
//
//go:noescape
func sumAVX2(x *float32, n int, s *[4]float64)

// squaresAVX2 does s[i%4] += (float64(x[i]) - mean)² for i < n.
//
//go:noescape
func squaresAVX2(x *float32, n int, mean float64, s *[4]float64)

// scaleAVX2 fills dst[i] = float32((float64(x[i])-mean)*factor*float64(scale[i]) + float64(shift[i])), every step
// rounded, for i < n.
//
//go:noescape
func scaleAVX2(dst, x, scale, shift *float32, n int, mean, factor float64)

// transposeCodesAVX2 and transposeRealsAVX2 transpose 8 rows of blocks·16 codes or blocks·8 reals, as Transpose does.
//
//go:noescape
func transposeCodesAVX2(dst, src *byte, blocks, srcStep, dstStep int)

//go:noescape
func transposeRealsAVX2(dst, src *float32, blocks, srcStep, dstStep int)

// interleaveCodesAVX2 and interleaveRealsAVX2 fill, for m < count and i < n, which is at least 16 codes or 4 reals,
//
//	dst[m*dstNext+2*i], dst[m*dstNext+2*i+1] = a[m*srcNext+i], b[m*srcNext+i]
//
//go:noescape
func interleaveCodesAVX2(dst, a, b *byte, n, count, dstNext, srcNext int)

//go:noescape
func interleaveRealsAVX2(dst, a, b *float32, n, count, dstNext, srcNext int)

// coloursAVX2 fills, for i < n, a multiple of 8,
//
//	dst[i*pixel], dst[i*pixel+1], dst[i*pixel+2] = q.Code(red[i]), q.Code(green[i]), q.Code(blue[i])
//
// where pixel is 3, or 4 and dst[i*pixel+3] = 0.
//
//go:noescape
func coloursAVX2(dst *byte, red, green, blue *float32, n, pixel int, q *Quantizer)

// mulRowsAVX2 fills, for i < rows and c < n, which is at least 32,
//
//	dst[i*n+c] = clamp(RNE(float32(a[i*n+c] − zero)·by·y[c] / scale) + offset, lo, hi)
//
// products and quotient rounded to float32, and the quotient in int32. dst does not overlap a.
//
//go:noescape
func mulRowsAVX2(dst, a *byte, y *float32, n, rows int, p *rowParams)
