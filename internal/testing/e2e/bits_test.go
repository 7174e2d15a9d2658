package e2e

import (
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/ptq"
)

// Integers are the same with every tier of instructions, number of threads and batch size; floats with those tiers that
// have fused multiply-adds, and within a tier with everything.
func TestSameBits(t *testing.T) {
	for _, name := range []string{"builtin", "resnet20"} {
		if name != "builtin" && (testing.Short() || race) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			n := load(t, name)
			images := 64
			if slow() {
				images = 8
			}
			x := n.images(t, images)
			q := n.quantize(t, n.calibration(), ptq.Config{})
			fused := func(c cpu.Tier) bool { return c != cpu.Generic }
			all := func(cpu.Tier) bool { return true }
			t.Run("float", func(t *testing.T) { sameBits(t, n.float, x, images, fused) })
			t.Run("integer", func(t *testing.T) { sameBits(t, q, x, images, all) })
		})
	}
}

// sameBits runs the images with every tier. Tiers for which alike gives the same must have the same outputs.
func sameBits(t *testing.T, g *graph.Graph, x []float32, images int, alike func(cpu.Tier) bool) {
	one := len(x) / images
	want := map[bool][]float32{}
	for _, tier := range slices.Backward(cpu.Available()) {
		for _, run := range []struct{ threads, batch, images int }{
			{2, 64, images}, {1, 64, images}, {2, 3, 8}, {1, 3, 8}, {2, 1, 4}, {1, 1, 4},
		} {
			if tier == cpu.Generic && run.threads == 1 && run.batch == 64 {
				continue // takes as long as everything else
			}
			p := compile(t, g, engine.Config{CPU: tier.String(), Threads: run.threads})
			y := batched(t, p, x[:run.images*one], run.images, run.batch)
			if want[alike(tier)] == nil {
				want[alike(tier)] = y
			}
			if !slices.Equal(y, want[alike(tier)][:len(y)]) {
				t.Errorf("%v, %d threads, batches of %d: other outputs", tier, run.threads, run.batch)
			}
		}
	}
	t.Logf("tiers %v", cpu.Available())
}

// batched runs the images in batches of a size.
func batched(t *testing.T, p *engine.Program, x []float32, images, batch int) []float32 {
	t.Helper()
	var y []float32
	one := len(x) / images
	for i := 0; i < images; i += batch {
		n := min(batch, images-i)
		y = append(y, logits(t, p, x[i*one:(i+n)*one], n)...)
	}
	return y
}
