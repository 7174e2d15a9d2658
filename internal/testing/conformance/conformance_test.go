package conformance

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/failing.txt anew")

// What is held in any case, whatever the list says: how many tests pass, and how many of them in the engine too.
const (
	atLeast    = 300
	atLeastRan = 300
)

// TestConformance holds the results against testdata/failing.txt, which lists the tests that do not pass and why.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a thousand models")
	}
	results := run(t)
	listed, header := failing(t)
	var list bytes.Buffer
	list.WriteString(header)
	passed, constant, ran := 0, 0, 0
	for _, r := range results {
		if r.Err != nil {
			fmt.Fprintf(&list, "%s\t%s\t%s\n", r.Name, Reason(r.Err), short(r.Err))
			if Reason(r.Err) == "operator" && !named(r) {
				t.Errorf("%s: the error names none of the operators %q: %v", r.Name, r.Operators, r.Err)
			}
			if !listed[r.Name] && !*update {
				t.Errorf("%s: %v", r.Name, r.Err)
			}
			continue
		}
		if passed++; r.Constant {
			constant++
		}
		if r.Engine == nil {
			ran++
		} else if !errors.As(r.Engine, &Refused{}) {
			t.Errorf("%s: the engine: %v", r.Name, r.Engine)
		} else if !r.Constant {
			t.Logf("%s: the engine: %v", r.Name, r.Engine)
		}
		if listed[r.Name] && !*update {
			t.Errorf("%s passes: remove it from testdata/failing.txt (go test ./internal/testing/conformance -update)", r.Name)
		}
	}
	t.Logf("%d of %d tests pass, %d of them with nothing but constants; the engine ran %d", passed, len(results), constant, ran)
	if passed < atLeast || ran < atLeastRan {
		t.Errorf("%d tests pass, and the engine ran %d: at least %d and %d must", passed, ran, atLeast, atLeastRan)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", "failing.txt"), list.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// named reports whether the error names an operator of the test.
func named(r Result) bool {
	return slices.ContainsFunc(r.Operators, func(op string) bool { return strings.Contains(r.Err.Error(), op) })
}

// run runs the tests, and skips where they are not installed.
func run(t *testing.T) []Result {
	t.Helper()
	if _, err := os.Stat(filepath.Join(Folder(), Groups[0])); err != nil {
		if os.Getenv("LINQUANT_REQUIRE_ONNX_TESTDATA") == "1" {
			t.Fatalf("LINQUANT_REQUIRE_ONNX_TESTDATA is 1 and ONNX's tests are missing: %v", err)
		}
		t.Skipf("ONNX's tests are not here: install libonnx-testdata, or set LINQUANT_ONNX_TESTDATA (%v)", err)
	}
	results, err := Run(Folder())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// failing reads the list, and the comment on top of it.
func failing(t *testing.T) (listed map[string]bool, header string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "failing.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed = map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			header += line
			continue
		}
		name, _, ok := strings.Cut(line, "\t")
		if !ok || listed[name] {
			t.Fatalf("testdata/failing.txt: the line %q has no name and reason, or names a test again", line)
		}
		listed[name] = true
	}
	return listed, header
}

// short is an error on one line of bounded length.
func short(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:159]) + "…"
	}
	return s
}
