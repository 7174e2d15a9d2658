package checkpoint

import "testing"

// TestAveraged: a moving average is a word of a key, and no part of one.
func TestAveraged(t *testing.T) {
	for key, want := range map[string]bool{
		"ema": true, "EMA": true, "model_ema": true, "ema.model": true, "ema2": true, "params-ema": true, "swa_model": true,
		"": false, "schema": false, "zema": false, "emaz": false, "em_a": false, "model": false, "swab": false, "aswa": false,
	} {
		if averaged(key) != want {
			t.Errorf("%q is a moving average: %v", key, !want)
		}
	}
}
