package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"linquant/internal/toy"
)

// "Test passed." must be earned: one wrong expected value anywhere makes the demonstration fail and say where.
func TestDemoNoticesACorruptedValue(t *testing.T) {
	tests := []struct {
		name    string
		demo    demo
		corrupt func(v *toy.Vectors)
		want    string
	}{
		{"scale", demos[0], func(v *toy.Vectors) { v.Linear.Scale += 1e-16 }, "scale: computed 0.3333333333333333, expected 0.3333333333333334"},
		{"zero point", demos[0], func(v *toy.Vectors) { v.Linear.ZeroPoint = 0 }, "zero point: computed -1, expected 0"},
		{"code", demos[0], func(v *toy.Vectors) { v.Linear.Quantized[4][4] = 1 }, "quantized[4][4]: computed 0, expected 1"},
		{"missing row", demos[0], func(v *toy.Vectors) { v.Linear.Quantized = v.Linear.Quantized[:4] }, "elements"},
		{"weight", demos[1], func(v *toy.Vectors) { v.FC.QuantizedWeight[0][0] = 0 }, "quantized weight[0][0]: computed 1, expected 0"},
		{"input", demos[1], func(v *toy.Vectors) { v.FC.QuantizedInput[3][7] = 0 }, "quantized input[3][7]: computed 1, expected 0"},
		{"bias", demos[1], func(v *toy.Vectors) { v.FC.ShiftedBias[7]++ }, "shifted bias[0][7]: computed -4, expected -3"},
		{"output", demos[1], func(v *toy.Vectors) { v.FC.QuantizedOutput[0][0] = 1 }, "quantized output[0][0]: computed 0, expected 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := toy.Load()
			tt.corrupt(&v)
			path := filepath.Join(t.TempDir(), "figure.png")
			var out bytes.Buffer
			c := &cobra.Command{}
			c.SetOut(&out)
			err := tt.demo.showVectors(c, path, v)
			if err == nil {
				t.Fatal("the demonstration passed")
			}
			if !strings.Contains(out.String(), tt.want) || strings.Contains(out.String(), "passed") {
				t.Errorf("printed:\n%s\nwant %q in it and no claim of success", out.String(), tt.want)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a figure was written all the same")
			}
		})
	}
}
