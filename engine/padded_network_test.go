package engine_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/internal/testing/netgen"
)

// Convolutions that are wide enough to be computed in padded lines, where the processor does that, against the
// reference evaluator.
func TestWideConvolutions(t *testing.T) {
	seen := 0
	check := func(t *rapid.T) {
		g := netgen.Wide(t)
		if g == nil {
			t.Skip("a kernel larger than the picture")
		}
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		seen += engine.Padded(p)
		checkNetwork(t, drawInput(t, g), sameCodes)
	}
	rapid.Check(t, check)
	for range 10 { // in short there are few of them, and not all are computed in padded lines
		if seen == 0 && engine.PadsLines() {
			rapid.Check(t, check)
		}
	}
	if engine.PadsLines() && seen == 0 {
		t.Error("none was computed in padded lines")
	}
	t.Logf("%d in padded lines", seen)
}
