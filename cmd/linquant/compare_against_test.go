package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"linquant/internal/diagnose"
	"linquant/internal/testing/ort"
)

// The recipe in compare's help makes a dump of the built-in network in ONNX Runtime, and its integers are ours.
func TestRecipe(t *testing.T) {
	ort.Require(t)
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.Rename("floats.npy", "x.npy"); err != nil {
		t.Fatal(err)
	}
	for _, flags := range []string{"--format qdq", "--format qoperator"} {
		t.Run(flags, func(t *testing.T) {
			bits := "8"
			if ort.Saturates() {
				bits = "7"
			}
			command(t, "quantize builtin -o int8.onnx --calib-size 8 --weight-bits "+bits+" "+flags)
			var script strings.Builder
			for line := range strings.Lines(ortRecipe) {
				script.WriteString(strings.TrimPrefix(line, "  "))
			}
			python := exec.Command(os.Getenv("LINQUANT_ORT_PYTHON"), "-c", script.String())
			if out, err := python.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			out := command(t, "compare int8.onnx --against dump.npz")
			t.Log(out)
			if !strings.Contains(out, "layers are equal, on 2 examples.") {
				t.Error("ONNX Runtime's integers differ")
			}
		})
	}
}

// command runs linquant and returns what it prints.
func command(t *testing.T, args string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(t.Context(), strings.Fields(args), nil, &stdout, &stderr); got != exitOK {
		t.Fatalf("linquant %s: exit status %d\n%s", args, got, stderr.String())
	}
	return stdout.String()
}

// What run dumps of a network is equal to itself, also where its input are pixels of image files.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, args := range []string{"", "--act-signed", "--requant torch", "--requant fixed-double --weight-bits 4"} {
		command(t, "quantize builtin -o int8.onnx --calib-size 4 "+args)
		for _, input := range []string{"--input pixels.npy", "digit.png digit.png"} {
			command(t, "run int8.onnx "+input+" --dump dump.npz")
			out := command(t, "compare int8.onnx --against dump.npz")
			if !strings.Contains(out, "layers are equal, on 2 examples.") || strings.Contains(out, "not in the dump") {
				t.Errorf("quantize %s, run %s:\n%s", args, input, out)
			}
		}
	}
	data, err := os.ReadFile("dump.npz")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile("cut.npz", data[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		got := run(t.Context(), strings.Fields("compare int8.onnx --against cut.npz"), nil, &stdout, &stderr)
		if text := stderr.String(); got != exitFailed || strings.Count(text, "\n") != 1 || !strings.Contains(text, "cut.npz: ") {
			t.Errorf("%d of %d bytes: exit status %d, %q", n, len(data), got, text)
		}
	}
}

// TestAgainst runs the command lines in testdata/against on the dumps of package diagnose.
func TestAgainst(t *testing.T) {
	dumps, err := filepath.Abs("../../internal/diagnose/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/against",
		RequireExplicitExec: true,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"fails": fails},
		Setup: func(env *testscript.Env) error {
			env.Setenv("DUMPS", dumps)
			return writeNetworkFixtures(env.WorkDir)
		},
	})
}

// A dump of which nothing can be compared is not equal.
func TestNothingCompared(t *testing.T) {
	r := &diagnose.Report{First: -1, Examples: 1, Layers: []diagnose.Layer{{Value: "conv", Status: diagnose.Unreached, Needs: "x"}}}
	err := verdict("int8.onnx", "dump.npz", r)
	if err == nil || err.Error() != "dump.npz: it has the integers of no layer of int8.onnx: nothing was compared" {
		t.Errorf("error %v", err)
	}
	if j := newAgainstJSON("int8.onnx", "dump.npz", r); j.Equal {
		t.Error("JSON says equal")
	}
	if notes := againstNotes(r); !slices.Contains(notes, "No layer was compared.") {
		t.Errorf("notes %q", notes)
	}
}
