package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// activation is one of the values that quantize --json reports.
type activation struct {
	Name, Type string
	Min, Max   float32
}

// quantizedActivations returns the activations of the built-in network, quantized so, by their names.
func quantizedActivations(t *testing.T, flags ...string) map[string]activation {
	t.Helper()
	out := filepath.Join(t.TempDir(), "q.onnx")
	var made struct{ Activations []activation }
	if err := json.Unmarshal(linquant(t, append([]string{"quantize", "builtin", "-o", out, "--calib-size", "32", "--json"}, flags...)...), &made); err != nil {
		t.Fatal(err)
	}
	all := map[string]activation{}
	for _, a := range made.Activations {
		all[a.Name] = a
	}
	if len(all) < 9 {
		t.Fatalf("%d activations", len(all))
	}
	return all
}

// A range is chosen for the bits that its value has, whatever those of the others: as it is where all values have so many.
func TestRangesSuitTheBitsOfEachValue(t *testing.T) {
	for _, method := range []string{"mse", "entropy"} {
		eight, four := quantizedActivations(t, "--calib-method", method), quantizedActivations(t, "--calib-method", method, "--act-bits", "4")
		for _, flags := range []string{"--keep-edges", "--override backbone.relu3=a8", "--override *conv[56]=a8 --override *7=a8", "--keep-edges --override *=a4"} {
			mixed := quantizedActivations(t, append(strings.Fields(flags), "--calib-method", method, "--act-bits", "4")...)
			of, differ := map[string]int{}, 0
			for name, a := range mixed {
				want := map[string]activation{"uint8": eight[name], "uint4": four[name]}[a.Type]
				if a != want {
					t.Errorf("%s %s: %+v, want %+v", method, flags, a, want)
				}
				of[a.Type]++
				if eight[name].Max != four[name].Max {
					differ++
				}
			}
			if of["uint8"] == 0 || of["uint4"] == 0 || differ < 3 {
				t.Errorf("%s %s: %v, of which %d have other ranges for other bits: this tells nothing", method, flags, of, differ)
			}
		}
	}
}
