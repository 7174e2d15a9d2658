package cpu

import "testing"

func TestChosen(t *testing.T) {
	for value, want := range map[string]Tier{"": Best(), "generic": Generic, "sse9": Generic} {
		t.Setenv(Variable, value)
		if got := chosen(); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
