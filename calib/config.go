package calib

import (
	"fmt"
	"slices"
	"strings"

	"linquant/quant"
)

// Method is how a range is chosen from what was seen.
type Method uint8

// The methods of calibration. All but the first two work on a histogram of at least 1024 bins (see Observer).
const (
	// MinMax takes the extremes of everything seen.
	MinMax Method = iota

	// MovingAverage takes an exponential moving average of each batch's extremes: Config.Momentum for the newest batch,
	// the rest for what was before (Jacob et al. 2018, section 3.1). It depends on how the data is cut into batches.
	MovingAverage

	// Percentile clips the tails: the range ends where Config.Percentile of all values are below its upper end, and
	// above its lower end. A symmetric range ends where so many magnitudes are below it. Ends are rounded away from the
	// middle by up to a bin, so that never more is clipped.
	Percentile

	// MSE takes the range whose codes give the values back with the least squared error, values taken as evenly
	// spread within a bin and zeros as zeros.
	MSE

	// Entropy takes the range whose codes lose the least information: the least Kullback-Leibler divergence of the
	// quantized histogram from the clipped one (Migacz, "8-bit inference with TensorRT", 2017).
	Entropy
)

var methodNames = [...]string{"min-max", "moving-average", "percentile", "mse", "entropy"}

// String returns "min-max", "moving-average", "percentile", "mse" or "entropy".
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("Method(%d)", uint8(m))
}

// ParseMethod is the inverse of String.
func ParseMethod(s string) (Method, error) {
	if i := slices.Index(methodNames[:], s); i >= 0 {
		return Method(i), nil
	}
	return 0, fmt.Errorf("there is no calibration method %q; known: %s", s, strings.Join(methodNames[:], ", "))
}

// histogram reports whether the method needs one.
func (m Method) histogram() bool { return m >= Percentile }

// Config says how ranges are chosen. The zero value takes the extremes, for 8-bit signed affine codes.
type Config struct {
	Method     Method
	Percentile float64 // of the values, for the method of that name: above 50, up to 100; 0 means 99.99
	Momentum   float64 // of MovingAverage, the weight of the newest batch: above 0, up to 1; 0 means 0.1

	// What the values will be quantized to: the codes of the type, with a zero point where they are not symmetric. MSE
	// and Entropy choose for these codes. A symmetric range is [-m, m]; but for unsigned codes it is [0, m], with zero
	// point 0, where nothing negative was seen, and else the zero point is taken to be in the middle of the codes.
	Bits      int // 2 to 8; 0 means 8
	Unsigned  bool
	Symmetric bool

	// WithoutZero allows ranges that do not contain 0. By default they do, so that 0 has a code of its own and padding
	// costs no error; a symmetric range always does.
	WithoutZero bool

	// Values are the names of the values to observe, each of which the network must show; what else it shows is
	// ignored. nil means all that it shows.
	Values []string

	// Progress, if set, is called after every batch with the number of examples so far.
	Progress func(examples int)
}

// Defaults of Config.
const (
	DefaultPercentile = 99.99
	DefaultMomentum   = 0.1
	DefaultBits       = 8
)

// resolved returns the configuration with its defaults filled in, or what is wrong with it.
func (c Config) resolved() (Config, error) {
	if c.Percentile == 0 {
		c.Percentile = DefaultPercentile
	}
	if c.Momentum == 0 {
		c.Momentum = DefaultMomentum
	}
	if c.Bits == 0 {
		c.Bits = DefaultBits
	}
	switch {
	case int(c.Method) >= len(methodNames):
		return c, fmt.Errorf("%v is no calibration method; known: %s", c.Method, strings.Join(methodNames[:], ", "))
	case !(c.Percentile > 50 && c.Percentile <= 100):
		return c, fmt.Errorf("percentile %v: use more than 50, up to 100", c.Percentile)
	case !(c.Momentum > 0 && c.Momentum <= 1):
		return c, fmt.Errorf("momentum %v: use more than 0, up to 1", c.Momentum)
	case c.Bits < 2 || c.Bits > 8:
		return c, fmt.Errorf("calibration for %d bits: use 2 to 8", c.Bits)
	}
	return c, nil
}

// after returns the configuration for values of which e was seen: one of unsigned symmetric codes that are to hold
// negative numbers is one of signed ones, but for the zero point.
func (c Config) after(e extremes) Config {
	if c.Symmetric && e.lo < 0 {
		c.Unsigned = false
	}
	return c
}

func (c Config) codes() quant.Type { return quant.Type{Bits: c.Bits, Unsigned: c.Unsigned} }

// MemoryEstimate returns the bytes that Run will hold for so many values, beside the batch and the network's own
// memory: about 400 bytes for each value, and for methods with a histogram 16 KiB more; these also need a scratch of
// less than 128 KiB in the end. It does not depend on the number of examples.
func MemoryEstimate(values int, cfg Config) int64 {
	const entry = 400 // an Observer, its place in the maps of observers and of ranges, and a name
	perValue, scratch := int64(entry), int64(0)
	if cfg.Method.histogram() {
		perValue, scratch = perValue+8*(bins+spares), 128<<10
	}
	return int64(max(values, 0))*perValue + scratch
}
