// Package hostilenet makes small files that ask for much work, much memory or both: what a reader has to refuse, or to read
// within bounds. The same bytes come out every time. Each file is made by one short function, in a list of its kind.
package hostilenet

// File is one of them.
type File struct {
	Name string // what it asks for
	Data []byte

	// More is memory beyond the bound: a graph takes some 2 KB for a node, of which a file can make thirty thousand of a
	// few bytes each. Nobody's network has so many, and those that are refused because of their number would be.
	More int64
}

// Bounds that a reader of such a file keeps, or that it refuses within: so much memory at once, and so much time of all
// processors together.
const (
	baseBytes, bytesPerByte   = 64 << 20, 8
	baseSeconds, secondsPerMB = 2.0, 1.0
)

// Memory returns the bound of memory for a file of so many bytes.
func Memory(size int) int64 { return baseBytes + bytesPerByte*int64(size) }

// Seconds returns the bound of processor time for a file of so many bytes.
func Seconds(size int) float64 { return baseSeconds + secondsPerMB*float64(size)/1e6 }
