package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"linquant/internal/inflation"
	"linquant/internal/testing/hostile"
	"linquant/tensor"
)

// metered counts the bytes that are read.
type metered struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *metered) ReadAt(p []byte, offset int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, offset)
	c.n.Add(int64(n))
	return n, err
}

// strokes is the elements of n pictures of 28×28 floats: a black one with some lines, of which no two are the same.
func strokes(n int) []byte {
	b := make([]byte, 4*784*n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		for range 6 {
			row, column, length := rng.IntN(28), rng.IntN(20), 2+rng.IntN(7)
			for j := range length {
				binary.LittleEndian.PutUint32(b[4*(784*i+28*row+column+j):], 0x3f800000)
			}
		}
	}
	return b
}

// A file of pictures that shrink well is named without being inflated, and inflates in order; in memory it is too large.
func TestStreamOfPictures(t *testing.T) {
	hostile.RequirePlain(t)
	const n = 30_000
	want := strokes(n)
	header := npyFile(fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 1, 28, 28), }", n), 0)
	b := zipWith(t, 8, member{"x.npy", string(header) + string(want)}, member{"z.npy", string(header) + string(want)})
	size := int64(len(b))
	if ratio := 2 * int64(len(want)) / size; ratio < 20 || 2*int64(len(want)) > inflation.Streamed(size) {
		t.Fatalf("it shrinks to 1 in %d", ratio)
	}
	r := &metered{ReaderAt: bytes.NewReader(b)}
	f, err := New(r, size, "x.npz")
	if err != nil {
		t.Fatal(err)
	}
	x, z := f.Tensors()[0], f.Tensors()[1]
	if x.Shape.String() != "[30000, 1, 28, 28]" || x.DType != tensor.Float32 || r.n.Load() > 100_000 {
		t.Errorf("%v of %v after %d of %d bytes", x.Shape, x.DType, r.n.Load(), size)
	}
	for range 2 { // a second time is free
		s, err := x.Stream()
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(io.LimitReader(s, 10_000), want[:10_000]); err != nil {
			t.Error(err)
		}
		rest, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(rest, want[10_000:]) {
			t.Errorf("%d bytes, %v", len(rest), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if s, err := z.Stream(); err != nil {
		t.Error(err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, err = x.Read()
	wantError(t, err, `"x"`, "94080000 bytes", fmt.Sprint(40<<20+7*size), "numpy.savez")
	_, err = x.Float32s(nil)
	wantError(t, err, `"x"`, "numpy.savez")
}

// What all arrays inflate to together is bounded, and what was refused spends nothing.
func TestStreamBudget(t *testing.T) {
	array := func(n int) string {
		return string(npyFile(fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", n), n))
	}
	f := mustOpen(t, zipWith(t, 8, member{"a.npy", array(9 << 20)}, member{"b.npy", array(9 << 20)}, member{"c.npy", array(6 << 20)}))
	all := f.Tensors()
	for i, ok := range []bool{true, false, true} {
		s, err := all[i].Stream()
		if (err == nil) != ok {
			t.Fatalf("array %d: %v", i, err)
		}
		if err != nil {
			wantError(t, err, `"b"`, "inflate to more", "numpy.savez")
			continue
		}
		s.Close()
	}
	for i, ok := range map[int]bool{0: true, 1: true, 2: true} { // as bytes they all fit
		if _, err := all[i].Read(); (err == nil) != ok {
			t.Error(err)
		}
	}
	if _, err := all[2].Float32s(nil); err == nil { // 9 + 9 + 30 MiB
		t.Error("more floats than there is room for")
	}
}

// A stream yields what Read does, of every kind of tensor.
func TestStreamIsRead(t *testing.T) {
	elements := make([]byte, 240)
	for i := range elements {
		elements[i] = byte(7 * i)
	}
	for _, descr := range []string{"<f4", ">f4", ">i8", "|u1", ">c8", "<f2"} {
		n := 240 / int(descr[2]-'0')
		for _, fortran := range []string{"True", "False"} {
			array := string(npyFile(fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (2, %d), }", descr, fortran, n/2), 0)) + string(elements)
			for what, file := range map[string][]byte{
				"npy": []byte(array), "stored": zipWith(t, 0, member{"x.npy", array}), "deflated": zipWith(t, 8, member{"x.npy", array}),
			} {
				x := mustOpen(t, file).Tensors()[0]
				want, err := x.Read()
				if err != nil {
					t.Fatal(err)
				}
				s, err := x.Stream()
				if err != nil {
					t.Fatal(err)
				}
				if err := iotest.TestReader(s, want.Data); err != nil {
					t.Errorf("%s, %s, column-major %s: %v", descr, what, fortran, err)
				}
				at, lies := s.(io.ReaderAt)
				if lies != (fortran == "True" || what != "deflated" && descr[0] != '>') {
					t.Errorf("%s, %s, column-major %s: lies as it is: %v", descr, what, fortran, lies)
				}
				if lies {
					part := make([]byte, 10)
					if _, err := at.ReadAt(part, 101); err != nil || !bytes.Equal(part, want.Data[101:111]) {
						t.Errorf("%s, %s: %v, %v", descr, what, part, err)
					}
				}
			}
		}
	}
}

// Damage is found where it stands, or at the end.
func TestStreamDamage(t *testing.T) {
	array := string(npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (90000,), }", 0)) + strings.Repeat("0123456789abcdefgh", 5000)
	whole := zipWith(t, 8, member{"x.npy", array})
	for at := 150; at < 300; at += 17 {
		b := bytes.Clone(whole)
		b[at] ^= 0xff
		f, err := openBytes(b)
		if err == nil {
			var s io.ReadCloser
			if s, err = f.Tensors()[0].Stream(); err == nil {
				_, err = io.Copy(io.Discard, s)
			}
		}
		wantError(t, err, `"x"`, "copy or download")
	}
}
