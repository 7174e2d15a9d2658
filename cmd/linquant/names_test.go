package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// linquant runs the command, which must succeed, and returns what it prints.
func linquant(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), args, nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("linquant %q: exit status %d: %s", args, status, stderr.String())
	}
	return stdout.Bytes()
}

// namesIn returns the fields of that key in a table that was printed as JSON.
func namesIn(t *testing.T, table []byte, list, key string) []string {
	t.Helper()
	var top map[string]json.RawMessage
	var rows []map[string]any
	if err := json.Unmarshal(table, &top); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(top[list], &rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", list, len(rows), err)
	}
	var names []string
	for _, r := range rows {
		names = append(names, r[key].(string))
	}
	return names
}

// Every name that a table shows is one that --override takes, whatever characters it has.
func TestTablesShowNamesThatFlagsTake(t *testing.T) {
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	q := filepath.Join(dir, "q.onnx")
	quantize := func(more ...string) []byte {
		t.Helper()
		return linquant(t, append([]string{"quantize", "slashes.onnx", "-o", q, "--calib", "builtin", "--calib-size", "2", "--json"}, more...)...)
	}
	layers := namesIn(t, quantize(), "layers", "name")
	if len(layers) != 9 || !strings.Contains(layers[1], "/") {
		t.Fatalf("%q", layers)
	}
	var flags []string
	for _, name := range layers {
		flags = append(flags, "--override", name+"=w4")
	}
	values := namesIn(t, linquant(t, "compare", "slashes.onnx", q, "--data", "builtin", "--limit", "1", "--json"), "layers", "name")
	for _, name := range values {
		flags = append(flags, "--override", name+"=a7")
	}
	inspected := linquant(t, "inspect", "slashes.onnx", "--json")
	for _, key := range []string{"name", "output"} {
		for _, name := range namesIn(t, inspected, "layers", key) {
			flags = append(flags, "--override", name+"=a7")
		}
	}
	var made struct {
		Layers []struct {
			Bits int `json:"weight_bits"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(quantize(flags...), &made); err != nil {
		t.Fatal(err)
	}
	for _, l := range made.Layers {
		if l.Bits != 4 {
			t.Errorf("%+v: want 4 bits everywhere", made.Layers)
		}
	}
}
