package ptq

import (
	"testing"

	"linquant/internal/linalg"
)

// However many examples there are, samples stay below what a sum of products in int32 can hold, and their number is what is kept.
func TestPositions(t *testing.T) {
	for _, c := range []struct{ of, most, examples, samples int }{
		{1024, 1 << 15, 512, 1 << 15},
		{16, 1 << 15, 512, 16 * 512},
		{1024, 1 << 15, 1000, 33_000},
		{1, 1 << 15, 200_000, 1 << 15},
		{3, linalg.MostSamples, 60_000, 60_000},
		{5, 64, 1, 5},
	} {
		p := positions{of: c.of, most: c.most}
		p.expect(c.examples)
		kept := 0
		for range c.examples {
			chosen := p.next()
			for i, at := range chosen {
				if at < 0 || at >= c.of || i > 0 && at <= chosen[i-1] {
					t.Fatalf("%+v: %v", c, chosen)
				}
			}
			kept += len(chosen)
		}
		if kept != p.samples() || kept != c.samples || kept > linalg.MostSamples {
			t.Errorf("%+v: %d samples, and %d are kept", c, p.samples(), kept)
		}
	}
}
