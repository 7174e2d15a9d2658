//go:build !purego && amxtrap

package cpu

import "os"

// amxTrapped reports whether tools/amxtrap carries tile instructions out for this process. Only builds with the tag
// amxtrap, which are there for tests, believe the variable.
func amxTrapped() bool { return os.Getenv("LINQUANT_AMXTRAP") == "1" }
