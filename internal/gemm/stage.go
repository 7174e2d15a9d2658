package gemm

import (
	"encoding/binary"
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
	"linquant/quant"
)

// Stage is the output stage of an integer layer: how int32 accumulators become stored codes.
//
//	stored = byte(Requant.Code(acc + Bias[j], j)) ^ Flip
//
// It is read only, and may be shared.
type Stage struct {
	Bias    []int32            // [N], the input's zero point folded in
	Requant *quant.Requantizer // one multiplier, or N
	Flip    byte               // 0x80 where the output codes are int8, which are stored plus 128; else 0

	// WeightZero is nil, or holds each channel's zero point of the weights, for affine weights:
	// acc -= WeightZero[j]·Σ_k(a[k] − InputZero), where InputZero is the input's zero point as stored (plus 128 for
	// int8). With the fold in Bias this is Σ_k (a[k]−InputZero)·(w[j,k]−WeightZero[j]).
	WeightZero []int32
	InputZero  int32
}

func (s *Stage) check(n int) {
	if len(s.Bias) != n || s.WeightZero != nil && len(s.WeightZero) != n {
		panic(fmt.Sprintf("gemm: %d biases and %d weight zero points for %d channels", len(s.Bias), len(s.WeightZero), n))
	}
	if c := s.Requant.Channels(); c != 1 && c != n {
		panic(fmt.Sprintf("gemm: %d multipliers for %d channels", c, n))
	}
	if s.Flip != 0 && s.Flip != 0x80 {
		panic(fmt.Sprintf("gemm: flip %#x", s.Flip))
	}
}

// apply stores the codes of acc [rows, width], the accumulators of n channels from j on, in rows of dst.
func (s *Stage) apply(k *kernels, dst []byte, ldd int, acc []int32, width, rows, j, n int) {
	lo := 0
	if vector := &k.stages[s.Requant.Convention]; vector.Has() {
		lo = vector.Get()(s, dst, ldd, acc, width, rows, j, n)
	}
	if lo < n {
		s.applyGeneric(dst, ldd, acc, width, rows, j, lo, n)
	}
}

// Panel stores, as Stage says, the codes of accumulators that come from no matrix product: of rows of n ≤ PanelChannels channels from j on, PanelChannels
// apart, in rows of dst that begin ldd apart with channel j. What the accumulators beyond n are does not matter.
func (s *Stage) Panel(dst []byte, ldd int, acc []int32, rows, j, n int, tier cpu.Tier) {
	s.check(len(s.Bias))
	if rows < 1 || n < 1 || n > PanelChannels || j < 0 || j > len(s.Bias)-n || len(acc)/PanelChannels < rows || n > len(dst) ||
		rows > 1 && (ldd < n || ldd > (len(dst)-n)/(rows-1)) {
		panic(fmt.Sprintf("gemm: %d rows of channels %d to %d of %d, every %d, do not fit slices of %d and %d", rows, j, j+n, len(s.Bias), ldd,
			len(acc), len(dst)))
	}
	k, own := kernelsOf(tier), kernel.NoEscape(s)
	for ; rows > blockRows; rows -= blockRows {
		own.apply(k, dst, ldd, acc, PanelChannels, blockRows, j, n)
		dst, acc = dst[blockRows*ldd:], acc[blockRows*PanelChannels:]
	}
	own.apply(k, dst, ldd, acc, PanelChannels, rows, j, n)
}

// PanelChannels is the distance of rows of accumulators in a Panel, which every tier can take.
const PanelChannels = 16

// applyGeneric stores channels lo ≤ c < n of those from j on. It is the reference for any faster one.
func (s *Stage) applyGeneric(dst []byte, ldd int, acc []int32, width, rows, j, lo, n int) {
	perChannel := min(s.Requant.Channels()-1, 1) // 0 where there is one multiplier
	for r := range rows {
		out, sums := dst[r*ldd:][:n], acc[r*width:][:n]
		for c := lo; c < n; c++ {
			out[c] = byte(s.Requant.Code(sums[c]+s.Bias[j+c], (j+c)*perChannel)) ^ s.Flip
		}
	}
}

// subtractWeightZero applies the zero points of the weights, zero, to acc [rows, width], of rows with these sums. What is
// beyond the channels that zero has may change.
func (k *kernels) subtractWeightZero(acc []int32, width int, sums, zero []int32) {
	if k.subtract.Has() && width%8 == 0 && width <= maxWidth {
		var all [maxWidth]int32
		copy(all[:width], zero)
		k.subtract.Get()(&acc[:width*len(sums)][0], width, len(sums), kernel.NoEscape(&sums[0]), kernel.NoEscape(&all[0]))
		return
	}
	for r, sum := range sums {
		row := acc[r*width:][:len(zero)]
		for c, z := range zero {
			row[c] -= z * sum
		}
	}
}

// rowSums fills sums[r] = Σ_k (a[r·lda+k] − zero).
func rowSums(sums []int32, a []byte, lda, k int, zero int32) {
	for r := range sums {
		sums[r] = byteSum(a[r*lda:][:k]) - int32(k)*zero
	}
}

// byteSum adds 8 bytes at a time, in lanes of 16 bits that are emptied before 256 bytes could fill one.
func byteSum(a []byte) int32 {
	const even = 0x00ff00ff00ff00ff
	var sum uint64
	for len(a) >= 8 {
		var lanes uint64
		for n := min(len(a)/8, 128); n > 0; n-- {
			v := binary.LittleEndian.Uint64(a)
			lanes += v&even + v>>8&even
			a = a[8:]
		}
		lanes = lanes&0x0000ffff0000ffff + lanes>>16&0x0000ffff0000ffff
		sum += lanes&0xffffffff + lanes>>32
	}
	for _, v := range a {
		sum += uint64(v)
	}
	return int32(sum)
}
