package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/eval"
)

// judgeMain is a command of the scripts, "judge WHAT NETWORK REFERENCE", for --metric 'exec: judge WHAT': the error of top-1 for each example
// or in the mean, or something wrong.
func judgeMain() {
	read := func(path, name string) []float32 {
		f, err := checkpoint.Open(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		defer f.Close()
		for _, t := range f.Tensors() {
			if t.Name == name {
				x, err := t.Read()
				if err == nil {
					v, _ := x.Float32s()
					return v
				}
			}
		}
		fmt.Fprintln(os.Stderr, path, "has no", name)
		os.Exit(1)
		return nil
	}
	what, network, reference := os.Args[1], os.Args[2], os.Args[3]
	labels, y, ref := read(network, "labels"), read(network, "output0"), read(reference, "output0")
	sum, classes := 0.0, len(y)/len(labels)
	for i, label := range labels {
		a, _ := eval.Top1.Right(y[i*classes:(i+1)*classes], int(label))
		b, _ := eval.Top1.Right(ref[i*classes:(i+1)*classes], int(label))
		loss := 0.0
		switch {
		case b && !a:
			loss = 1
		case a && !b:
			loss = -1
		}
		if what == "each" {
			fmt.Println(loss)
		}
		sum += loss
	}
	switch what {
	case "mean":
		fmt.Println(sum / float64(len(labels)))
	case "fail":
		fmt.Fprintln(os.Stderr, "Traceback\nValueError: no such metric")
		os.Exit(3)
	}
}

// checked runs check, and returns its exit status, standard output and standard error.
func checked(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), append([]string{"check"}, args...), nil, &out, &err)
	return status, out.String(), err.String()
}

// What is undecided has a status of its own, unless it is allowed, and is no test that passed.
func TestCheckUndecided(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "j.xml")
	args := []string{"builtin", "--reference", "builtin", "--limit", "50", "--max-drop", "1", "--junit", file}
	status, stdout, stderr := checked(t, args...)
	if status != exitUndecided || !strings.Contains(stdout, "\nUNDECIDED: 50 examples do not show with 95% confidence whether builtin loses at most 1 point of top-1") ||
		!strings.HasPrefix(stderr, "linquant: undecided: 50 examples do not show") || !strings.Contains(stderr, "more like them would; --allow-undecided accepts that\n") {
		t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
	}
	if j := readJUnit(t, file); j.Failures != 1 || j.Suite.Skipped != 0 || j.Suite.Case.Failure == nil || j.Suite.Case.Failure.Type != "undecided" {
		t.Errorf("%+v", j)
	}
	status, _, stderr = checked(t, append(args, "--allow-undecided")...)
	if status != exitOK || !strings.HasPrefix(stderr, "linquant: warning: undecided: ") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	if j := readJUnit(t, file); j.Failures != 0 || j.Suite.Skipped != 1 || j.Suite.Case.Skipped == nil || j.Suite.Case.Failure != nil {
		t.Errorf("%+v", j)
	}
	status, stdout, _ = checked(t, append(args[:7:7], "--json")...)
	var result checkJSON
	if err := json.Unmarshal([]byte(stdout), &result); err != nil || status != exitUndecided || result.Verdict != eval.Undecided ||
		result.More == nil || *result.More < 100 || result.N != 50 || *result.Low >= 0 || *result.High <= 0 {
		t.Errorf("exit status %d, %v\n%s", status, err, stdout)
	}
}

func readJUnit(t *testing.T, path string) junitSuites {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var j junitSuites
	if err := xml.Unmarshal(data, &j); err != nil {
		t.Fatal(err)
	}
	return j
}

// Names of files come into XML as they are, or as what XML can express of them.
func TestJUnitNames(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, `<&"]]> `+"\u009b"+`é.onnx`)
	data, err := exported()
	if err == nil {
		err = os.WriteFile(model, data, 0o666)
	}
	if err != nil {
		t.Skip(err) // a system that has no such names
	}
	file := filepath.Join(dir, "j.xml")
	if status, _, stderr := checked(t, model, "--reference", "builtin", "--max-drop", "20", "--junit", file); status != exitOK {
		t.Fatalf("exit status %d, %s", status, stderr)
	}
	j := readJUnit(t, file)
	if j.Tests != 1 || j.Suite.Case.Class != "linquant.check" || !strings.Contains(j.Suite.Case.Name, `]]>`) || j.Suite.Properties[0].Value != model {
		t.Errorf("%+v", j)
	}
}
