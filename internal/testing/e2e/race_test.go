//go:build race

package e2e

const race = true // the race detector looks at every element of plain Go's loops
