package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"linquant/internal/testing/datadir"
)

// The main jobs on the 37 MB VGG, as whole commands but for starting the process.
func BenchmarkHist32(b *testing.B) { benchmarkCommand(b, "hist", "--bits", "32", "-o", "hist.png") }

func BenchmarkHist4(b *testing.B)    { benchmarkCommand(b, "hist", "--bits", "4", "-o", "hist.png") }
func BenchmarkQuantize(b *testing.B) { benchmarkCommand(b, "quantize", "-o", "q.safetensors") }
func BenchmarkInspect(b *testing.B)  { benchmarkCommand(b, "inspect") }

func benchmarkCommand(b *testing.B, args ...string) {
	vgg, err := filepath.Abs(datadir.File(b, "checkpoints/model_199-1.tar"))
	if err != nil {
		b.Fatal(err)
	}
	b.Chdir(b.TempDir())
	args = append(args, vgg)
	for b.Loop() {
		var stdout, stderr bytes.Buffer
		if status := run(b.Context(), args, nil, &stdout, &stderr); status != exitOK {
			b.Fatalf("exit status %d: %s", status, stderr.String())
		}
	}
}
