package ptq

import (
	"fmt"

	"linquant/calib"
	"linquant/quant"
)

// Activation is how the values of one tensor of a network are stored.
type Activation struct {
	Value     string // its name in the float network
	Type      quant.Type
	Range     calib.Range // the reals that the codes span; it includes 0
	Scale     float32
	ZeroPoint int32
}

// params returns the parameters as the graph has them.
func (a Activation) params() quant.Params {
	return quant.TensorParams(a.Type, float64(a.Scale), a.ZeroPoint)
}

// newActivation chooses the parameters of a value with the range r. The range is extended to contain 0, so that 0,
// which convolutions are padded with, has a code of its own. A range of nothing but 0 gets the scale 1.
func newActivation(value string, r calib.Range, t quant.Type, symmetric bool) (Activation, error) {
	if !(r.Lo <= r.Hi) {
		return Activation{}, valueError(value, fmt.Errorf("[%v, %v] is no range: calibrate again", r.Lo, r.Hi))
	}
	lo, hi := quant.IncludeZero(r.Lo, r.Hi)
	a := Activation{Value: value, Type: t, Range: calib.Range{Lo: lo, Hi: hi}}
	var scale float64
	var err error
	if symmetric && lo != hi {
		scale, a.ZeroPoint, err = symmetricScale(lo, hi, t)
	} else {
		scale, a.ZeroPoint, err = quant.AffineScale(lo, hi, t)
		if symmetric {
			a.ZeroPoint = max(a.ZeroPoint, 0)
		}
	}
	if err != nil {
		return Activation{}, valueError(value, err)
	}
	a.Scale = float32(scale)
	return a, nil
}

// symmetricScale returns the scale and zero point that Config.ActSymmetric stands for.
func symmetricScale(lo, hi float32, t quant.Type) (scale float64, zeroPoint int32, err error) {
	if t.Unsigned && lo < 0 {
		zeroPoint = 1 << (t.Bits - 1)
		t.Unsigned = false
	}
	scale, err = quant.SymmetricScale(max(-lo, hi), t)
	return scale, zeroPoint, err
}
