package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"linquant/internal/onnxpb"
)

// What quantize says of sizes is what the file has: of each weight and of the whole, with codes of a byte and of half a byte,
// and dry as well.
func TestSizesAreThoseOfTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, more := range [][]string{
		nil,
		{"--weight-bits", "4"},
		{"--weight-bits", "4", "--int4"},
		{"--weight-bits", "3", "--int4", "--keep-edges"},
		{"--weight-bits", "5"},
		{"--format", "qoperator"},
		{"--input-type", "uint8"},
	} {
		path := filepath.Join(dir, "q.onnx")
		args := append([]string{"quantize", "builtin", "-o", path, "--calib-size", "2"}, more...)
		var said, dry networkJSON
		for _, to := range []struct {
			said *networkJSON
			flag string
		}{{&dry, "--dry-run"}, {&said, "--dry-run=false"}} {
			if err := json.Unmarshal(linquant(t, append(args, "--json", to.flag)...), to.said); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if said.FileBytes != int64(len(file)) || dry.FileBytes != said.FileBytes || !dry.DryRun || said.DryRun {
			t.Errorf("%q: %d bytes, dry %d, the file has %d", more, said.FileBytes, dry.FileBytes, len(file))
		}
		m, err := onnxpb.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		bytes := map[string]int64{} // of the codes and scales of weights, by layer
		for _, i := range m.Graph.Initializers {
			if name, what, _ := strings.Cut(i.Name, ".weight"); !strings.HasSuffix(what, "zero_point") {
				bytes[name] += int64(len(i.Raw))
			}
		}
		var floats, saved int64
		for _, l := range said.Layers {
			if want := bytes[l.Name]; l.Bytes != want || want == 0 {
				t.Errorf("%q: %s: %d bytes, the file has %d", more, l.Name, l.Bytes, want)
			}
			floats += l.FloatBytes
			saved += l.FloatBytes - l.Bytes
		}
		if got := said.FloatBytes - said.WeightBytes; got > saved || got < saved-floats/100 { // scales of biases
			t.Errorf("%q: constants lost %d bytes, and weights %d", more, got, saved)
		}
	}
}

// The bytes that --dry-run names are those of the file.
func TestDryRunNamesTheBytes(t *testing.T) {
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	would := regexp.MustCompile(`(?m)^Would save: (\S+) \(([\d,]+) bytes\)$`)
	for _, args := range [][]string{
		{"export", "builtin", "-o", "e.onnx"},
		{"quantize", "builtin", "-o", "q.onnx", "--calib-size", "2", "--save-ranges", "r.json"},
		{"quantize", "builtin", "-o", "w.onnx", "--dynamic"},
	} {
		found := would.FindAllStringSubmatch(string(linquant(t, append(args, "--dry-run")...)), -1)
		if len(found) == 0 {
			t.Errorf("%q: nothing would be saved", args)
		}
		linquant(t, args...)
		for _, f := range found {
			info, err := os.Stat(f[1])
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(f[2], ",", ""); got != strconv.FormatInt(info.Size(), 10) {
				t.Errorf("%q: %s bytes of %s, which has %d", args, got, f[1], info.Size())
			}
		}
	}
}
