package builtin

// random is the counter-based generator splitmix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
// Generators", 2014). Its numbers are the same everywhere and in every version of Go, which math/rand does not promise
// of what it derives from its bits.
type random uint64

// newRandom returns the generator of one stream of a seed. Streams that differ in one bit have nothing in common.
func newRandom(seed, stream uint64) random {
	return random(mix(mix(seed) + stream))
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n), for n below 2³². Its bias is below n/2³².
func (r *random) below(n int) int {
	return int(r.next() >> 32 * uint64(n) >> 32)
}

// between returns a number from low to high, both included.
func (r *random) between(low, high int) int {
	return low + r.below(high-low+1)
}

// percent is true in p of 100 cases.
func (r *random) percent(p int) bool { return r.below(100) < p }

// sign is 1 or -1.
func (r *random) sign() int { return 2*r.below(2) - 1 }
