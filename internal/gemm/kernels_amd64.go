//go:build !purego

package gemm

// The kernels. Each fills acc, tiles of so many rows one below the other, with the sums of one panel of weights; the
// numbers in its name are the rows and channels of a tile. This is the loop that each of the integer kernels replaces
// (a float kernel has steps of one k, and fuses each product and sum):
//
//	for r := range rows * tiles {
//		for c := range channels {
//			acc[r*channels+c] = 0
//			for k := range 4 * steps {
//				acc[r*channels+c] += int32(a[r*lda+k]) * int32(w[k/4][c][k%4])
//			}
//			if tail != nil {
//				for k := range 4 {
//					acc[r*channels+c] += int32(byte(tail[r]>>(8*k))) * int32(w[steps][c][k])
//				}
//			}
//		}
//	}

// Those with VPDPBUSD put rows ldacc apart, and those with 512 bits begin with the sums at from, rows of which are ldfrom
// apart, instead of 0.

//go:noescape
func int8VNNI8x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8VNNI4x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8VNNI1x32(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8VNNI16x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8VNNI8x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8VNNI1x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32, from *int32, ldfrom int)

//go:noescape
func int8AVXVNNI6x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)

//go:noescape
func int8AVXVNNI4x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)

//go:noescape
func int8AVXVNNI1x16(acc *int32, ldacc int, a *byte, lda, tiles int, w *int8, steps int, tail *uint32)

// On AVX2 a tile has 8 channels, and its rows are wherever taps say:
//
//	for tile := range tiles {
//		for panel := range panels {
//			for r := range rows {
//				for c := range 8 {
//					at := (tile*rows+r)*ldacc + panel*8 + c
//					if !more {
//						acc[at] = 0
//					}
//					for _, tap := range taps[:count] {
//						acc[at] += Σ_k row(tap, r)[tile*step+k] · run(tap, panel)[c][k]
//					}
//					acc[at] += … // the tail's, if there is one, as above
//				}
//			}
//		}
//	}
//
// stride is the bytes from a run to that of the next panel. More than one tile, and a tail, is for one tap only. The
// kernel changes the rows of the first tap.

//go:noescape
func int8AVX2x8x8(acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool)

//go:noescape
func int8AVX2x1x8(acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool)

//go:noescape
func int8AVX2x4x8(acc *int32, ldacc int, taps *avx2Tap, count, stride, panels, tiles, step int, tail *uint32, more bool)

//go:noescape
func float32AVX512x8x32(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX512x4x32(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX512x1x32(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX512x16x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX512x8x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX512x1x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX2x6x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX2x4x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32AVX2x1x16(acc, a *float32, lda, tiles int, w *float32, k int)

// The next two take a whole panel of channels to the end: they fill dst[r·ldd+c] with the sum and bias[c], made lo where that is
// less and hi where it is greater.

//go:noescape
func float32FinishedAVX2x6x16(dst *float32, ldd int, a *float32, lda, tiles int, w *float32, k int, bias *float32, lo, hi float32)

//go:noescape
func float32FinishedAVX2x4x16(dst *float32, ldd int, a *float32, lda, tiles int, w *float32, k int, bias *float32, lo, hi float32)

// avxvnniCode returns where the machine code of int8AVXVNNI6x16 is, so that a test can read the encodings that Go's
// assembler did not make.
func avxvnniCode() *byte
