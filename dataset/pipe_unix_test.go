//go:build unix

package dataset

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A pipe in the place of any file is refused, and nobody waits for its writer.
func TestPipes(t *testing.T) {
	image, err := os.ReadFile("testdata/images/rgb.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec  string
		files map[string]string
		pipe  string
	}{
		{"cifar10:", map[string]string{}, "test_batch.bin"},
		{"cifar10:", map[string]string{}, "test_batch"},
		{"cifar10:", map[string]string{"test_batch.bin": record(1, 0)}, "batches.meta.txt"},
		{"cifar10:", map[string]string{"test_batch.bin": record(1, 0)}, "batches.meta"},
		{"idx:", map[string]string{"t10k-labels-idx1-ubyte": idxOf(twoLabels, 2)}, "t10k-images-idx3-ubyte"},
		{"idx:", map[string]string{"t10k-images-idx3-ubyte": idxOf(twoImages, 2, 2, 3)}, "t10k-labels-idx1-ubyte.gz"},
		{"images:", map[string]string{"a/2.png": string(image)}, "a/1.png"},
		{"images:", map[string]string{"a/1.png": string(image)}, "a/2.png"},
		{"npz:", map[string]string{}, ""},
		{"idx:", map[string]string{}, ""},
		{"images:", map[string]string{}, ""},
		{"cifar10:", map[string]string{}, ""},
	} {
		dir := folder(t, c.files)
		path := filepath.Join(dir, c.pipe)
		if c.pipe == "" {
			path = filepath.Join(dir, "pipe")
			dir = path
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
		failed := make(chan error, 1)
		go func() {
			s, err := Open(t.Context(), c.spec+dir, Test)
			if err == nil {
				err = readAll(s)
				s.Close()
			}
			failed <- err
		}()
		select {
		case err := <-failed:
			wantError(t, err, path)
		case <-time.After(10 * time.Second):
			t.Errorf("%s%s waits for a writer", c.spec, c.pipe)
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				f.Close()
			}
		}
	}
	_, err = Open(t.Context(), "npz:"+os.DevNull, "")
	wantError(t, err, os.DevNull, "device", "save the data to a file")
}
