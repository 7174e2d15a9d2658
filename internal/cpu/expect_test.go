package cpu_test

import (
	"os"
	"testing"

	"linquant/internal/cpu"
)

// Who knows the processor that the tests run on, an emulator told to be a certain one, says its best tier in
// LINQUANT_EXPECT_CPU: otherwise a tier that was not detected would be one that was not tested.
func TestBestIsExpected(t *testing.T) {
	want := os.Getenv("LINQUANT_EXPECT_CPU")
	if want == "" {
		t.Skip("LINQUANT_EXPECT_CPU is not set")
	}
	if got := cpu.Best().String(); got != want {
		t.Errorf("the best tier is %s, LINQUANT_EXPECT_CPU=%s", got, want)
	}
}
