package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// seed adds the files of testdata whose names end in one of the suffixes.
func seed(f *testing.F, suffixes ...string) {
	f.Helper()
	for _, suffix := range suffixes {
		paths, err := filepath.Glob(filepath.Join("testdata", "*"+suffix))
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds *%s: %v", suffix, err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

func seedSafetensors(f *testing.F) {
	f.Add(safetensorsFile(`{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},`+
		`"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}  `, 10))
	f.Add(safetensorsFile(`{}`, 0))
	f.Add(safetensorsFile(`{"__metadata__":{"linquant.bits":"4","linquant.per":"channel","linquant.axis":"0","linquant.packed":"true",`+
		`"linquant.shape.w":"[1, 2]"},"w":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]},`+
		`"w.scale":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}`, 5))
}

// fuzzReader feeds one reader without sniff in between.
func fuzzReader(f *testing.F, read reader) {
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := read(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			readEverything(t, &File{tensors: c.tensors, other: c.other})
		}
	})
}

func FuzzSafetensors(f *testing.F) {
	seedSafetensors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return // sniff lets no shorter file through
		}
		c, err := readSafetensors(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		file := &File{tensors: c.tensors}
		readEverything(t, file)
		// What was accepted can be written, and is then as long as its tensors and header.
		outputs := make([]Output, len(c.tensors))
		for i, x := range c.tensors {
			if x.Name == "" {
				return
			}
			outputs[i] = x.Output()
		}
		if err := WriteSafetensors(io.Discard, c.metadata, outputs); err != nil {
			t.Error(err)
		}
	})
}

func FuzzNPY(f *testing.F) {
	seed(f, ".npy")
	fuzzReader(f, readNPY)
}

func FuzzNPZ(f *testing.F) {
	seed(f, ".npz")
	fuzzReader(f, readNPZ)
}

func FuzzOpen(f *testing.F) {
	seed(f, ".npy", ".npz")
	seedSafetensors(f)
	f.Add(zipOf(f, "a/data.pkl"))
	f.Add(tarOf(f, "pickle"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := openBytes(b)
		if err == nil {
			readEverything(t, file)
		} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v is neither damage nor unsupported", err)
		}
	})
}
