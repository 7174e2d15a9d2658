package kerneltest

import (
	"flag"
	"fmt"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Main runs the tests, and returns the status to exit with: a failure too where the tests pass without one of the
// kernels in the tables of the tiers that this processor has. That is asked only where all tests ran: none was chosen,
// none cut short.
func Main(m *testing.M, table func(tier cpu.Tier) any) int {
	kernel.Count()
	status := m.Run()
	if status != 0 || !all() {
		return status
	}
	for _, tier := range cpu.Available() {
		if unused := kernel.Unused(table(tier)); unused != nil {
			fmt.Printf("FAIL: kernels of %v that no test ran: %v\n", tier, unused)
			status = 1
		}
	}
	return status
}

func all() bool {
	for _, name := range []string{"run", "skip", "list", "fuzz", "bench"} {
		if flag.Lookup("test."+name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
