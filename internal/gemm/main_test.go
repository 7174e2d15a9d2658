package gemm_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/kernel"
)

// TestMain fails where the tests pass without one of the kernels, or of the plans, of the tiers that this processor has.
func TestMain(m *testing.M) {
	kernel.Count()
	status := m.Run()
	if status == 0 && whole() {
		for _, tier := range cpu.Available() {
			if unused := gemm.Unused(tier); unused != nil {
				fmt.Printf("FAIL: kernels of %v that no test ran: %v\n", tier, unused)
				status = 1
			}
		}
	}
	os.Exit(status)
}

// whole reports whether all tests ran: none were chosen, none were cut short.
func whole() bool {
	for _, name := range []string{"run", "skip", "list", "fuzz", "bench"} {
		if flag.Lookup("test."+name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
