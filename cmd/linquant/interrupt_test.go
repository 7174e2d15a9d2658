package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// stopper ends a context when what is written has the text so often.
type stopper struct {
	bytes.Buffer
	text   string
	times  int
	cancel context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Count(s.String(), s.text) >= s.times {
		s.cancel()
	}
	return n, err
}

// What is finished when a command is interrupted is printed, and sweep goes on from there with --resume.
func TestInterruptedPrintsWhatIsFinished(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.json")
	sweep := func(more ...string) []string {
		return append([]string{"sweep", "builtin", "--limit", "8", "--calib-size", "4", "--weight-bits", "8,4,3", "--resume", file}, more...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := stopper{text: " bits ", times: 4, cancel: cancel} // twice in a row, of weights and of activations
	var stderr bytes.Buffer
	status := run(ctx, sweep(), nil, &out, &stderr)
	if status != 130 || stderr.String() != "linquant: interrupted\n" || !strings.HasSuffix(out.String(), "\n3 of 4 rows are measured\n") {
		t.Fatalf("exit status %d, %q\n%s", status, stderr.String(), out.String())
	}
	rows := func(data []byte) []sweepRow {
		t.Helper()
		var j sweepJSON
		if err := json.Unmarshal(data, &j); err != nil {
			t.Fatal(err)
		}
		return j.Variants
	}
	kept, err := os.ReadFile(file)
	if err != nil || len(rows(kept)) != 3 {
		t.Fatalf("%s, %v", kept, err)
	}
	all := rows(linquant(t, sweep("--json")...))
	if len(all) != 4 || all[3].WeightBits != 3 || all[0].Difference != nil {
		t.Fatalf("%+v", all)
	}
	for i, r := range rows(kept)[1:] { // the same to the images in a second: it was not measured again
		if got := all[i+1]; got.ImagesPerSecond != r.ImagesPerSecond || got.WeightBits != r.WeightBits || *got.Difference != *r.Difference {
			t.Errorf("row %d: %+v, want %+v", i+1, got, r)
		}
	}
	again := strings.Split(string(linquant(t, sweep()...)), "\n")
	if len(again) < 5 || !strings.HasPrefix(again[4], "3 bits   reconstruct  8 bits") {
		t.Errorf("%q", again)
	}
	for _, other := range [][]string{
		{"sweep", "builtin", "--limit", "7", "--calib-size", "4", "--resume", file},
		{"sweep", "builtin", "--limit", "8", "--calib-size", "4", "--mean", "0.5", "--resume", file},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), other, nil, &stdout, &stderr); status != exitFailed || !strings.Contains(stderr.String(), "its rows are of another network, or of other data") {
			t.Errorf("%q: exit status %d, %s", other, status, stderr.String())
		}
	}
	if now, err := os.ReadFile(file); err != nil || !slices.EqualFunc(rows(now), all, func(a, b sweepRow) bool { return a.WeightBits == b.WeightBits }) {
		t.Errorf("%s, %v", now, err)
	}
}

// An interrupt is no problem of the network that inspect would tell of.
func TestInspectInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "digits.onnx")
	linquant(t, "export", "builtin", "-o", file)
	whole := &ending{Context: t.Context(), most: 1 << 20}
	if status := run(whole, []string{"inspect", file}, nil, io.Discard, io.Discard); status != exitOK {
		t.Fatalf("exit status %d", status)
	}
	all := whole.looks.Load()
	for _, looks := range []int32{0, all / 4, all / 2, all - 1} {
		var stdout, stderr bytes.Buffer
		ctx := &ending{Context: t.Context(), most: looks}
		if status := run(ctx, []string{"inspect", file}, nil, &stdout, &stderr); status != 130 || stdout.Len() > 0 {
			t.Errorf("after %d looks of %d: exit status %d, %s%s", looks, all, status, stderr.String(), stdout.String())
		}
	}
}

// ending is a context that ends when it was looked at so often.
type ending struct {
	context.Context
	looks atomic.Int32
	most  int32
}

func (e *ending) Err() error {
	if e.looks.Add(1) > e.most {
		return context.Canceled
	}
	return nil
}

// quantize makes of the layers that --resume keeps the same bytes as without it, and takes none of another run.
func TestQuantizeResumes(t *testing.T) {
	dir := t.TempDir()
	layers, out := filepath.Join(dir, "layers"), filepath.Join(dir, "out.onnx")
	quantize := func(more ...string) []string {
		return append([]string{"quantize", "builtin", "--weight-bits", "3", "--calib-size", "24", "-o", out}, more...)
	}
	made := func(args []string) (file []byte, said string) {
		t.Helper()
		said = string(linquant(t, args...))
		file, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return file, said
	}
	want, _ := made(quantize())
	if got, said := made(quantize("--resume", layers)); !bytes.Equal(got, want) || strings.Contains(said, "finished before") {
		t.Errorf("other bytes, or\n%s", said)
	}
	kept, err := filepath.Glob(filepath.Join(layers, "*"))
	if err != nil || len(kept) < 2 {
		t.Fatalf("%q, %v", kept, err)
	}
	if err := os.Remove(kept[len(kept)-1]); err != nil {
		t.Fatal(err)
	}
	if got, said := made(quantize("--resume", layers)); !bytes.Equal(got, want) || !strings.Contains(said, "finished before") {
		t.Errorf("other bytes, or\n%s", said)
	}
	fails := func(want string, args []string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, nil, &stdout, &stderr); status == 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: exit status %d, %s", args, status, stderr.String())
		}
	}
	fails("of other examples", quantize("--resume", layers, "--calib-size", "25"))
	fails("--resume: layers are kept", quantize("--resume", layers, "--weight-bits", "8"))
	if err := os.WriteFile(kept[0], []byte("codes"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails("layer-0000.safetensors: it is no finished layer", quantize("--resume", layers))
}
