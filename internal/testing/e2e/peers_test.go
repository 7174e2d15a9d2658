package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/ptq"
)

// peerRounds is how often ours and theirs take turns, each for peerTurn.
const (
	peerRounds = 5
	peerTurn   = 400 * time.Millisecond
)

// BenchmarkPeers runs the same ONNX file here and in ONNX Runtime in turns, float NCHW in and floats out on both sides,
// and reports the images a second of each at the median of the turns' medians, the median ratio, and the ratio of the
// fastest runs. One iteration is all of it: -benchtime=1x. LINQUANT_PEERS names a folder of float ONNX files, such as
// those of make_zoo.py --full, to take instead of the networks with real weights; LINQUANT_PEERS_BATCH the sizes of
// batches, with commas between.
func BenchmarkPeers(b *testing.B) {
	ort.Require(b)
	peers, batches := []*network{}, []int{1, 64}
	if folder := os.Getenv("LINQUANT_PEERS"); folder != "" {
		paths, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
		must(b, err)
		for _, path := range paths {
			peers = append(peers, openNetwork(b, strings.TrimSuffix(filepath.Base(path), ".onnx"), path))
		}
		batches = []int{1, 8}
	} else {
		peers = append(peers, load(b, "vgg"), load(b, "resnet20"))
	}
	if sizes := os.Getenv("LINQUANT_PEERS_BATCH"); sizes != "" {
		batches = nil
		for size := range strings.SplitSeq(sizes, ",") {
			n, err := strconv.Atoi(size)
			must(b, err)
			batches = append(batches, n)
		}
	}
	for _, n := range peers {
		for _, kind := range []string{"int8", "float32"} {
			b.Run(n.name+"/"+kind, func(b *testing.B) { againstPeer(b, n, kind, batches) })
		}
	}
}

func againstPeer(b *testing.B, n *network, kind string, batches []int) {
	g := n.float
	if kind == "int8" {
		g, _ = n.quantizeAny(b, 32, ptq.Config{})
	}
	path := filepath.Join(b.TempDir(), "model.onnx")
	write(b, path, g, onnx.ExportConfig{})
	for _, threads := range []int{1, 2} {
		for _, batch := range batches {
			b.Run(fmt.Sprintf("threads=%d/batch=%d", threads, batch), func(b *testing.B) {
				for b.Loop() {
					alternate(b, n, g, path, threads, batch)
				}
				b.ReportMetric(0, "ns/op") // the time of the whole exercise says nothing
			})
		}
	}
}

func alternate(b *testing.B, n *network, g *graph.Graph, path string, threads, batch int) {
	p := compile(b, g, engine.Config{Threads: threads})
	var inputs [4][]float32
	for i := range inputs {
		inputs[i] = n.images(b, batch)
	}
	var outputs [][]float32
	for _, name := range g.Outputs {
		size := batch
		for _, d := range g.Value(name).Shape[1:] {
			size *= d
		}
		outputs = append(outputs, make([]float32, size))
	}
	var ours, theirs, ratios []float64
	var best [2]float64 // of ours and theirs, for machines that others use too
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
		best[0] = max(best[0], float64(batch)/took[0].Seconds())
		took = ort.Time(b, path, threads, batch, peerTurn)
		theirs = append(theirs, rate(took))
		best[1] = max(best[1], float64(batch)/took[0].Seconds())
		ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
	}
	for _, v := range [][]float64{ours, theirs, ratios} {
		slices.Sort(v)
	}
	b.ReportMetric(ours[len(ours)/2], "ours-img/s")
	b.ReportMetric(theirs[len(theirs)/2], "ort-img/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(best[0]/best[1], "best-ratio")
}
