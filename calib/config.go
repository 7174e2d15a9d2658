package calib

import "fmt"

// Config says how ranges are chosen. The zero value takes the extremes.
type Config struct {
	Method     Method
	Percentile float64 // of the values, for the method of that name: above 50, up to 100; 0 means 99.99
	Momentum   float64 // of MovingAverage, the weight of the newest batch: above 0, up to 1; 0 means 0.1

	// WithoutZero allows ranges that do not contain 0. By default they do, so that 0 has a code of its own and padding
	// costs no error; a symmetric range always does.
	WithoutZero bool

	// AnyLength lets examples have different lengths, as values of networks for inputs of any length have. Observers that saw such are not sent
	// as bytes.
	AnyLength bool

	// Progress, if set, is called after every batch with the number of examples so far.
	Progress func(examples int)
}

// Defaults of Config.
const (
	DefaultPercentile = 99.99
	defaultMomentum   = 0.1
)

// resolved returns the configuration with its defaults filled in, or what is wrong with it.
func (c Config) resolved() (Config, error) {
	if c.Percentile == 0 {
		c.Percentile = DefaultPercentile
	}
	if c.Momentum == 0 {
		c.Momentum = defaultMomentum
	}
	switch {
	case int(c.Method) >= len(methods):
		return c, fmt.Errorf("%v is no calibration method; known: %s", c.Method, methodNames())
	case !(c.Percentile > 50 && c.Percentile <= 100):
		return c, fmt.Errorf("percentile %v: use more than 50, up to 100", c.Percentile)
	case !(c.Momentum > 0 && c.Momentum <= 1):
		return c, fmt.Errorf("momentum %v: use more than 0, up to 1", c.Momentum)
	}
	return c, nil
}

// MemoryEstimate returns the bytes that Run will hold for so many values, beside the batch and the network's own
// memory: about 400 bytes for each value, and for methods with a histogram 16 KiB more; these also need a scratch of
// less than 128 KiB in the end. It does not depend on the number of examples.
func MemoryEstimate(values int, cfg Config) int64 {
	const entry = 400 // an observer, its place in the maps of observers and of ranges, and a name
	perValue, scratch := int64(entry), int64(0)
	if int(cfg.Method) < len(methods) && methods[cfg.Method].histogram {
		perValue, scratch = perValue+8*(bins+spares), 128<<10
	}
	return int64(max(values, 0))*perValue + scratch
}
