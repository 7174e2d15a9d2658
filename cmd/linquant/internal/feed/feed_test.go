package feed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/tensor"
)

// TestMain is also the program that writes the batches, where it is told which. NumPy's own streams are read by the tests of checkpoint.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "write" {
		if err := write(os.Args[2]); err != nil {
			fmt.Fprintf(os.Stderr, "a warning\n\nValueError: %v\n", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func batch(i int) error {
	x, err := tensor.Of(tensor.Shape{2, 1}, []float32{float32(2 * i), float32(2*i + 1)})
	if err != nil {
		return err
	}
	return checkpoint.WriteNPZ(os.Stdout, []checkpoint.Output{checkpoint.FromTensor("x", x)})
}

func write(what string) error {
	switch what {
	case "sleep":
		time.Sleep(time.Minute)
		return nil
	case "late":
		time.Sleep(300 * time.Millisecond)
		return batch(3)
	}
	for i := 0; what == "endless" || i < 3; i++ {
		if err := batch(i); err != nil {
			return err
		}
	}
	switch what {
	case "fail":
		return fmt.Errorf("no such file")
	case "cut":
		fmt.Print("PK\x03\x04 and no more")
		return fmt.Errorf("out of memory")
	case "text":
		fmt.Println("done with everything")
		time.Sleep(time.Minute)
	case "leave", "leave and write": // another holds the output open
		c := exec.Command(os.Args[0], "write", map[string]string{"leave": "sleep", "leave and write": "late"}[what])
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		return c.Start()
	case "hang":
		time.Sleep(time.Minute)
	}
	return nil
}

func open(t *testing.T, ctx context.Context, what string, most int) (dataset.Set, error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	s, err := Open(ctx, Prefix+strconv.Quote(os.Args[0])+" write "+strconv.Quote(what), []dataset.Input{{Name: "x", Shape: tensor.Shape{1}}}, most)
	t.Cleanup(func() {
		if s != nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "linquant-*")); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	})
	return s, err
}

func TestOpen(t *testing.T) {
	for what, n := range map[string]int{"three": 6, "endless": 10, "hang": 6} { // the last is ended when there are enough
		t.Run(what, func(t *testing.T) {
			s, err := open(t, t.Context(), what, map[string]int{"three": 100, "endless": 9, "hang": 6}[what])
			if err != nil || s.Len() != n {
				t.Fatal(s, err)
			}
			for i := range n {
				x := []float32{-1}
				if label, err := s.Read(t.Context(), i, x); err != nil || label != -1 || x[0] != float32(i) {
					t.Errorf("example %d is %v, %d, %v", i, x, label, err)
				}
			}
		})
	}
}

// A program that has ended is not waited for where what it started holds its output open; what that writes meanwhile is taken.
func TestOpenHeld(t *testing.T) {
	for what, n := range map[string]int{"leave": 6, "leave and write": 8} {
		t.Run(what, func(t *testing.T) {
			start := time.Now()
			s, err := open(t, t.Context(), what, 100)
			if err != nil || s.Len() != n || time.Since(start) > 20*time.Second {
				t.Errorf("%v, %v after %v", s, err, time.Since(start))
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for what, want := range map[string]string{
		"fail": "exit status 3: ValueError: no such file",
		"cut":  "exit status 3: ValueError: out of memory",
		"text": `goes on with "done with`,
	} {
		t.Run(what, func(t *testing.T) {
			_, err := open(t, t.Context(), what, 100)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, and %q is due", err, want)
			}
		})
	}
}

// The program ends with the context, soon, and nothing is left of it.
func TestOpenEnds(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, fmt.Errorf("the cause"))
	defer cancel()
	start := time.Now()
	_, err := open(t, ctx, "hang", 100)
	if err == nil || err.Error() != "the cause" || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
