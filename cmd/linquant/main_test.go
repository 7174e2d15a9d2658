package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"linquant/internal/datadir"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"linquant": main})
}

// TestScripts runs every command line in testdata/script and compares what it prints and writes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return writeFixtures(env.WorkDir) },
	})
}

// TestRealCheckpoint runs the scripts that need the 37 MB VGG.
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
			return nil
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
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := filepath.Join(dir, "vgg.safetensors")
	for _, args := range [][]string{
		{"quantize", in, "-o", filepath.Join(dir, "q.safetensors")},
		{"quantize", in, "-o", "-"},
		{"hist", in, "-o", filepath.Join(dir, "h.png")},
		{"inspect", "--stats", in},
		{"tensor", "quantize", filepath.Join(dir, "x.npy"), "-o", filepath.Join(dir, "q.npz")},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(ctx, args, nil, &stdout, &stderr); got != exitFailed || stderr.String() != "linquant: interrupted\n" {
			t.Errorf("linquant %v: exit status %d, %q", args[0], got, stderr.String())
		}
	}
	after, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("%d files before, %d after: %v", len(before), len(after), after)
	}
}
