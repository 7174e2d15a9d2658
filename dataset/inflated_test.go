package dataset

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// strokes is n pictures of 28×28, black ones with some lines, of which few are the same; on is the value of a lit pixel.
func strokes[T uint8 | float32](n int, on T) []T {
	x := make([]T, 784*n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		for range 6 {
			at := 784*i + 28*rng.IntN(28) + rng.IntN(20)
			for j := range 2 + rng.IntN(7) {
				x[at+j] = on
			}
		}
	}
	return x
}

// compressed writes an npz as numpy.savez_compressed does, of arrays by name: what stands in the header, and the elements.
func compressed(t testing.TB, arrays ...[3]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.npz")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) })
	for _, a := range arrays {
		w, err := z.CreateHeader(&zip.FileHeader{Name: a[0] + ".npy", Method: zip.Deflate})
		if err == nil {
			_, err = w.Write([]byte("\x93NUMPY\x01\x00" + string([]byte{byte(len(a[1])), byte(len(a[1]) >> 8)}) + a[1] + a[2]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func npyHeader(descr, fortran, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, fortran, shape)
}

// littleEndian is floats as they are stored.
func littleEndian(x []float32) string {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// Pictures that shrink more than 20 times are data, of which as many are inflated as are asked for, and of those a window
// stays in memory.
func TestCompressedPictures(t *testing.T) {
	const n = 30_000
	want := strokes[float32](n, 0.75)
	path := compressed(t, [3]string{"x", npyHeader("<f4", "False", fmt.Sprintf("%d, 1, 28, 28", n)), littleEndian(want)},
		[3]string{"y", npyHeader("|u1", "False", fmt.Sprintf("%d,", n)), strings.Repeat("\x05", n)})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := 4 * int64(len(want)) / info.Size(); ratio < 20 {
		t.Fatalf("it shrinks to 1 in %d", ratio)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := mustOpen(t, "npz:"+path, "")
	in := s.(*arrays).parts[0].of.data.(*inflated)
	for b, err := range Each(t.Context(), Limit(s, 256), 64) {
		if err != nil || !slices.Equal(b.X, want[784*b.First:784*(b.First+b.N)]) || b.Labels[3] != 5 {
			t.Fatalf("batch at %d: %v", b.First, err)
		}
	}
	if in.have > 256*784*4+1<<20 {
		t.Errorf("%d bytes are inflated for 256 examples", in.have)
	}
	for b, err := range Each(t.Context(), s, 64) {
		if err != nil || !slices.Equal(b.X, want[784*b.First:784*(b.First+b.N)]) {
			t.Fatalf("batch at %d: %v", b.First, err)
		}
	}
	for _, i := range []int{n - 1, 0, n / 2, n/2 - 1, n/2 + 1000, 5} { // four times from the start
		if x, label := read(t, s, i); !slices.Equal(x, want[784*i:784*(i+1)]) || label != 5 {
			t.Errorf("example %d differs", i)
		}
	}
	runtime.ReadMemStats(&after)
	if took := int64(after.TotalAlloc - before.TotalAlloc); took > 20<<20+6*info.Size() {
		t.Errorf("%d bytes were allocated for a file of %d", took, info.Size())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Read(ctx, 0, make([]float32, 784)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The same of an IDX file.
func TestCompressedIDX(t *testing.T) {
	const n = 60_000
	want := strokes[uint8](n, 200)
	images := packed(t, idxOf(string(want), n, 28, 28))
	if ratio := len(want) / len(images); ratio < 10 {
		t.Fatalf("it shrinks to 1 in %d", ratio)
	}
	s := mustOpen(t, "idx:"+folder(t, map[string]string{
		"t10k-images-idx3-ubyte.gz": images, "t10k-labels-idx1-ubyte.gz": packed(t, idxOf(strings.Repeat("\x05", n), n)),
	}), "")
	in := s.(*idx).images.data.(*inflated)
	if len(in.data) >= len(want) {
		t.Errorf("all %d bytes have room", len(want))
	}
	for _, i := range []int{0, n - 1, n - 2, 1, n / 2} {
		x, _ := read(t, s, i)
		for j, v := range x {
			if v != float32(want[784*i+j]) {
				t.Fatalf("pixel %d of image %d is %v", j, i, v)
			}
		}
	}
}

// Arrays of every type and order read the same compressed or not.
func TestCompressedOrders(t *testing.T) {
	raw := make([]byte, 960)
	for i := range raw {
		raw[i] = byte(i*i) & 0x3f
	}
	for _, descr := range []string{"<f4", ">f4", "<f8", ">i2", "|u1"} {
		for _, fortran := range []string{"True", "False"} {
			header := npyHeader(descr, fortran, fmt.Sprintf("5, 2, %d", 96/int(descr[2]-'0')))
			a := mustOpen(t, "npz:"+compressed(t, [3]string{"x", header, string(raw)}), "")
			b := mustOpen(t, "npz:"+filepath.Join(folder(t, map[string]string{
				"x.npy": "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + string(raw),
			}), "x.npy"), "")
			for _, i := range []int{4, 0, 2, 3, 1} {
				x, _ := read(t, a, i)
				y, _ := read(t, b, i)
				if !slices.Equal(x, y) {
					t.Errorf("%s, column-major %s: example %d differs", descr, fortran, i)
				}
			}
		}
	}
}

// A window that is much smaller than the data yields the same, in any order and to many at once.
func TestInflatedInAnyOrder(t *testing.T) {
	want := make([]byte, 50_000)
	for i := range want {
		want[i] = byte(i ^ i>>8)
	}
	opened := 0
	for _, window := range []int64{100, 1000, 49_999, 50_000} {
		in := newInflated(0, int64(len(want)), 1, func() (io.ReadCloser, error) {
			opened++
			return io.NopCloser(bytes.NewReader(want)), nil
		}, func(have int64) error { return fmt.Errorf("%d bytes", have) })
		in.data = make([]byte, window)
		var wait sync.WaitGroup
		for worker := range 4 {
			wait.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(worker), uint64(window)))
				for range 20 {
					from := rng.IntN(len(want))
					p := make([]byte, rng.IntN(min(len(want)-from, 3000))+1)
					if err := in.read(t.Context(), p, int64(from)); err != nil || !bytes.Equal(p, want[from:from+len(p)]) {
						t.Errorf("window of %d, %d bytes from %d: %v", window, len(p), from, err)
					}
				}
			})
		}
		wait.Wait()
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	if opened < 10 {
		t.Errorf("opened %d times", opened)
	}
	// One who waits for another's turn ends with the context.
	in := newInflated(0, 1, 1, nil, nil)
	in.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.read(ctx, make([]byte, 1), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Bombs are refused when they are opened, and so is what takes too long in other ways.
func TestCompressedRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(path, made(t, "data, bomb")["file.npz"], 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), "npz:"+path, "")
	wantError(t, err, path, "inflate to more", "numpy.savez")
	for shape, n := range map[string]int{"2, 8500000": 17_000_000, "8500000, 1": 8_500_000, "1, 8500000": 8_500_000} {
		path := compressed(t, [3]string{"x", npyHeader("|u1", "False", shape), strings.Repeat("\x00", n)})
		_, err := Open(t.Context(), "npz:"+path, "")
		wantError(t, err, path, "numpy.savez")
	}
	labels := [3]string{"y", npyHeader("<i8", "False", "1100000,"), strings.Repeat("\x00", 8_800_000)}
	path = compressed(t, [3]string{"x", npyHeader("|u1", "False", "1100000, 1"), strings.Repeat("\x00", 1_100_000)}, labels)
	_, err = Open(t.Context(), "npz:"+path, "")
	wantError(t, err, path, `"y"`, "numpy.savez")
}
