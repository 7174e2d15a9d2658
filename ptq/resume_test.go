package ptq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
)

// resumes is a network that is reconstructed with a folder of finished layers.
type resumes struct {
	t       *testing.T
	g       *graph.Graph
	cfg     ptq.Config
	ranges  calib.Ranges
	dynamic bool
}

func newResumes(t *testing.T, dynamic bool) *resumes {
	n, g := residual(t)
	examples, _, _ := examplesFor(t, n, 3*8*8, 48)
	r := &resumes{t: t, g: g, cfg: ptq.Config{WeightBits: 2, Examples: examples}, dynamic: dynamic}
	r.ranges = rangesOf(t, g, r.cfg)
	return r
}

// quantize quantizes the network, and ends the context once so many layers are done, unless that is less than 0.
func (r *resumes) quantize(cfg ptq.Config, end int) (*graph.Graph, *ptq.NetworkReport, error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	cfg.Progress = func(p ptq.Progress) {
		if p.Done == end {
			cancel()
		}
	}
	if r.dynamic {
		return ptq.Dynamic(ctx, r.g, cfg)
	}
	return ptq.Quantize(ctx, r.g, r.ranges, cfg)
}

// constants are those of a network, as text.
func constants(g *graph.Graph) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.Values)) {
		if v := g.Values[name]; v.Const != nil {
			fmt.Fprintf(&b, "%s %v %v %x\n", name, v.Const.Shape, v.Quant, v.Const.Data)
		}
	}
	return b.String()
}

// Ended after any number of layers and made again, a network is the same to the bit, and its report too.
func TestResume(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		r := newResumes(t, dynamic)
		want, report, err := r.quantize(r.cfg, -1)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []int{0, 1, 4, 5} {
			cfg := r.cfg
			cfg.Resume = filepath.Join(t.TempDir(), "layers")
			if _, _, err := r.quantize(cfg, end); !errors.Is(err, context.Canceled) {
				t.Fatalf("%d layers: %v", end, err)
			}
			files, err := os.ReadDir(cfg.Resume)
			if err != nil || len(files) != end {
				t.Errorf("of %d layers %d are kept, %v", end, len(files), err)
			}
			for _, resumed := range []int{end, len(report.Layers)} {
				q, again, err := r.quantize(cfg, -1)
				if err != nil {
					t.Fatal(err)
				}
				if again.Resumed != resumed || constants(q) != constants(want) {
					t.Errorf("dynamic %v, ended after %d layers: %d are taken, want %d; other codes: %v", dynamic, end, again.Resumed, resumed,
						constants(q) != constants(want))
				}
				if again.Resumed = 0; fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", report) {
					t.Errorf("the report is\n%+v\nwant\n%+v", again, report)
				}
			}
		}
	}
}

// Layers of another network, of other examples, of another configuration or on other layers are refused; what changes nothing, is not.
func TestResumeOtherRun(t *testing.T) {
	r := newResumes(t, false)
	r.cfg.Resume = t.TempDir()
	if _, _, err := r.quantize(r.cfg, -1); err != nil {
		t.Fatal(err)
	}
	n, _ := residual(t)
	for name, change := range map[string]func(*resumes){
		"bits":     func(r *resumes) { r.cfg.WeightBits = 3 },
		"override": func(r *resumes) { r.cfg.Overrides = []ptq.Override{{Pattern: "fc", WeightBits: 8}} },
		"tensor":   func(r *resumes) { r.cfg.PerTensor = true },
		"method":   func(r *resumes) { r.cfg.WeightMethod = ptq.Reconstruct{Seed: 1} },
		"alone":    func(r *resumes) { r.cfg.Alone = true },
		"dynamic":  func(r *resumes) { r.dynamic = true },
		"examples": func(r *resumes) { r.cfg.Examples, _, _ = examplesFor(t, n, 3*8*8, 72) },
		"ranges":   func(r *resumes) { r.ranges["a.y"] = calib.Range{Lo: -9, Hi: 9}; r.ranges["ra.y"] = r.ranges["a.y"] },
		"network": func(r *resumes) {
			r.g = r.g.Clone()
			w := *r.g.Value("fc.w").Const
			w.Data = bytes.Clone(w.Data)
			w.Data[0] ^= 1
			r.g.AddConst("fc.w", w)
		},
		"attribute": func(r *resumes) { r.g = r.g.Clone(); r.g.Nodes[0].Attrs = graph.Attrs{"pads": []int{2, 0, 0, 2}} },
	} {
		other := *r
		other.ranges = maps.Clone(r.ranges)
		change(&other)
		var of *ptq.ResumeError
		if _, _, err := other.quantize(other.cfg, -1); !errors.As(err, &of) || !errors.Is(err, ptq.ErrOtherRun) || filepath.Dir(of.Path) != r.cfg.Resume {
			t.Errorf("%s: %v", name, err)
		}
	}
	same := *r
	same.cfg.WeightMethod = ptq.Reconstruct{Threads: 3, Samples: 1 << 15}
	if _, report, err := same.quantize(same.cfg, -1); err != nil || report.Resumed != len(report.Layers) {
		t.Errorf("with the same parameters, said: %v", err)
	}
	// A layer that comes to something else is no layer for those behind it.
	first := filepath.Join(r.cfg.Resume, "layer-0000.safetensors")
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if _, report, err := r.quantize(r.cfg, -1); err != nil || report.Resumed != len(report.Layers)-1 {
		t.Errorf("one layer is missing: %v", err)
	}
}

// A file that is damaged, or none of a layer, is an error that names it; so is a folder that cannot be used, and one that is full.
func TestResumeDamaged(t *testing.T) {
	r := newResumes(t, false)
	dir := t.TempDir()
	r.cfg.Resume = dir
	if _, _, err := r.quantize(r.cfg, 3); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "layer-0001.safetensors")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for name, content := range map[string][]byte{
		"empty": {}, "cut": whole[:len(whole)-3], "head": whole[:20], "flipped": flipped, "text": []byte("codes"),
		"no key":   bytes.Replace(whole, []byte("linquant.key"), []byte("linquant.yek"), 1),
		"no sum":   bytes.Replace(whole, []byte("linquant.sha256"), []byte("linquant.sha257"), 1),
		"no codes": bytes.Replace(whole, []byte(`"codes"`), []byte(`"sedoc"`), 1),
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		var of *ptq.ResumeError
		_, _, err := r.quantize(r.cfg, -1)
		if !errors.As(err, &of) || of.Path != path || strings.Count(err.Error(), path) != 1 || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, folder := range map[string]string{"a file": path, "below a file": filepath.Join(path, "x"), "nowhere": filepath.Join(dir, "a", "b")} {
		r.cfg.Resume = folder
		var of *ptq.ResumeError
		if _, _, err := r.quantize(r.cfg, -1); !errors.As(err, &of) || of.Path != folder || strings.Count(err.Error(), folder) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.cfg.Resume = filepath.Join(dir, "gone")
	cfg := r.cfg
	cfg.Progress = func(p ptq.Progress) {
		if p.Done == 2 {
			_ = os.RemoveAll(cfg.Resume)
		}
	}
	var of *ptq.ResumeError
	if _, _, err := ptq.Quantize(t.Context(), r.g, r.ranges, cfg); !errors.As(err, &of) || !strings.Contains(err.Error(), "cannot be kept") {
		t.Errorf("a folder that is gone: %v", err)
	}
	r.cfg.WeightMethod = ptq.AbsMax{}
	var field *ptq.ConfigError
	if _, _, err := r.quantize(r.cfg, -1); !errors.As(err, &field) || field.Field != "Resume" {
		t.Errorf("nearest: %v", err)
	}
}
