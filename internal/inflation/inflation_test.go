package inflation

import "testing"

// TestLimits holds the limits to what docs/design.md says of them.
func TestLimits(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ size, inMemory, streamed int64 }{
		{0, 16 * mib, 16 * mib},
		{1000, 16*mib + 6000, 16*mib + 6000},
		{mib, 22 * mib, 256 * mib},
		{100 * mib, 616 * mib, 25600 * mib},
	} {
		if m, s := InMemory(c.size), Streamed(c.size); m != c.inMemory || s != c.streamed {
			t.Errorf("a file of %d bytes: %d in memory, %d streamed; want %d, %d", c.size, m, s, c.inMemory, c.streamed)
		}
	}
}
