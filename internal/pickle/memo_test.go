package pickle

import (
	"strings"
	"testing"
)

// TestMemo numbers values in every order that the opcodes allow.
func TestMemo(t *testing.T) {
	for _, c := range []struct {
		name, pickle string
		want         int64
	}{
		{"counted", "K\x05q\x00K\x06q\x01h\x00.", 5},
		{"replaced", "K\x05q\x00K\x06q\x00h\x00.", 6},
		{"far", "K\x05r\xff\xff\xff\xffK\x06q\x00j\xff\xff\xff\xff.", 5},
		{"overtaken", "K\x05q\x01K\x06q\x00K\x07q\x01h\x01.", 7},
		{"other then counted", "K\x05q\x01K\x06q\x00h\x01.", 5},
		{"memoize counts both kinds", "K\x05q\x07K\x06\x94K\x08\x94h\x02.", 8},
	} {
		v, err := NewDecoder(strings.NewReader(c.pickle), int64(len(c.pickle))).Decode()
		if err != nil || v != c.want {
			t.Errorf("%s: %v, %v; want %d", c.name, v, err, c.want)
		}
	}
	if _, err := NewDecoder(strings.NewReader("K\x05q\x01h\x00."), int64(len("K\x05q\x01h\x00."))).Decode(); err == nil {
		t.Error("memo 0 was never set, and yet was found")
	}
}

// TestNamesQuoted puts a name into each error that has one; it would write over a terminal's lines.
func TestNamesQuoted(t *testing.T) {
	const name = "U\x01mU\x05a\n\x1b[K\x93"
	for _, p := range []string{
		name + ".",       // refused
		name + "K\x01a.", // appends to it
		name + "K\x01R.", // the arguments are none
		name + ")R)R.",   // calls an instance
	} {
		d := NewDecoder(strings.NewReader(p), int64(len(p)))
		if p != name+"." {
			d.Allow = func(Global) error { return nil }
		}
		if _, err := d.Decode(); err == nil || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: error %q", p, err)
		}
	}
}
