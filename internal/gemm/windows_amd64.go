//go:build !purego

package gemm

// Each stores the tile of height rows by 32 or 16 channels, or leaves its sums, [height][width], to go on with:
//
//	for r := range height {
//		for c := range channels {
//			sum := sums[r][c], or 0 at the beginning
//			for _, tap := range taps {
//				for k := range tap.depth {
//					sum = fma(row(tap, r)[k], w[tap.weight+k][c], sum)
//				}
//			}
//			sums[r][c] = sum, or at the end
//			dst[outs[r]+c] = clamp(sum+bias[c], lo, hi)
//		}
//	}
//
//go:noescape
func windowsAVX512x8x32(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x4x32(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x12x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x8x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX512x4x16(t *windowTask, sums *float32)

// Those of AVX2 store whole panels of 16 channels only.
//
//go:noescape
func windowsAVX2x6x16(t *windowTask, sums *float32)

//go:noescape
func windowsAVX2x4x16(t *windowTask, sums *float32)
