package ptq

import (
	"cmp"
	"fmt"
	"time"

	"linquant/quant"
)

// Config says how a network is quantized. The zero value: 8-bit weights, symmetric, one scale per output channel; 8-bit
// activations, unsigned and affine, one scale each; the ONNX convention.
type Config struct {
	WeightBits int      // 2 to 8; 0 means 8
	PerTensor  bool     // weights: one scale for the whole tensor instead of one per output channel
	Examples   Examples // for a method that watches activations

	// WeightMethod is how codes of weights are made. nil means Reconstruct where there are Examples and a layer has weights of
	// fewer than 8 bits, and else AbsMax.
	WeightMethod WeightMethod

	// Alone shows each layer, in place of the network whose layers before it are quantized, the float network: its codes are those
	// with which it errs least where nothing else is codes.
	Alone bool

	// Resume is a folder, made where there is none, in which layers are kept once their codes are chosen, by a method that watches activations,
	// and of which those are taken that are there: what was interrupted goes on, and comes to the same. Each file says of which network,
	// configuration, examples and layers before it its layer was made; one that was made of others is an error (*ResumeError). "" is none.
	Resume string

	// Progress is told before each layer whose input is watched how far the work is.
	Progress func(Progress)

	// ActBits is the number of bits of activations, 2 to 8; 0 means 8. What is added up to a sum, and no layer reads, keeps 8:
	// in a residual network its errors would add up as well. Overrides go before that.
	ActBits   int
	ActSigned bool // codes of activations are signed (int8) instead of unsigned (uint8)

	// ActSymmetric maps 0 to the code in the middle: 0 for signed codes, 2^(bits−1) for unsigned ones. The lowest code
	// stays unused. Unsigned codes of a value that is never negative have zero point 0 instead, and so use all codes.
	ActSymmetric bool

	// KeepEdges gives 8 bits to the weights of the first and of the last layer with weights, and to the activations
	// that each of the two reads and computes. Overrides go before it.
	KeepEdges bool

	// ReduceRange gives weights of 8 bits 7, in layers whose inputs have 8: the sum of two products fits int16 then, as it must on processors
	// without instructions for int8 where runtimes add products in pairs (PairsSaturate). Depthwise layers keep 8, and so do those whose bits an
	// override says.
	ReduceRange bool

	// SaturateBias lets a bias that does not fit an int32 saturate, as the PyTorch original does. By default the weight
	// scale of its output channel is raised until it fits: a channel that training has left without weights, which is
	// common after batch-norm folding, has a tiny scale and would lose its bias.
	SaturateBias bool

	// Overrides are by patterns of names. Of two that match and say different things the later wins: bits after Float make
	// the node integers again.
	Overrides []Override

	// Float are outputs of nodes that stay in floating point whatever else is said, with the reasons.
	Float map[string]string

	Requant quant.Convention // how integer layers bring their accumulators to codes
}

// Progress says how far the layers are.
type Progress struct {
	Done, Total int           // layers with weights that become codes
	Layer       string        // the one that comes next
	Memory      int64         // bytes that all of them take at most, about, beside the network itself
	Left        time.Duration // that the rest will take, about; 0 where nothing is known yet
}

// Override changes the configuration of the nodes whose name matches a pattern. Zero fields change nothing.
type Override struct {
	// Pattern chooses nodes by their whole names, or by those of the values that they compute: * stands for any
	// characters, slashes among them, ? for any one, [a-f] for a range. It may be a list with commas between, of which
	// ! before one excludes, and the last that matches decides: "conv*,!conv1". A pattern that matches nothing is an error.
	Pattern string

	WeightBits int  // of the layer's weights
	ActBits    int  // of the activation that the node computes, and of what shares its parameters
	Float      bool // leave the node in floating point
}

// SetGranularity sets what shares a scale among the weights. An integer layer adds up the products of one output
// channel before it scales them, so that a scale per group is an error: quant.PerGroup is for weights alone (Weights).
func (cfg *Config) SetGranularity(g quant.Granularity) error {
	switch g {
	case quant.PerTensor, quant.PerChannel:
		cfg.PerTensor = g == quant.PerTensor
		return nil
	case quant.PerGroup:
		return fmt.Errorf("an integer layer needs one scale per output channel, for it scales the sum of a channel's " +
			"products once: quantize weights per channel or per tensor; per group is for the weights of a checkpoint alone")
	}
	return fmt.Errorf("%v is no granularity", g)
}

// complete returns the configuration with its defaults filled in, or what is wrong with it.
func (cfg Config) complete() (Config, error) {
	cfg.WeightBits, cfg.ActBits = cmp.Or(cfg.WeightBits, 8), cmp.Or(cfg.ActBits, 8)
	if err := checkBits("weights", cfg.WeightBits); err != nil {
		return cfg, &ConfigError{"WeightBits", err}
	}
	if err := checkBits("activations", cfg.ActBits); err != nil {
		return cfg, &ConfigError{"ActBits", err}
	}
	if cfg.Requant > quant.FixedDouble {
		return cfg, &ConfigError{"Requant", fmt.Errorf("%v is no convention of requantization", cfg.Requant)}
	}
	for _, o := range cfg.Overrides {
		err := checkBits("weights", cmp.Or(o.WeightBits, 8))
		if err == nil {
			err = checkBits("activations", cmp.Or(o.ActBits, 8))
		}
		if err != nil {
			return cfg, &OverrideError{o.Pattern, err}
		}
	}
	return cfg, nil
}

func checkBits(what string, bits int) error {
	if bits < 2 || bits > 8 {
		return fmt.Errorf("%s of %d bits are not supported: use 2 to 8", what, bits)
	}
	return nil
}
