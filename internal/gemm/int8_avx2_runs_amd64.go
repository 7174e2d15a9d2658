//go:build !purego

package gemm

import "linquant/internal/kernel"

// avx2Runs is the runProduct of AVX2. Steps of all runs of a row are matched with each other: a place says where in the
// lines a step is.
type avx2Runs struct{ *avx2Panels }

// packAVX2Runs is codeKernels.packRuns.
func packAVX2Runs(w []int8, n int, r Runs) runProduct {
	k := r.Count * r.Length
	return avx2Runs{(&avx2Builder{k: k, rows: r}).pack(w, n, k)}
}

// runsPayAVX2 is codeKernels.runsPay: few k are faster as words, and weights of few bits in a panel, where segments are longer.
func runsPayAVX2(w []int8, k int) bool { return k >= 128 && !fewBits(w) }

// mul computes blocks of rows, those between the lines too, and stores those of the lines.
func (p avx2Runs) mul(k *kernels, o *output, a []byte, lda, m int) {
	var room [blockRows * maxWidth]int32
	acc := kernel.NoEscape(&room)[:]
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := 0; j < p.n; j += maxWidth {
			channels := min(maxWidth, p.n-j)
			panels := (channels + avx2Width - 1) / avx2Width
			width := panels * avx2Width
			k.codes.tiles.sumsOfRun(acc, a[i*lda:], lda, rows, p.runs[j/avx2Width:], 1, panels, nil, false)
			for r := 0; r < rows; {
				y, x := (i+r)/o.pitch, (i+r)%o.pitch
				if x < o.width {
					stored := min(o.width-x, rows-r)
					to := o.codes[(y*o.width+x)*o.ldd+j:]
					o.stage.apply(k, to, o.ldd, acc[r*width:], width, stored, j, channels)
				}
				r += o.pitch - x
			}
		}
	}
}
