// Package datadir finds the real checkpoints and images that tests and benchmarks measure with. They are not part of
// the module, so that a test which needs them skips where they are missing; continuous integration sets
// LINQUANT_REQUIRE_DATA=1, and there it fails.
package datadir

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// File returns the path of a data file, slash-separated below $LINQUANT_DATA (default ../shared/data beside the module
// root). Where it does not exist the test is skipped, or fails when LINQUANT_REQUIRE_DATA is 1.
func File(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(root(), filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("LINQUANT_REQUIRE_DATA") == "1" {
			t.Fatalf("LINQUANT_REQUIRE_DATA is 1 and a data file is missing: %v", err)
		}
		t.Skipf("data file %s is not here (set LINQUANT_DATA to the data folder)", name)
	}
	return path
}

func root() string {
	if dir := os.Getenv("LINQUANT_DATA"); dir != "" {
		return dir
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "shared", "data")
}
