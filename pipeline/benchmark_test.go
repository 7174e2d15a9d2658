package pipeline

import "testing"

// The first numbers of splitmix64 with the seed 0 are e220a8397b1dcdaf, 6e789e6aa1b965f4 and 06c45d188009454f in its
// author's program (prng.di.unimi.it/splitmix64.c); a float has the upper 24 bits.
func TestFillUniform(t *testing.T) {
	x := make([]float32, 3)
	fillUniform(x, 0)
	if want := [3]float32{0xe220a8p-24, 0x6e789ep-24, 0x06c45dp-24}; [3]float32(x) != want {
		t.Errorf("%v, want %v", x, want)
	}
}
