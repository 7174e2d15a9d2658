//go:build !purego && !linux

package cpu

// amxGranted is false where it is not known how to ask for the tile registers.
func amxGranted() bool { return false }
