// Package inflation says what compressed data in a file may become, for all who read such files.
package inflation

const (
	// Base is how many bytes those of any file may become.
	Base = 16 << 20

	perByte         = 6
	streamedPerByte = 256
)

// InMemory returns how many bytes of what a file of size bytes holds compressed may be in memory at once.
func InMemory(size int64) int64 { return Base + perByte*size }

// Streamed returns how many bytes they may become that are read one after the other, which takes time alone.
func Streamed(size int64) int64 { return max(InMemory(size), streamedPerByte*size) }
