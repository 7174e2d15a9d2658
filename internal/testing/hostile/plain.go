package hostile

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// RequirePlain skips a test of time and memory where a process needs more of both than it does for its user: under the
// race detector, in plain Go, or on another processor, which may be an emulated one. Tests of each tier have
// LINQUANT_CPU set, and the tier has no part in reading.
func RequirePlain(t testing.TB) {
	t.Helper()
	if slow || runtime.GOARCH != "amd64" || os.Getenv("LINQUANT_CPU") != "" {
		t.Skip("time and memory are those of a plain build on amd64")
	}
}

// Slowness returns how many times as much processor time the machine takes now as the one that bounds of time are for
// takes when it is idle, at least 1: processors share caches and pipelines with others, and are not all as fast.
func Slowness() float64 {
	const idle = 15 * time.Millisecond // of an Intel Xeon with AMX
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := usage(thread)
	cells := make([]uint32, 1<<14)
	work(cells)
	return max(1, float64(usage(thread)-start)/float64(idle))
}

// work is arithmetic, loads and stores, and branches that cannot be foreseen.
func work(cells []uint32) {
	x := uint32(1)
	for range 4 << 20 {
		x = x*1664525 + 1013904223
		cells[x>>18] += x
		if cells[x>>20]&1 != 0 {
			x ^= cells[x>>22]
		}
	}
	cells[0] = x
}
