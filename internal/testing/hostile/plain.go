package hostile

import (
	"os"
	"runtime"
	"testing"
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
