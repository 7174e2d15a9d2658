package calib

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is written is read back: the same bytes again, and the same behaviour after.
func TestObserverBytes(t *testing.T) {
	for name, empty := range kinds {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				all := examples(t, 20)
				seen := rapid.IntRange(0, len(all)).Draw(t, "seen")
				o := observed(t, empty, all[:seen])
				if seen < len(all) && rapid.Bool().Draw(t, "within a batch") {
					if err := o.Observe(all[seen]); err != nil {
						t.Fatal(err)
					}
				}
				data := bytesOf(t, o)
				back := empty()
				if err := back.UnmarshalBinary(data); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(bytesOf(t, back), data) {
					t.Fatal("other bytes the second time")
				}
				for _, x := range all {
					if err := o.Observe(x); err != nil {
						t.Fatal(err)
					}
					if err := back.Observe(x); err != nil {
						t.Fatal(err)
					}
				}
				o.EndBatch()
				back.EndBatch()
				if !bytes.Equal(bytesOf(t, back), bytesOf(t, o)) {
					t.Fatal("it goes on in another way")
				}
			})
		})
	}
}

// A negative 0 is 0: which of the two came first leaves no trace.
func TestObserverBytesOfZeros(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	for kind, empty := range kinds {
		var all [][]byte
		for _, x := range [][]float32{{0, minus, 0, 0, 0, 1}, {minus, 0, minus, minus, 0, 1}, {minus, minus, minus, minus, minus, 1}} {
			o := empty()
			if err := o.Observe(x); err != nil {
				t.Fatal(err)
			}
			data, err := o.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data)
		}
		if !bytes.Equal(all[0], all[1]) || !bytes.Equal(all[0], all[2]) {
			t.Errorf("%s: the bytes differ with the sign of 0", kind)
		}
	}
}

// A layout, byte for byte: files of today are to be read tomorrow.
func TestObserverLayout(t *testing.T) {
	o := kinds["histogram"]()
	if err := o.Observe([]float32{0, 1, 1, 0.75}); err != nil {
		t.Fatal(err)
	}
	data, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	// Bins are 2^-10 wide, for [0, 1] is to fall into 2048 of them and 2^-11 would need one more.
	want := slices.Concat([]byte("linquant statistic\x01\x03\x01\x04\x01\x00\x00\x00\x00\x00\x00\x80\x3f\x01\x01"),
		make([]byte, 767), []byte{1}, make([]byte, 255), []byte{2})
	if !bytes.Equal(data, want) {
		t.Errorf("%q, want %q", data, want)
	}
	if err := kinds["extremes"]().UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), "another statistic") {
		t.Errorf("as extremes: error %v", err)
	}
	for what, change := range map[string]func([]byte) []byte{
		"not the bytes of a statistic":    func(b []byte) []byte { return b[1:] },
		"the version 2, known is 1":       func(b []byte) []byte { b[18] = 2; return b },
		"they end too early":              func(b []byte) []byte { return b[:24] },
		"a count that is none":            func(b []byte) []byte { return b[:len(b)-1] },
		"more than the statistic needs":   func(b []byte) []byte { return append(b, 0) },
		"fewer numbers than the examples": func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"more numbers than the examples":  func(b []byte) []byte { b[len(b)-1] = 3; return b },
		"more zeros than the bin":         func(b []byte) []byte { b[31] = 2; return b },
		"not finite":                      func(b []byte) []byte { copy(b[27:], []byte{0, 0, 0x80, 0x7f}); return b },
		"extremes out of order":           func(b []byte) []byte { copy(b[27:], []byte{0, 0, 0x80, 0xbf}); return b },
		"extremes that nothing equals":    func(b []byte) []byte { b[32+768], b[len(b)-1] = 3, 0; return b },
		"a negative 0":                    func(b []byte) []byte { b[26] = 0x80; return b },
		"examples without elements":       func(b []byte) []byte { b[21] = 0; return b },
		"more examples than can be counted": func(b []byte) []byte {
			return slices.Concat(b[:20], []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), b[21:])
		},
		"extremes of nothing": func(b []byte) []byte { b[22] = 0; return b },
	} {
		err := kinds["histogram"]().UnmarshalBinary(change(slices.Clone(data)))
		if strconv.IntSize == 32 && what == "more examples than can be counted" {
			what = "a count that is too large" // before there is anything to count
		}
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want %q", err, what)
		}
	}
}

// FuzzObserver gives any bytes to every kind: they are refused, or they are what the observer writes.
func FuzzObserver(f *testing.F) {
	for name, empty := range kinds {
		o := empty()
		for _, x := range [][]float32{{0, 1, 2, 3, 4, 5}, {-1, 2, float32(math.Pi), 1e30, -1e-30, 0}} {
			data, err := o.MarshalBinary()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
			if err := o.Observe(x); err != nil {
				f.Fatalf("%s: %v", name, err)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, empty := range kinds {
			o := empty()
			blank, err := o.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			refused := o.UnmarshalBinary(data)
			again, err := o.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			want := data
			if refused != nil {
				want = blank
			}
			if !bytes.Equal(again, want) {
				t.Fatalf("%s: error %v, and then it writes %q", name, refused, again)
			}
			if refused == nil {
				if err := empty().Merge(o); err != nil && name != "average" {
					t.Fatalf("%s: %v", name, err)
				}
				o.EndBatch()
				if r, ok := o.(rangeObserver); ok && r.extremes().seen {
					if _, err := (Config{}).Range(r, points("x")[0].Scheme); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
				}
			}
		}
	})
}
