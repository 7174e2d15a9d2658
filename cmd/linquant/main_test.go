package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"linquant/internal/cpu"
	"linquant/internal/testing/datadir"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"linquant": main, "judge": judgeMain})
}

// TestScripts runs every command line in testdata/script and compares what it prints and writes.
func TestScripts(t *testing.T) {
	fixtures := t.TempDir()
	if err := errors.Join(writeFixtures(fixtures), writeNetworkFixtures(fixtures)); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"fails": fails, "same": same},
		Setup:               func(env *testscript.Env) error { return os.CopyFS(env.WorkDir, os.DirFS(fixtures)) },
		Condition: func(cond string) (bool, error) {
			if cond != cpu.AVX2.String() {
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			return cpu.Has(cpu.AVX2), nil
		},
	})
}

// fails is a command of the scripts, "fails STATUS COMMAND...": the command ends with that status and one line on
// standard error, after which a wrong command line (2) has one more that says where to look; it leaves no file behind.
// What it printed is there for the script's stdout and stderr.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails STATUS COMMAND...")
	}
	before := files(ts)
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("ended with %v, want exit status %s", err, args[0])
	}
	stderr := ts.ReadFile("stderr")
	if strconv.Itoa(strings.Count(stderr, "\n")) != args[0] || !strings.HasPrefix(stderr, "linquant: ") {
		ts.Fatalf("standard error has %q: want %s", stderr, args[0]+" line(s), the error first")
	}
	if after := files(ts); !slices.Equal(before, after) {
		ts.Fatalf("files before: %q, and after: %q", before, after)
	}
}

// files lists all files in the script's folder.
func files(ts *testscript.TestScript) []string {
	var names []string
	ts.Check(fs.WalkDir(os.DirFS(ts.Getenv("WORK")), ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	return names
}

// TestRealCheckpoint runs the scripts that need the 37 MB VGG, ResNet-20 and CIFAR-10.
func TestRealCheckpoint(t *testing.T) {
	vgg, err := filepath.Abs(datadir.File(t, "checkpoints/model_199-1.tar"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/real",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("VGG", vgg)
			env.Setenv("MODELS", filepath.Join(filepath.Dir(vgg), "..", "models"))
			env.Setenv("CIFAR", filepath.Join(filepath.Dir(vgg), "..", "cifar10"))
			return writeNetworkFixtures(env.WorkDir)
		},
	})
}

// TestExitStatus tells what failed (1) from what was asked wrongly (2).
func TestExitStatus(t *testing.T) {
	tests := []struct {
		args string
		want int
	}{
		{"version", exitOK},
		{"inspect missing.pth", exitFailed},
		{"quantize missing.pth -o q.safetensors", exitFailed},
		{"demo linear -o missing.bmp", exitUsage},
		{"help frobnicate", exitUsage},
		{"completion tcsh", exitUsage},
		{"frobnicate", exitUsage},
		{"inspect", exitUsage},
		{"inspect x --colour", exitUsage},
		{"quantize x", exitUsage},
		{"hist x --bits 9", exitUsage},
		{"hist x --bits nine", exitUsage},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), strings.Fields(tt.args), nil, &stdout, &stderr); got != tt.want {
			t.Errorf("linquant %s: exit status %d, want %d\n%s", tt.args, got, tt.want, stderr.String())
		}
		lines := strings.Count(stderr.String(), "\n")
		if want := tt.want; lines != want { // nothing; the error; the error and where to look
			t.Errorf("linquant %s: %d lines on standard error, want %d:\n%s", tt.args, lines, want, stderr.String())
		}
	}
}

// An interrupted command says so, and leaves neither its output nor a temporary file.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	if err := writeFixtures(dir); err != nil {
		t.Fatal(err)
	}
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := filepath.Join(dir, "vgg.safetensors")
	t.Chdir(dir)
	for _, args := range [][]string{
		{"quantize", in, "-o", filepath.Join(dir, "q.safetensors")},
		{"quantize", in, "-o", "-"},
		{"hist", in, "-o", filepath.Join(dir, "h.png")},
		{"inspect", "--stats", in},
		{"tensor", "quantize", filepath.Join(dir, "x.npy"), "-o", filepath.Join(dir, "q.npz")},
		{"quantize", "builtin", "-o", "q.onnx", "--json"},
		{"eval", "builtin"},
		{"compare", "builtin", "float.onnx"},
		{"check", "float.onnx", "--reference", "builtin", "--data", "builtin", "--max-drop", "1", "--junit", "j.xml", "-o", "j.json"},
		{"diagnose", "builtin", "--weight-bits", "4"},
		{"sweep", "builtin"},
		{"bench", "builtin"},
		{"run", "builtin", "--input", "pixels.npy", "--output", "y.npy"},
		{"run", "builtin", "digit.png"},
		{"export", "builtin", "-o", "f.onnx"},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(ctx, args, nil, &stdout, &stderr); got != 130 || stderr.String() != "linquant: interrupted\n" {
			t.Errorf("linquant %v: exit status %d, %q", args[0], got, stderr.String())
		}
	}
	// In the middle of it.
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	got := run(soon, []string{"bench", "builtin", "--seconds", "3600"}, nil, &stdout, &stderr)
	if got != 130 || stderr.String() != "linquant: interrupted\n" {
		t.Errorf("linquant bench: exit status %d, %q", got, stderr.String())
	}
	after, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("%d files before, %d after: %v", len(before), len(after), after)
	}
}
