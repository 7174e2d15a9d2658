//go:build !purego

package gemm

// The kernels. Each fills acc, tiles of so many rows one below the other, with the sums of one panel of 16 channels;
// the numbers in its name are the rows and channels of a tile. This is the loop that each of the integer kernels
// replaces, where a step is 16 k, and a group of the rest of each row, in tail, 4 k (I8MM: 8 k):
//
//	for r := range rows * tiles {
//		for c := range 16 {
//			sum := int32(0)
//			for k := range 16 * steps {
//				sum += int32(a[r*lda+k]) * int32(w[k][c])
//			}
//			for k := range rest * group {
//				sum += int32(tail[r*16+k]) * int32(w[16*steps+k][c])
//			}
//			acc[r*16+c] = sum
//		}
//	}
//
// Where there is a start, 128 is taken from a[…] and tail[…], and start[c] is what that takes from the sum:
// 128·Σ_k w[k][c]. int8Panels says in what order the bytes of w lie. Up to readAhead bytes behind them are read too.

//go:noescape
func int8NEON4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8NEON1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8NEONWide4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8NEONWide1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8DotProd6x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8DotProd4x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8DotProd1x16(acc *int32, a *byte, lda, tiles int, w *int8, start *int32, steps int, tail *byte, rest int)

//go:noescape
func int8I8MM6x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)

//go:noescape
func int8I8MM4x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)

//go:noescape
func int8I8MM1x16(acc *int32, a *byte, lda, tiles int, w *int8, steps int, tail *byte, rest int)

// The float kernels do the same for one k at a time, in order, and fuse each product and sum:
//
//	for r := range rows * tiles {
//		for c := range 16 {
//			acc[r*16+c] = 0
//			for k := range k {
//				acc[r*16+c] = fma(a[r*lda+k], w[k*16+c], acc[r*16+c])
//			}
//		}
//	}

//go:noescape
func float32NEON6x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32NEON4x16(acc, a *float32, lda, tiles int, w *float32, k int)

//go:noescape
func float32NEON1x16(acc, a *float32, lda, tiles int, w *float32, k int)
