//go:build unix

package atomicfile

import (
	"errors"
	"syscall"
)

// nonblock is how to open a pipe without waiting for its reader.
const nonblock = syscall.O_NONBLOCK

// nobodyReads reports whether opening a pipe failed because it has no reader.
func nobodyReads(err error) bool { return errors.Is(err, syscall.ENXIO) }
