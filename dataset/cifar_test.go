package dataset

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/testing/datadir"
)

// record is a CIFAR-10 record whose pixels are start, start+1, …
func record(label, start byte) string {
	b := []byte{label}
	for i := range cifarPixels {
		b = append(b, start+byte(i))
	}
	return string(b)
}

const meta = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"

func TestCIFAR10Binary(t *testing.T) {
	dir := folder(t, map[string]string{
		"data_batch_10.bin": record(4, 40),
		"data_batch_2.bin":  record(2, 20) + record(3, 30),
		"data_batch_1.bin":  record(1, 10),
		"test_batch.bin":    record(9, 90),
		"data_batch_1":      "the binary form is preferred",
		"data_batch_x.bin":  "no batch",
		"readme.html":       "",
		"batches.meta.txt":  meta,
	})
	s := mustOpen(t, "cifar10:"+dir, Train)
	if s.Len() != 4 || s.Name() != "cifar10 train" || !s.Pixels() || strings.Join(s.Classes(), "") != "abcdefghij" {
		t.Errorf("%s has %d examples, pixels: %v, classes %q", s.Name(), s.Len(), s.Pixels(), s.Classes())
	}
	for i := range 4 {
		x, label := read(t, s, i)
		if label != i+1 || x[0] != float32(10*(i+1)) || x[1] != x[0]+1 || x[3071] != float32(byte(10*(i+1)+3071)) {
			t.Errorf("example %d has the label %d and the pixels %v … %v", i, label, x[:2], x[3071])
		}
	}
	if _, label := read(t, mustOpen(t, "cifar10:"+dir, ""), 0); label != 9 {
		t.Errorf("without a split the label is %d, not that of the test batch", label)
	}
}

func TestCIFAR10FindsTheArchivesFolder(t *testing.T) {
	dir := folder(t, map[string]string{"cifar-10-batches-bin/test_batch.bin": record(9, 0)})
	s := mustOpen(t, "cifar10:"+dir, Test)
	if x, label := read(t, s, 0); label != 9 || x[1] != 1 {
		t.Errorf("the label is %d", label)
	}
	if s.Classes()[9] != "truck" {
		t.Errorf("without batches.meta.txt class 9 is %q", s.Classes()[9])
	}
}

func TestCIFAR10Refuses(t *testing.T) {
	good := record(1, 0)
	for name, c := range map[string]struct {
		files map[string]string
		split string
		want  []string
	}{
		"truncated":       {map[string]string{"test_batch.bin": good[:3000]}, Test, []string{"test_batch.bin", "3000 bytes", "truncated"}},
		"empty":           {map[string]string{"test_batch.bin": ""}, Test, []string{"test_batch.bin", "0 bytes"}},
		"CIFAR-100":       {map[string]string{"test_batch.bin": good + "x"}, Test, []string{"another data set"}},
		"label":           {map[string]string{"test_batch.bin": good + record(10, 0)}, Test, []string{"test_batch.bin", "example 1", "label 10"}},
		"no batches":      {map[string]string{"x.bin": good}, Test, []string{"no CIFAR-10 batches", "cifar-10-binary.tar.gz"}},
		"no such split":   {map[string]string{"test_batch.bin": good}, Train, []string{"no train batches", ":test"}},
		"not this split":  {map[string]string{"data_batch_3": good}, Test, []string{"no test batches", ":train"}},
		"class names":     {map[string]string{"test_batch.bin": good, "batches.meta.txt": "a\nb\n"}, Test, []string{"batches.meta.txt", "2 class names"}},
		"python":          {map[string]string{"test_batch": "not a pickle"}, Test, []string{"test_batch", "pickle"}},
		"python, empty":   {map[string]string{"test_batch": ""}, Test, []string{"test_batch", "truncated"}},
		"python, list":    {map[string]string{"test_batch": "]."}, Test, []string{"test_batch", "no dict"}},
		"python, imports": {map[string]string{"test_batch": "cos\nsystem\n."}, Test, []string{"test_batch", "os.system"}},
		"python, nothing": {map[string]string{"test_batch": "}."}, Test, []string{"test_batch", `"data"`}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.files)
			s, err := Open(t.Context(), "cifar10:"+dir, c.split)
			if err == nil {
				err = readAll(s)
				s.Close()
			}
			wantError(t, err, append(c.want, dir)...)
		})
	}
}

// A batch of more than 2^30 examples is refused before its labels take memory.
func TestCIFAR10TooLarge(t *testing.T) {
	dir := folder(t, map[string]string{"test_batch.bin": ""})
	if err := os.Truncate(filepath.Join(dir, "test_batch.bin"), (1<<30+1)*cifarRecord); err != nil {
		t.Skip("no files with holes of this size: ", err)
	}
	_, err := Open(t.Context(), "cifar10:"+dir, Test)
	wantError(t, err, "test_batch.bin", "too many")
}

func TestCIFAR10ShrinksWhileOpen(t *testing.T) {
	dir := folder(t, map[string]string{"test_batch.bin": record(1, 0) + record(2, 0)})
	s := mustOpen(t, "cifar10:"+dir, Test)
	if err := os.Truncate(filepath.Join(dir, "test_batch.bin"), 4000); err != nil {
		t.Skip(err) // Windows does not truncate an open file
	}
	_, err := s.Read(t.Context(), 1, make([]float32, cifarPixels))
	wantError(t, err, "test_batch.bin", "example 1")
}

func TestCIFAR10Python(t *testing.T) {
	paths, err := filepath.Glob("testdata/batches/*")
	if err != nil || len(paths) != 5 {
		t.Fatalf("%d batches in testdata: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := folder(t, map[string]string{"cifar-10-batches-py/data_batch_1": string(b), "cifar-10-batches-py/data_batch_2": string(b)})
			s := mustOpen(t, "cifar10:"+dir, Train)
			if s.Len() != 6 {
				t.Fatalf("%d examples, not 6", s.Len())
			}
			for i := range 6 {
				x, label := read(t, s, i)
				if want := []int{3, 9, 0}[i%3]; label != want {
					t.Errorf("example %d has the label %d, not %d", i, label, want)
				}
				for j, v := range x {
					if want := float32((i%3*37 + j*j*7 + j) % 256); v != want {
						t.Fatalf("example %d has %v at %d, not %v", i, v, j, want)
					}
				}
			}
			// Only what Python 3 writes in protocol 2 is encoded, and has to stay in memory.
			inFile := s.(*cifar).batches[0].Closer != nil
			if want := filepath.Base(path) != "numpy1_protocol2"; inFile != want {
				t.Errorf("read from the file: %v, not %v", inFile, want)
			}
		})
	}
}

// A batch cut anywhere is an error, never a panic.
func TestCIFAR10PythonTruncated(t *testing.T) {
	b, err := os.ReadFile("testdata/batches/python2")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); n += 1 + n/8 {
		if _, err := readPythonBatch(bytes.NewReader(b[:n]), int64(n)); err == nil {
			t.Errorf("the first %d bytes are a batch", n)
		}
	}
}

func TestCIFAR10PythonClassNames(t *testing.T) {
	const names = "(dS'label_names'\n(lS'a'\naS'b'\naS'c'\naS'd'\naS'e'\naS'f'\naS'g'\naS'h'\naS'i'\naS'j'\nas."
	dir := folder(t, map[string]string{"test_batch.bin": record(1, 0), "batches.meta": names})
	if s := mustOpen(t, "cifar10:"+dir, Test); strings.Join(s.Classes(), "") != "abcdefghij" {
		t.Errorf("the classes are %q", s.Classes())
	}
	dir = folder(t, map[string]string{"test_batch.bin": record(1, 0), "batches.meta": "}."})
	_, err := Open(t.Context(), "cifar10:"+dir, Test)
	wantError(t, err, "batches.meta", "0 class names")
}

func TestRealCIFAR10(t *testing.T) {
	path := datadir.File(t, "cifar10/test_batch.bin")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "cifar10:"+filepath.Dir(path), Test)
	if s.Len() != 10_000 || len(raw) != 10_000*cifarRecord {
		t.Fatalf("%d examples in %d bytes", s.Len(), len(raw))
	}
	counts := map[string]int{}
	for i := range s.Len() {
		counts[s.Classes()[raw[i*cifarRecord]]]++
	}
	for class, n := range counts {
		if n != 1000 {
			t.Errorf("%d images of %s, not 1000", n, class)
		}
	}
	for _, i := range []int{0, 1, 5000, 9999} {
		x, label := read(t, s, i)
		want := raw[i*cifarRecord:][:cifarRecord]
		if label != int(want[0]) {
			t.Errorf("example %d has the label %d, not %d", i, label, want[0])
		}
		for j, v := range x {
			if v != float32(want[1+j]) {
				t.Fatalf("example %d has %v at %d, not %d", i, v, j, want[1+j])
			}
		}
	}
	// The first test images are known to be these.
	for i, want := range []string{"cat", "ship", "ship", "airplane", "frog"} {
		if _, label := read(t, s, i); s.Classes()[label] != want {
			t.Errorf("image %d is a %s, not a %s", i, s.Classes()[label], want)
		}
	}
	if train := mustOpen(t, "cifar10:"+filepath.Dir(path), Train); train.Len() != 20_000 {
		t.Errorf("%d training examples in two batches", train.Len())
	}
}
