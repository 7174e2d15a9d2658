package arith

import "math"

// Norm is what LayerNormalization, RMSNormalization, InstanceNormalization and GroupNormalization have in common: a
// value is cut into rows of elements that are counted one after the other, and each row is brought to mean 0 and
// variance 1 and then scaled.
type Norm struct {
	Length  int     // elements of a row
	Repeat  int     // neighbours in a row that share an element of scale and shift
	Groups  int     // row r has part r mod Groups of scale and shift, of Length/Repeat elements
	Epsilon float32 // is added to the variance
	Center  bool    // the mean is subtracted, and the variance is around it; RMSNormalization does neither
}

// Row fills dst with (x − mean)/√(variance + Epsilon)·scale + shift, computed in float64 and rounded once: the same bits
// on every processor. dst and x are one row, and may be the same; scale and shift are
// the part for it, and a nil shift is 0.
func (n *Norm) Row(dst, x, scale, shift []float32) {
	mean := 0.0
	if n.Center {
		mean = Sum(x) / float64(len(x))
	}
	factor := 1 / math.Sqrt(SumOfSquares(x, mean)/float64(len(x))+float64(n.Epsilon))
	if n.Repeat == 1 && shift != nil {
		x, scale, shift = x[:len(dst)], scale[:len(dst)], shift[:len(dst)]
		for i := range dst {
			dst[i] = float32(float64((float64(x[i])-mean)*factor*float64(scale[i])) + float64(shift[i]))
		}
		return
	}
	for c, w := range scale {
		b := 0.0
		if shift != nil {
			b = float64(shift[c])
		}
		in, out := x[c*n.Repeat:][:n.Repeat], dst[c*n.Repeat:][:n.Repeat]
		for i, v := range in {
			out[i] = float32(float64((float64(v)-mean)*factor*float64(w)) + b)
		}
	}
}
