package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"linquant/calib"
	"linquant/ptq"
	"linquant/tensor"
	"linquant/vision"
)

// idle refuses what a configuration says and nothing would come of.
func (cfg Config) idle() error {
	c := cfg.Calibration
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"Calibration.Ranges", c.Ranges != nil},
		{"Calibration.Method", c.Method != 0},
		{"Calibration.Percentile", c.Percentile != 0},
		{"Calibration.Data", !c.Data.none() && looksAtWeights(cfg.Quant)},
	} {
		if cfg.Dynamic && f.given {
			return &ConfigError{f.name, "", "with Dynamic layers find the ranges of their inputs while they run, and nothing is calibrated: " +
				"give one of them"}
		}
	}
	if c.Percentile != 0 && c.Method != calib.Percentile {
		return &ConfigError{"Calibration.Percentile", fmt.Sprint(c.Percentile), fmt.Sprintf("it is for the Method percentile, and the ranges "+
			"are chosen by %v: leave it out, or give both", c.Method)}
	}
	return nil
}

// looksAtWeights reports whether the method chooses codes by the weights alone and needs no examples.
func looksAtWeights(cfg ptq.Config) bool {
	switch cfg.WeightMethod.(type) {
	case nil:
		return !reconstructs(cfg)
	case ptq.AbsMax, ptq.LeastSquares:
		return true
	}
	return false
}

// OtherPixels warns that ranges were measured on pixels that were prepared otherwise than they are now: they say so, or the
// range of the input cannot be, or is hardly, one of pixels as they become now.
type OtherPixels struct {
	Network, Input string
	On             string      // how the ranges say that pixels were prepared; "" where they do not
	Range          calib.Range // of the input, which is given
	How            string      // pixels are prepared, in words
	Lo, Hi         float32     // what they become: of 0 to 255
}

// Warning is one line.
func (w OtherPixels) Warning() string {
	if w.On != "" {
		return fmt.Sprintf("the ranges for %s were measured on other pixels than it is given, on %s and not on %s: prepare them as then, or "+
			"calibrate again", w.Network, printable(w.On), w.How)
	}
	return fmt.Sprintf("the range of the input %q of %s is %g to %g, and pixels become %g to %g, by %s: it was measured on pixels "+
		"that were prepared otherwise; prepare them as then, or calibrate again", w.Input, w.Network, w.Range.Lo, w.Range.Hi, w.Lo, w.Hi, w.How)
}

// measuredOn returns how the ranges say that the pixels were prepared on which they were measured; of different words those of
// the first value that says others than now. "" where none says it.
func (n *Network) measuredOn(ranges calib.Ranges) string {
	on, now := "", n.Preparation(nil).String()
	for _, name := range slices.Sorted(maps.Keys(ranges)) {
		if on = cmp.Or(ranges[name].On, on); on != "" && on != now {
			return on
		}
	}
	return on
}

// otherPixels returns an OtherPixels where the ranges say that they are of other pixels, or do not say it and have one for an
// input of images that goes beyond what pixels become, or, by methods that keep extremes, has less than 7/10 of that.
func (n *Network) otherPixels(ranges calib.Ranges) []Warning {
	channels, _, _, image := vision.ImageShape(n.InputShape(), n.pre.ChannelsLast)
	if !image {
		return nil
	}
	input := n.graph.Inputs[0]
	if on := n.measuredOn(ranges); on != "" {
		if now := n.Preparation(nil).String(); on != now {
			return []Warning{OtherPixels{Network: n.Name, Input: input, On: on, How: now}}
		}
		return nil
	}
	r, ok := ranges[input]
	pixels, x, pre := make([]float32, 2*channels), make([]float32, 2*channels), n.pre
	for i := range channels {
		pixels[2*i+1] = 255
	}
	pre.ChannelsLast = false
	if !ok || pre.Apply(x, pixels, tensor.Shape{channels, 1, 2}) != nil {
		return nil
	}
	w := OtherPixels{Network: n.Name, Input: input, Range: r, How: pre.String()}
	for _, v := range x {
		w.Lo, w.Hi = min(w.Lo, v), max(w.Hi, v) // 0 is in every range
	}
	lo, hi, from, to := w.Lo, w.Hi, r.Lo, r.Hi
	if r.For.Symmetric { // such a range is as wide on both sides
		hi, to = max(hi, -lo), max(to, -from)
		lo, from = -hi, -to
	}
	span := hi - lo
	keeps := r.By == calib.MinMax || r.By == calib.Percentile
	if from < lo-span/16 || to > hi+span/16 || keeps && to-from < 0.7*span {
		return []Warning{w}
	}
	return nil
}
