package checkpoint

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestConcurrentReads reads every tensor of every layout from several goroutines. The race detector is the judge.
func TestConcurrentReads(t *testing.T) {
	for _, name := range []string{
		"torch.zip.pt", "torch.legacy.pt", "stored.npz", "compressed.npz", "fortran_f4.npy", "big_fortran_i2.npy",
	} {
		f, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				readEverything(t, f)
				f.Tensor("no such name")
			})
		}
		readers.Wait()
		f.Close()
	}
}

// TestOpenShrunk cuts a file short after it was opened.
func TestOpenShrunk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.npy")
	if err := os.WriteFile(path, fixture(t, "fortran_f4.npy"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, f.Size-1); err != nil {
		t.Fatal(err)
	}
	_, err = f.Tensors()[0].Read()
	wantError(t, err, "model.npy", arrayName, "truncated")
}
