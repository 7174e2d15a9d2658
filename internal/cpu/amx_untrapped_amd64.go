//go:build !purego && !amxtrap

package cpu

func amxTrapped() bool { return false }
