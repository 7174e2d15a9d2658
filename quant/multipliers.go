package quant

// Multipliers returns the multipliers of ONNX and Torch, one per output channel or one for all; nil for the other
// conventions. Kernels read them; they must not be changed.
func (r *Requantizer) Multipliers() []float32 { return r.multiplier }

// FixedMultiplier returns the multiplier m0·2^-(31+shift) of an output channel (0 where there is one) for Fixed and
// FixedDouble: m0 in [2^30, 2^31), or 0; shift at most 31, and negative for multipliers of 1 and more.
func (r *Requantizer) FixedMultiplier(channel int) (m0 int32, shift int) {
	f := &r.fixed[channel]
	return f.m0, f.shift
}
