package ptq_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/hostile"
	"linquant/ptq"
)

// The variable that makes the test's program reconstruct a network, and say what that took.
const reconstructing = "LINQUANT_RECONSTRUCTING"

// What is said before reconstruction starts holds: no more memory is taken than that, and not much less.
func TestReconstructSaysItsMemory(t *testing.T) {
	hostile.RequirePlain(t)
	if os.Getenv(reconstructing) != "" {
		said, taken := reconstructLarge(t)
		fmt.Printf("said %d taken %d\n", said, taken)
		return
	}
	if testing.Short() || hostile.Peak() == 0 {
		t.Skip("it takes 2 s, or the system does not say what a process takes")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestReconstructSaysItsMemory$")
	c.Env = append(os.Environ(), reconstructing+"=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said, taken int64
	_, after, _ := strings.Cut(string(out), "said ")
	if _, err := fmt.Sscanf(after, "%d taken %d", &said, &taken); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d MB were said, %d MB taken", said>>20, taken>>20)
	if said < 100<<20 || taken > said || taken < said/2 {
		t.Errorf("%d bytes were said, %d were taken", said, taken)
	}
}

// reconstructLarge reconstructs a network whose layers take much memory in turn, and returns what was said of that and what it took.
func reconstructLarge(t *testing.T) (said, taken int64) {
	n := newNet(t, 16, 32, 32)
	pool := graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}
	x := n.op(graph.Relu, "ra", nil, n.conv("a", "x", 16, 48))
	x = n.op(graph.MaxPool, "pb", pool, n.op(graph.Relu, "rb", nil, n.conv("b", x, 48, 64)))
	x = n.op(graph.MaxPool, "pc", pool, n.op(graph.Relu, "rc", nil, n.conv("c", x, 64, 128)))
	x = n.op(graph.MaxPool, "pd", pool, n.op(graph.Relu, "rd", nil, n.conv("d", x, 128, 16)))
	g := n.done(n.gemm("fc", n.op(graph.Flatten, "flat", nil, x), 16*4*4, 10))
	examples, _, _ := examplesFor(t, n, 16*32*32, 192)
	cfg := ptq.Config{WeightBits: 2, Examples: examples}
	ranges := rangesOf(t, g, cfg)
	debug.FreeOSMemory()
	before := resident(t)
	cfg.Progress = func(p ptq.Progress) { said = p.Memory }
	if _, _, err := ptq.Quantize(t.Context(), g, ranges, cfg); err != nil {
		t.Fatal(err)
	}
	return said, hostile.Peak() - before
}

// resident returns the bytes of memory that the process has now.
func resident(t *testing.T) (bytes int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(after, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}
