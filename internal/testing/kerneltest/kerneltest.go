// Package kerneltest is what tests of assembly share: every tier, memory that shows where a kernel wrote, memory that faults
// where it reads on, numbers that are the same everywhere, and Main, which fails where a kernel never ran.
package kerneltest

import (
	"fmt"
	"testing"
	"unsafe"

	"linquant/internal/cpu"
)

// Each runs the same test for every tier that this processor has.
func Each(t *testing.T, test func(t *testing.T, tier cpu.Tier)) {
	for _, tier := range cpu.Available() {
		t.Run(tier.String(), func(t *testing.T) { test(t, tier) })
	}
}

// margin is the number of guard elements on either side of a guarded slice.
const margin = 67

// Guarded returns a slice of n elements that begins so many elements behind a line of the cache, with no room behind it,
// inside a larger one full of the guard, and a function that fails where a guard changed.
func Guarded[T comparable](n, offset int, guard T) ([]T, func() error) {
	whole := Aligned[T](margin + 64 + offset + n + margin)
	for i := range whole {
		whole[i] = guard
	}
	first := 64 + 64 + offset
	whole = whole[:first+n+margin]
	return whole[first : first+n : first+n], func() error {
		for i, v := range whole {
			if (i < first || i >= first+n) && v != guard {
				return fmt.Errorf("wrote %v at %d of a slice of %d", v, i-first, n)
			}
		}
		return nil
	}
}

// Aligned returns at least n elements, the first at the beginning of a line of the cache.
func Aligned[T any](n int) []T {
	const line = 64
	var zero T
	size := unsafe.Sizeof(zero)
	whole := make([]T, 128+n)
	skip := -uintptr(unsafe.Pointer(&whole[0])) % line / size
	return whole[skip:]
}

// Random returns a source of numbers of 44 bits that are the same on every run and processor.
func Random(seed uint64) func() uint64 {
	return func() uint64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return seed >> 20
	}
}
