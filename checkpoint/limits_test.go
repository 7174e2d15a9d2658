package checkpoint

import (
	"strings"
	"testing"

	"linquant/internal/testing/hostile"
)

// What a small file claims to hold more of than it may is refused, with the way out.
func TestLimits(t *testing.T) {
	want := map[string][]string{
		"storage, 2,000 views":              {"share storages", "clone()"},
		"storage, 2,000 mentions of a view": {"share storages"},
		"storage, 300 transposed views":     {"share storages"},
		"pickle, expanded, 2,000 times":     {"expand()"},
		"pickle, names of 4,000 bytes":      {"names of tensors are too long"},
		"npz bomb of 1 GB":                  {"16777216", "numpy.savez"},
		"npz of 50 bombs of 60 MB":          {"inflate to more", "numpy.savez"},
		"npz bomb, column-major":            {"inflate to more"},
		"pickle, a million empty lists":     {"far more memory"},
	}
	for _, f := range hostile.All() {
		words, ok := want[f.Name]
		if !ok {
			continue
		}
		delete(want, f.Name)
		file, err := openBytes(f.Make()["file"])
		if err == nil {
			for _, x := range file.Tensors() {
				if _, err = x.Float32s(nil); err != nil {
					break
				}
			}
		}
		if f.Name == "npz bomb of 1 GB" {
			words = words[1:]
		}
		if err == nil {
			t.Errorf("%s opens", f.Name)
			continue
		}
		wantError(t, err, words...)
	}
	for name := range want {
		t.Errorf("there is no file %q", name)
	}
}

// Tensors that share a storage a few times are a file like any other: 64 MiB and four times the file is room for them.
func TestSharedStorages(t *testing.T) {
	const elements, kb = "J\x00\x00\x10\x00", 4 << 10      // 2²⁰ floats
	for n, ok := range map[int]bool{19: true, 21: false} { // 76 MiB and 84, of a file of 4
		object := "(" + strings.Repeat(tensorOf(elements), n) + "t"
		_, err := openBytes(torchOf(t, object, kb<<10))
		if (err == nil) != ok {
			t.Errorf("%d tensors over one storage: %v", n, err)
		}
	}
}

// A repeated view of bytes becomes floats, which count.
func TestRepeatedViewsAsFloats(t *testing.T) {
	for n, ok := range map[string]bool{"J\x00\x00\x70\x00": true, "J\x00\x00\x90\x00": false} { // 7 and 9 million
		object := strings.Replace(tensor0("K\x10", "K\x00", n, "K\x00"), "FloatStorage", "ByteStorage", 1)
		_, err := openBytes(torchPickle(t, object))
		if (err == nil) != ok {
			t.Errorf("%q: %v", n, err)
		}
	}
}

// What is compressed may have so much as floats.
func TestInflatedAsFloats(t *testing.T) {
	array := func(n int, shape string) string {
		return string(npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': ("+shape+",), }", n))
	}
	for n, c := range map[int]struct {
		shape string
		ok    bool
	}{8_000_000: {"8000000", true}, 9_000_000: {"9000000", false}} {
		f := mustOpen(t, zipWith(t, 8, member{"x.npy", array(n, c.shape)}))
		x := f.Tensors()[0]
		if _, err := x.Read(); err != nil {
			t.Error(err)
		}
		if _, err := x.Float32s(nil); (err == nil) != c.ok {
			t.Errorf("%d bytes as floats: %v", n, err)
		} else if err != nil {
			wantError(t, err, `"x"`, "numpy.savez")
		}
	}
	f := mustOpen(t, zipWith(t, 0, member{"x.npy", array(9_000_000, "9000000")}))
	if _, err := f.Tensors()[0].Float32s(nil); err != nil {
		t.Error(err)
	}
}

// Damage of a compressed header says what to do.
func TestNPZHeaderDamage(t *testing.T) {
	whole := zipWith(t, 8, member{"x.npy", string(npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (50,), }", 50))})
	for at := 36; at < 60; at++ {
		b := append([]byte(nil), whole...)
		b[at] ^= 0xff
		f, err := openBytes(b)
		if err == nil {
			_, err = f.Tensors()[0].Read()
		}
		if err == nil {
			t.Errorf("byte %d is damaged, and nothing notices", at)
			continue
		}
		if strings.Contains(err.Error(), "flate") {
			wantError(t, err, "copy or download")
		}
	}
}

func tensorOf(n string) string {
	return tensor0(n, "K\x00", n, "K\x01")
}

// torchOf is torchPickle with a storage of n bytes.
func torchOf(t testing.TB, object string, n int) []byte {
	return zipWith(t, 0, member{"a/data.pkl", "\x80\x02" + object + "."}, member{"a/data/0", strings.Repeat("\x00", n)})
}
