package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/testing/datadir"
)

// idxOf is an IDX file.
func idxOf(elements string, dims ...uint32) string {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return string(b) + elements
}

func packed(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	twoImages = "abcdefABCDEF"
	twoLabels = "\x07\x02"
)

func TestIDX(t *testing.T) {
	images, labels := idxOf(twoImages, 2, 2, 3), idxOf(twoLabels, 2)
	for name, files := range map[string]map[string]string{
		"plain":     {"t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels},
		"packed":    {"t10k-images-idx3-ubyte.gz": packed(t, images), "t10k-labels-idx1-ubyte.gz": packed(t, labels)},
		"in parts":  {"t10k-images-idx3-ubyte.gz": packed(t, images[:20]) + packed(t, images[20:]), "t10k-labels-idx1-ubyte": labels},
		"mixed":     {"t10k-images.idx3-ubyte": images, "t10k-labels-idx1-ubyte.gz": packed(t, labels)},
		"test":      {"test-images-idx3-ubyte": images, "test-labels-idx1-ubyte": labels},
		"both ways": {"t10k-images-idx3-ubyte": images, "t10k-images-idx3-ubyte.gz": "unused", "t10k-labels-idx1-ubyte": labels},
		"misnamed":  {"t10k-images-idx3-ubyte": packed(t, images), "t10k-labels-idx1-ubyte": labels},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, "idx:"+folder(t, files), "")
			if s.Len() != 2 || s.Shape().String() != "[1, 2, 3]" || !s.Pixels() || s.Classes() != nil || s.Name() != "idx test" {
				t.Errorf("%s has %d examples of shape %v", s.Name(), s.Len(), s.Shape())
			}
			for i, want := range []int{7, 2} {
				x, label := read(t, s, i)
				if label != want {
					t.Errorf("example %d has the label %d, not %d", i, label, want)
				}
				for j, v := range x {
					if v != float32(twoImages[6*i+j]) {
						t.Errorf("example %d has %v at %d", i, v, j)
					}
				}
			}
		})
	}
	dir := folder(t, map[string]string{"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels})
	if s := mustOpen(t, "idx:"+dir+":train", ""); s.Len() != 2 {
		t.Errorf("%d training examples", s.Len())
	}
}

func TestIDXRefuses(t *testing.T) {
	images, labels := idxOf(twoImages, 2, 2, 3), idxOf(twoLabels, 2)
	const imagesName, labelsName = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
	for name, c := range map[string]struct {
		images, labels string
		want           []string
	}{
		"truncated":         {images[:20], labels, []string{imagesName, "truncated"}},
		"too long":          {images + "x", labels, []string{imagesName, "more than the 12 bytes"}},
		"no header":         {images[:15], labels, []string{imagesName, "header of 16"}},
		"empty":             {"", labels, []string{imagesName, "header of 16"}},
		"exchanged":         {labels + labels, images, []string{labelsName, "0x00000803"}},
		"other type":        {"\x00\x00\x0d\x03" + images[4:], labels, []string{imagesName, "0x00000d03", "0x00000803"}},
		"text":              {"<html><head><title>404", labels, []string{imagesName, "of images"}},
		"no pixels":         {idxOf("", 2, 0, 3), labels, []string{imagesName, "dimension 1", "is 0"}},
		"no images":         {idxOf("", 0, 2, 3), labels, []string{imagesName, "dimension 0", "is 0"}},
		"huge":              {idxOf("", 1<<31-1, 8192, 8192), labels, []string{imagesName, "truncated"}},
		"huger":             {idxOf("", 1<<32-1, 1<<31, 1<<31), labels, []string{imagesName, "dimension 0"}},
		"wide":              {idxOf("", 1, 1<<31-1, 1<<31-1), labels, []string{imagesName, "dimension 1"}},
		"huge, packed":      {packed(t, idxOf("", 1<<31-1, 8192, 8192)), labels, []string{imagesName, "more than"}},
		"packed, truncated": {packed(t, images)[:30], labels, []string{imagesName, "damaged or truncated"}},
		"packed, short":     {packed(t, images[:20]), labels, []string{imagesName, "truncated"}},
		"packed, long":      {packed(t, images+strings.Repeat("x", 100)), labels, []string{imagesName, "more than the 12 bytes"}},
		"label missing":     {images, idxOf("\x01", 1), []string{imagesName, labelsName, "2 images", "1 labels"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), "idx:"+folder(t, map[string]string{imagesName: c.images, labelsName: c.labels}), Test)
			wantError(t, err, c.want...)
		})
	}
	dir := folder(t, map[string]string{imagesName: images})
	_, err := Open(t.Context(), "idx:"+dir, Test)
	wantError(t, err, dir, labelsName, "put the labels")
	_, err = Open(t.Context(), "idx:"+dir, Train)
	wantError(t, err, dir, "train-images-idx3-ubyte", ":test")
}

func TestRealMNIST(t *testing.T) {
	s := mustOpen(t, "idx:"+filepath.Dir(datadir.File(t, "mnist/t10k-images-idx3-ubyte.gz")), Test)
	if s.Len() != 10_000 || s.Shape().String() != "[1, 28, 28]" {
		t.Fatalf("%d examples of shape %v", s.Len(), s.Shape())
	}
	sum := 0.0
	counts := make([]int, 10)
	for i := range s.Len() {
		x, label := read(t, s, i)
		counts[label]++
		for _, v := range x {
			sum += float64(v)
		}
	}
	// Published figures of the test set: its mean, and how often each digit is there.
	if mean := sum / 255 / float64(s.Len()*28*28); mean < 0.1325 || mean > 0.1326 {
		t.Errorf("the mean is %v, not 0.1325", mean)
	}
	for digit, want := range []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009} {
		if counts[digit] != want {
			t.Errorf("%d times the digit %d, not %d", counts[digit], digit, want)
		}
	}
}
