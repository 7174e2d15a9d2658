package dataset

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linquant/internal/testing/hostile"
	"linquant/tensor"
)

// made returns the hostile file of that name.
func made(t testing.TB, name string) map[string][]byte {
	t.Helper()
	for _, f := range hostile.All() {
		if f.Name == name {
			return f.Make()
		}
	}
	t.Fatalf("there is no file %q", name)
	return nil
}

// What is too much work is said to be, and what is not is decoded.
func TestPictureLimits(t *testing.T) {
	hostile.RequirePlain(t)
	for name, want := range map[string][]string{
		"jpeg of 5000 scans, 5792×5792, 1 components":  {"5000 scans", "without progression"},
		"jpeg of 12000 scans, 65500×500, 1 components": {"12000 scans"},
		"jpeg of 30000 scans, 1000×1000, 4 components": {"30000 scans"},
		"jpeg of 40 scans, 3000×3000, 3 components":    nil, // 5.6 million blocks
		"jpeg of 30000 scans, 64×64, 1 components":     nil, // 1.9 million
		"jpeg of 9 scans, 5792×5792, 3 components":     {"takes", "MB to decode", "progression"},
		"jpeg of 1 scans, 5792×5792, 4 components":     {"takes"},
		"jpeg of scans behind a restart":               {"scans", "without progression"},
		"png bomb, depth 16, colour 6, interlace 1":    {"takes", "interlacing"},
		"png bomb, depth 16, colour 6, interlace 0":    nil,
		"png, a row of 33 million":                     nil,
		"png of chunks":                                nil,
		"png, text bomb":                               nil,
		"webp, a chunk of 2 GB":                        {"does not decode", "unexpected EOF"},
		"jpeg, 65535×65535":                            {"more than the 33554432"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadImage(t.Context(), bytes.NewReader(made(t, name)["file"]), ImageConfig{})
			if want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, want...)
			if tooLarge := !strings.HasPrefix(name, "webp"); errors.Is(err, ErrTooLarge) != tooLarge {
				t.Errorf("%v is of the wrong kind", err)
			}
		})
	}
	if have, want := (bound{pixels: 2 * defaultPixels}).memory(), (bound{pixels: 5}).memory(); have != 2*want {
		t.Errorf("twice the pixels may take %d bytes, the usual ones %d", have, want)
	}
	endless := io.MultiReader(strings.NewReader(pngOf(t, 6, 4, color.White)), zeros{})
	_, err := ReadImage(t.Context(), endless, ImageConfig{})
	wantError(t, err, "6×4", "has more than 223 MB", "beside the pixels")
	notes := io.MultiReader(strings.NewReader("\xff\xd8"), ones{})
	if _, err := ReadImage(t.Context(), notes, ImageConfig{}); err == nil {
		t.Error("a header without end is an image")
	}
	// The rows that a resize makes count.
	tall := made(t, "png, a column of 33 million")["file"]
	_, err = ReadImage(t.Context(), bytes.NewReader(tall), ImageConfig{Height: 1, Width: 1, Stretch: true})
	wantError(t, err, "takes", "1×33000000")
}

type (
	zeros struct{}
	ones  struct{}
)

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (ones) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

// Reading and decoding end with the context, long before they would be done.
func TestReadImageEndsWithContext(t *testing.T) {
	hostile.RequirePlain(t)
	why := errors.New("no more time")
	data := made(t, "png bomb, depth 16, colour 6, interlace 0")["file"]
	began := time.Now()
	if _, err := ReadImage(t.Context(), bytes.NewReader(data), ImageConfig{Height: 224, Width: 224}); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	for _, part := range []float64{0, 0.05, 0.5, 0.8} {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Duration(part*float64(whole)), func() { cancel(why) })
		began := time.Now()
		_, err := ReadImage(ctx, bytes.NewReader(data), ImageConfig{Height: 224, Width: 224})
		if took := time.Since(began); !errors.Is(err, why) && (part < 0.5 || err != nil) || part < 0.5 && took > whole/2 {
			t.Errorf("ended after %.0f%% of %v, it took %v, error %v", 100*part, whole, took, err)
		}
		cancel(nil)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	read := 0
	_, err := ReadImage(ctx, readerFunc(func(p []byte) (int, error) {
		if read += copy(p, data[read:min(read+100, len(data))]); read > 1000 {
			cancel(why)
		}
		return min(100, len(p)), nil
	}), ImageConfig{})
	if !errors.Is(err, why) || read > 2000 {
		t.Errorf("after %d bytes: %v", read, err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The loops over pixels end with the context too.
func TestPixelsEndWithContext(t *testing.T) {
	why := errors.New("no more time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	b := newBitmap(3, 4, 4)
	_, errRows := b.resizeRows(ctx, 2)
	_, errColumns := b.resizeColumns(ctx, 2)
	_, errHold := holds(ctx, nil, 0, []byte("x"))
	_, errAt := sourceAt{ctx, strings.NewReader("x")}.ReadAt(make([]byte, 1), 0)
	for what, err := range map[string]error{"rows": errRows, "columns": errColumns, "holds": errHold, "sourceAt": errAt} {
		if !errors.Is(err, why) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A compressed IDX file may have 16 MiB and six times its bytes, and one image half as much and its bytes.
func TestInflatedLimits(t *testing.T) {
	hostile.RequirePlain(t)
	names := []string{"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}
	for _, c := range []struct {
		n, rows, columns int
		want             string
	}{
		{2000, 80, 100, ""},          // 16,000,000
		{2200, 80, 100, "gunzip"},    // 17,600,000
		{1, 4000, 2000, ""},          // 8,000,000
		{1, 4500, 2000, "gunzip"},    // 9,000,000
		{2, 4500, 1800, ""},          // 8,100,000 each
		{20_000, 100, 100, "gunzip"}, // 200,000,000
	} {
		images := packed(t, idxOf(strings.Repeat("\x07", c.n*c.rows*c.columns), uint32(c.n), uint32(c.rows), uint32(c.columns)))
		dir := folder(t, map[string]string{names[0]: images, names[1]: packed(t, idxOf(strings.Repeat("\x01", c.n), uint32(c.n)))})
		s, err := Open(t.Context(), "idx:"+dir, Test)
		if c.want != "" {
			wantError(t, err, names[0], c.want)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if x, label := read(t, s, c.n-1); x[len(x)-1] != 7 || label != 1 {
			t.Errorf("%v: label %d", c, label)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	// What does not shrink may have six times as much: no more than 16 MiB would be too little.
	noise := make([]byte, 20_000_000)
	state := uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state>>24) & 3
	}
	dir := folder(t, map[string]string{names[0]: packed(t, idxOf(string(noise), 20, 1000, 1000)), names[1]: packed(t, idxOf(strings.Repeat("\x01", 20), 20))})
	mustOpen(t, "idx:"+dir, "")
}

// A compressed IDX file is inflated as far as it is asked for: damage behind that is nobody's matter, until it is.
func TestInflatedOnDemand(t *testing.T) {
	const n, size = 4000, 1000
	pixels := make([]byte, n*size)
	state := uint32(7)
	for i := range pixels {
		state = state*1664525 + 1013904223
		pixels[i] = byte(state >> 24)
	}
	labels := packed(t, idxOf(strings.Repeat("\x01", n), n))
	for name, at := range map[string]int{"data": 3_900_000, "checksum": -5} {
		images := []byte(packed(t, idxOf(string(pixels), n, 20, 50)))
		if at < 0 {
			at += len(images)
		}
		images[at] ^= 0x10
		s := mustOpen(t, "idx:"+folder(t, map[string]string{"t10k-images-idx3-ubyte.gz": string(images), "t10k-labels-idx1-ubyte.gz": labels}), "")
		if x, _ := read(t, s, 1000); x[3] != float32(pixels[1000*size+3]) {
			t.Errorf("%s: pixel %v", name, x[3])
		}
		if name == "data" && s.(*idx).images.data.(*inflated).have > 3<<20 {
			t.Error("more than what was asked for is inflated")
		}
		if at == 3_900_000 {
			continue // stored as it is, so that only the checksum tells
		}
		_, err := s.Read(t.Context(), n-1, make([]float32, size))
		wantError(t, err, "image 3999", "damaged or truncated", "download it again")
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := mustOpen(t, "idx:"+folder(t, map[string]string{
		"t10k-images-idx3-ubyte.gz": packed(t, idxOf(string(pixels), n, 20, 50)), "t10k-labels-idx1-ubyte.gz": labels,
	}), "")
	cancel()
	if _, err := s.Read(ctx, n-1, make([]float32, size)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if x, _ := read(t, s, n-1); x[0] != float32(pixels[(n-1)*size]) { // another context, another try
		t.Errorf("pixel %v", x[0])
	}
}

// A batch has at most 8 million values, where an example has no more.
func TestEachBoundsValues(t *testing.T) {
	s := shaped{counted{n: 5, broken: -1}, 3 << 20}
	for b, err := range Each(t.Context(), s, 64) {
		if err != nil || b.N > 2 || len(b.X) != b.N*3<<20 {
			t.Fatalf("%d examples, %d values: %v", b.N, len(b.X), err)
		}
	}
}

// Long texts that a pickle mentions over and over are not copied for each mention.
func TestPickledTexts(t *testing.T) {
	long := strings.Repeat("k", maxText+1)
	if _, ok := text(long); ok || is([]byte(long), long) || !is([]byte("data"), "data") || !is("data", "data") {
		t.Error("a long text is one")
	}
	if allocated := testing.AllocsPerRun(10, func() { is([]byte(long), "data") }); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
	dir := folder(t, map[string]string{
		"test_batch.bin": record(1, 0),
		"batches.meta":   "\x80\x02}(U\x0blabel_names](" + strings.Repeat("U\x01x", 100_000) + "eu.",
	})
	_, err := Open(t.Context(), "cifar10:"+dir, Test)
	wantError(t, err, "20 class names") // as many as are looked at
}

// What is wrong with labels is said with the way out, and the file once.
func TestNPZDamage(t *testing.T) {
	hostile.RequirePlain(t)
	path := filepath.Join(t.TempDir(), "x.npz")
	whole := made(t, "data, labels of 2 million")["file.npz"]
	for at := len(whole) - 300; at > len(whole)-3000; at -= 97 {
		b := bytes.Clone(whole)
		b[at] ^= 0xff
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), "npz:"+path, "")
		if err == nil {
			err = errors.Join(readAll(s), s.Close()) // of the examples, of which opening reads none
		}
		if err != nil {
			wantError(t, err, path)
			if strings.Count(err.Error(), path) != 1 || !strings.ContainsAny(err.Error(), ";:") || !remedied(err) {
				t.Errorf("byte %d: %v", at, err)
			}
		} else {
			t.Errorf("byte %d is damaged, and nothing notices", at)
		}
	}
}

func remedied(err error) bool {
	for _, way := range []string{"copy or download", "save ", "leave ", "archive is damaged"} {
		if strings.Contains(err.Error(), way) {
			return true
		}
	}
	return false
}

// shaped is a set whose examples are long.
type shaped struct {
	counted
	size int
}

func (s shaped) Shape() tensor.Shape { return tensor.Shape{s.size} }
