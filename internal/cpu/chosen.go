package cpu

import "sync"

// Chosen is the tier for kernels that no configuration reaches, those of packages tensor, quant and calib: FromEnv,
// asked once. Where that is an error, which commands report when they start, it is Generic.
var Chosen = sync.OnceValue(chosen)

func chosen() Tier {
	t, err := FromEnv()
	if err != nil {
		return Generic
	}
	return t
}
