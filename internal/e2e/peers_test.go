package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/ort"
	"linquant/onnx"
	"linquant/ptq"
)

// peerRounds is how often ours and theirs take turns, each for peerTurn.
const (
	peerRounds = 5
	peerTurn   = 400 * time.Millisecond
)

// BenchmarkPeers runs the same ONNX file here and in ONNX Runtime in turns, float NCHW in and floats out on both sides, and
// reports the images a second of each at the median of the turns' medians, and the median ratio. One iteration is all of
// it: -benchtime=1x.
func BenchmarkPeers(b *testing.B) {
	ort.Require(b)
	for _, name := range []string{"vgg", "resnet20"} {
		n := load(b, name)
		for _, kind := range []string{"int8", "float32"} {
			g := n.float
			if kind == "int8" {
				g = n.quantize(b, 32, ptq.Config{})
			}
			path := filepath.Join(b.TempDir(), name+"-"+kind+".onnx")
			write(b, path, g, onnx.ExportConfig{})
			for _, threads := range []int{1, 2} {
				for _, batch := range []int{1, 64} {
					b.Run(fmt.Sprintf("%s/%s/threads=%d/batch=%d", name, kind, threads, batch), func(b *testing.B) {
						for b.Loop() {
							alternate(b, n, g, path, threads, batch)
						}
						b.ReportMetric(0, "ns/op") // the time of the whole exercise says nothing
					})
				}
			}
		}
	}
}

func alternate(b *testing.B, n *network, g *graph.Graph, path string, threads, batch int) {
	p := compile(b, g, engine.Config{Threads: threads})
	var inputs [4][]float32
	for i := range inputs {
		inputs[i] = n.images(b, batch)
	}
	outputs := [][]float32{make([]float32, 10*batch)}
	var ours, theirs, ratios []float64
	for range peerRounds {
		var took []time.Duration
		for begin := time.Now(); len(took) < 3 || time.Since(begin) < peerTurn; {
			start := time.Now()
			must(b, p.Run(context.Background(), outputs, [][]float32{inputs[len(took)%len(inputs)]}))
			took = append(took, time.Since(start))
		}
		rate := func(took []time.Duration) float64 {
			slices.Sort(took)
			return float64(batch) / took[len(took)/2].Seconds()
		}
		ours = append(ours, rate(took))
		theirs = append(theirs, rate(ort.Time(b, path, threads, batch, peerTurn)))
		ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
	}
	for _, v := range [][]float64{ours, theirs, ratios} {
		slices.Sort(v)
	}
	b.ReportMetric(ours[len(ours)/2], "ours-img/s")
	b.ReportMetric(theirs[len(theirs)/2], "ort-img/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}
