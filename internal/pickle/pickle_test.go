package pickle

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(s string) (Value, error) {
	d := NewDecoder(strings.NewReader(s), int64(len(s)))
	d.Allow = func(g Global) error {
		if g.Module == "os" {
			return errors.New("os is refused")
		}
		return nil
	}
	d.Persistent = func(id Value) (Value, error) { return &Tuple{[]Value{"persistent", id}}, nil }
	return d.Decode()
}

var bigger, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// The opcodes are as Python's pickle.dumps writes them, where nothing else is said.
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     Value
	}{
		{"none", "\x80\x02N.", nil},
		{"true", "\x80\x02\x88.", true},
		{"false, protocol 0", "I00\n.", false},
		{"byte", "\x80\x02K\xff.", int64(255)},
		{"short", "\x80\x02M\xff\xff.", int64(65535)},
		{"int", "\x80\x02J\xfe\xff\xff\xff.", int64(-2)},
		{"int, protocol 0", "I-2\n.", int64(-2)},
		{"long", "\x80\x02\x8a\x05\x00\x00\x00\x00\x01.", int64(1) << 32},
		{"negative long", "\x80\x02\x8a\x02\x00\x80.", int64(-32768)},
		{"empty long", "\x80\x02\x8a\x00.", int64(0)},
		{"long of nine bytes", "\x80\x02\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.", int64(-1)},
		{"bigger", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", bigger},
		{"bigger, LONG4", "\x80\x02\x8b\x0a\x00\x00\x00\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", bigger},
		{"bigger, protocol 0", "L119547037146038801333356L\n.", bigger},
		{"-2^64", "\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff.", new(big.Int).Lsh(big.NewInt(-1), 64)},
		{"float", "\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5},
		{"float, protocol 0", "F1.5\n.", 1.5},
		{"string", "\x80\x02X\x02\x00\x00\x00\xc3\xa9.", "é"},
		{"string, protocol 0", "V\\u20acx\xe9\n.", "€xé"},
		{"string, protocol 4", "\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.", "a"},
		{"8-bit string", "S'a\\n\\x41\\\\'\n.", "a\nA\\"},
		{"short 8-bit string", "\x80\x02U\x02ab.", "ab"},
		{"bytes", "\x80\x03C\x02ab.", []byte("ab")},
		{"bytearray", "\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00ab.", []byte("ab")},
		{"empty tuple", ").", &Tuple{}},
		{"pair", "K\x01K\x02\x86.", &Tuple{[]Value{int64(1), int64(2)}}},
		{"tuple", "(K\x01K\x02K\x03K\x04t.", &Tuple{[]Value{int64(1), int64(2), int64(3), int64(4)}}},
		{"list", "](K\x01K\x02e.", &List{[]Value{int64(1), int64(2)}}},
		{"list, protocol 0", "(lp0\nI1\na.", &List{[]Value{int64(1)}}},
		{"dict", "}(K\x01K\x02K\x03K\x04u.", &Dict{[]Entry{{int64(1), int64(2)}, {int64(3), int64(4)}}}},
		{"dict, protocol 0", "(dp0\nI1\nI2\ns.", &Dict{[]Entry{{int64(1), int64(2)}}}},
		{"set", "\x80\x04\x8f(K\x01\x90.", &Set{[]Value{int64(1)}}},
		{"frozenset", "\x80\x04(K\x01\x91.", &Set{[]Value{int64(1)}}},
		{"memo", "K\x05q\x000h\x00.", int64(5)},
		{"memo far out", "K\x05r\xff\xff\xff\xff0j\xff\xff\xff\xff.", int64(5)},
		{"memoize", "\x80\x04K\x05\x940h\x00.", int64(5)},
		{"pop a mark", "K\x05(0.", int64(5)},
		{"pop to a mark", "K\x05(K\x01K\x021.", int64(5)},
		{"dup", "K\x052\x86.", &Tuple{[]Value{int64(5), int64(5)}}},
		{"global", "cm\nN\n.", Global{"m", "N"}},
		{"stack global", "\x80\x04\x8c\x01m\x8c\x01N\x93.", Global{"m", "N"}},
		{"reduce", "cm\nf\nK\x01\x85R.", &Object{Class: Global{"m", "f"}, Args: []Value{int64(1)}}},
		{
			"new, state and items", "cm\nC\n)\x81(K\x01K\x02uK\x03aK\x04b.",
			&Object{Class: Global{"m", "C"}, State: int64(4), Items: []Value{int64(3)}, Entries: []Entry{{int64(1), int64(2)}}},
		},
		{"new with keywords", "cm\nC\n)}\x92.", &Object{Class: Global{"m", "C"}}},
		{"inst", "(K\x01im\nC\n.", &Object{Class: Global{"m", "C"}, Args: []Value{int64(1)}}},
		{"obj", "(cm\nC\nK\x01o.", &Object{Class: Global{"m", "C"}, Args: []Value{int64(1)}}},
		{"persistent", "K\x07Q.", &Tuple{[]Value{"persistent", int64(7)}}},
		{"persistent, protocol 0", "P7\n.", &Tuple{[]Value{"persistent", "7"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := decode(c.in)
			if err != nil {
				t.Fatal(err)
			}
			same := cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
			if diff := cmp.Diff(c.want, got, same); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for n := range c.in {
				if v, err := decode(c.in[:n]); err == nil {
					t.Errorf("the first %d of %d bytes decode to %v", n, len(c.in), v)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, in, word string }{
		{"refused name", "cos\nsystem\n.", "os is refused"},
		{"refused name, inst", "(ios\nsystem\n.", "os is refused"},
		{"empty stack", ".", "operand"},
		{"pop below a mark", "K\x01(\x85.", "operand"},
		{"no mark", "t.", "mark"},
		{"odd dict", "}(K\x01u.", "no value"},
		{"memo never set", "h\x07.", "memo 7"},
		{"calls a number", "K\x01)R.", "instead of a class"},
		{"arguments", "cm\nf\nK\x01R.", "arguments"},
		{"state of a dict", "}K\x01b.", "state of a dict"},
		{"append to a dict", "}K\x01a.", "appends to a dict"},
		{"item of a list", "]K\x01K\x02s.", "item of a list"},
		{"keywords", "cm\nC\n)}K\x01K\x02s\x92.", "named arguments"},
		{"extension", "\x82\x01.", "extension"},
		{"protocol", "\x80\x06N.", "protocol 6"},
		{"opcode", "\xff", "no opcode"},
		{"long string", "X\xff\xff\xff\x7fabc", io.ErrUnexpectedEOF.Error()},
		{"longest bytes", "\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc", io.ErrUnexpectedEOF.Error()},
		{"digits", "L" + strings.Repeat("9", 2000) + "L\n.", "2000 digits"},
		{"line", "F" + strings.Repeat("1", maxLine+1) + "\n.", "longer than"},
		{"no digits", "Ix\n.", "no integer"},
		{"quotes", "Sabc\n.", "quotes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := decode(c.in)
			if err == nil || !strings.Contains(err.Error(), c.word) {
				t.Errorf("%v, %v; want an error with %q", v, err, c.word)
			}
		})
	}
}

func TestSequence(t *testing.T) {
	d := NewDecoder(strings.NewReader("K\x01.\x80\x02X\x03\x00\x00\x00abc.rest"), int64(len("K\x01.\x80\x02X\x03\x00\x00\x00abc.rest")))
	for _, want := range []struct {
		value  Value
		offset int64
	}{{int64(1), 3}, {"abc", 14}} {
		got, err := d.Decode()
		if err != nil || got != want.value || d.Offset() != want.offset {
			t.Errorf("%v, %v at %d; want %v at %d", got, err, d.Offset(), want.value, want.offset)
		}
	}
}

func TestNothingAllowed(t *testing.T) {
	for _, in := range []string{"cm\nN\n.", "K\x01Q."} {
		if v, err := NewDecoder(strings.NewReader(in), int64(len(in))).Decode(); err == nil {
			t.Errorf("%q decodes to %v", in, v)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"\x80\x02}(X\x01\x00\x00\x00aK\x01u.",
		"(lp0\nI1\naV\\u20ac\naF1.5\naS'x'\na.",
		"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94(K\x01\x91\x86.",
		"ccollections\nOrderedDict\n)R(K\x01K\x02u}b.",
		"(X\x07\x00\x00\x00storagectorch\nFloatStorage\ntQ\x85q\x00h\x00.",
		"]q\x00h\x00a.",
		"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(strings.NewReader(string(b)), int64(len(b)))
		d.Allow = func(Global) error { return nil }
		d.Persistent = func(id Value) (Value, error) { return id, nil }
		v, err := d.Decode()
		if d.Offset() > int64(len(b)) {
			t.Errorf("%d bytes read of %d", d.Offset(), len(b))
		}
		if err == nil {
			_ = kind(v)
		}
	})
}

func ExampleDecoder() {
	d := NewDecoder(strings.NewReader("cos\nsystem\n(X\x02\x00\x00\x00lstR."), 30)
	d.Allow = func(g Global) error { return fmt.Errorf("the file asks for %v", g) }
	_, err := d.Decode()
	fmt.Println(err)
	// Output: the file asks for os.system
}
