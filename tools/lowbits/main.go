// Lowbits measures what weights and activations of few bits cost real networks: for each network and each rung of the ladder
// the difference to the float network in points of top-1, on all test images, calibrated on several sets of training images
// that share none. docs/low-bits.md has its tables.
//
//	go run ./tools/lowbits -data cifar10:DIR vgg.tar resnet20.th
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/pipeline"
	"linquant/ptq"
)

func main() {
	data := flag.String("data", "", "labelled `DATA`, with a training and a test split")
	rungs := flag.String("rungs", "w4a8,w3a8,w2a8,w4a4", "bits of weights and activations, with commas between; m3a8 is bits "+
		"of weights chosen by layer, packed constants being no larger than those of w3a8")
	methods := flag.String("weights", "nearest,reconstruct", "how codes of weights are made")
	sets := flag.Int("sets", 3, "sets of images to calibrate on")
	size := flag.Int("size", pipeline.ReconstructionExamples, "images in each")
	limit := flag.Int("limit", 0, "test images; 0 means all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, network := range flag.Args() {
		if err := measure(ctx, network, *data, strings.Split(*rungs, ","), strings.Split(*methods, ","), *sets, *size, *limit); err != nil {
			fmt.Fprintln(os.Stderr, "lowbits:", err)
			os.Exit(1)
		}
	}
}

func measure(ctx context.Context, network, data string, rungs, methods []string, sets, size, limit int) error {
	n, err := pipeline.Open(ctx, network, pipeline.OpenConfig{})
	if err != nil {
		return err
	}
	defer n.Close()
	training, err := open(ctx, data, dataset.Train)
	if err != nil {
		return err
	}
	defer training.Close()
	test, err := open(ctx, data, dataset.Test)
	if err != nil {
		return err
	}
	defer test.Close()
	if limit > 0 {
		test = dataset.Limit(test, limit)
	}
	float, err := accuracy(ctx, n, test)
	if err != nil {
		return err
	}
	fmt.Printf("%s: float %.2f%% of %d images\n", filepath.Base(network), 100*float.Fraction(), float.N)
	for _, rung := range rungs {
		var kind rune
		var w, a int
		if _, err := fmt.Sscanf(rung, "%c%da%d", &kind, &w, &a); err != nil || kind != 'w' && kind != 'm' {
			return fmt.Errorf("%q is no rung: write w4a8 or m4a8", rung)
		}
		for _, name := range methods {
			method, err := ptq.ParseWeightMethod(name)
			if err != nil {
				return err
			}
			sum, text, took := 0.0, "", time.Duration(0)
			for k := range sets {
				cfg := pipeline.Config{
					Network: n, Quant: ptq.Config{WeightBits: w, ActBits: a, KeepEdges: true, WeightMethod: method},
					Calibration: pipeline.Calibration{Data: pipeline.Data{Set: dataset.Skip(training, k*size), Limit: size}},
				}
				if a < 8 {
					cfg.Calibration.Method = calib.MSE
				}
				if kind == 'm' {
					if cfg, err = mixed(ctx, cfg); err != nil {
						return err
					}
				}
				start := time.Now()
				r, err := pipeline.Quantize(ctx, cfg)
				if err != nil {
					return err
				}
				took += time.Since(start)
				got, err := accuracy(ctx, r.Network, test)
				if err != nil {
					return err
				}
				d := eval.Paired(got.Right, float.Right)
				sum += 100 * d.Value()
				text += fmt.Sprintf(" %+.2f", 100*d.Value())
				if c := r.Choice; c != nil {
					text += fmt.Sprintf(" (%d bytes, %v)", c.Bytes, bits(c))
				}
				if err := r.Close(); err != nil {
					return err
				}
			}
			fmt.Printf("%s %s: mean %+.2f of%s, %.1f s each\n", rung, name, sum/float64(sets), text, took.Seconds()/float64(sets))
		}
	}
	return nil
}

// mixed returns the configuration with bits chosen by layer, in the size that the weights have at the bits that it says.
func mixed(ctx context.Context, cfg pipeline.Config) (pipeline.Config, error) {
	same := cfg
	same.Quant.WeightMethod = ptq.AbsMax{} // no matter for the size
	r, err := pipeline.Quantize(ctx, same)
	if err != nil {
		return cfg, err
	}
	cfg.Quant.WeightBits, cfg.Budget = 0, &pipeline.Budget{Packed: r.Report.PackedBytes}
	return cfg, r.Close()
}

// bits lists those that were chosen, layer by layer.
func bits(c *pipeline.Choice) string {
	text := ""
	for _, l := range c.Layers {
		text += fmt.Sprint(l.Options[l.Picked].Bits)
	}
	return text
}

func accuracy(ctx context.Context, n *pipeline.Network, set dataset.Set) (*eval.Accuracy, error) {
	m, err := n.Compile(ctx, engine.Config{})
	if err != nil {
		return nil, err
	}
	return m.Accuracy(ctx, set, pipeline.MeasureConfig{})
}

// open opens a split of labelled data.
func open(ctx context.Context, data, split string) (dataset.Set, error) {
	return dataset.Open(ctx, data, split)
}
