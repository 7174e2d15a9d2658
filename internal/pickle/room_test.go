package pickle

import (
	"strings"
	"testing"
)

// The opcodes are counted: as many as the documentation says are read, and not one more.
func TestOpcodeLimit(t *testing.T) {
	const most = 4_194_304
	for n, want := range map[int]string{most: "", most + 1: "more than 4194304 opcodes"} {
		p := strings.Repeat("\x80\x02", n-2) + "N."
		_, err := NewDecoder(strings.NewReader(p), 0).Decode()
		if got := message(err); !strings.Contains(got, want) || (want == "") != (err == nil) {
			t.Errorf("%d opcodes: error %q, want %q", n, got, want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Whatever values are made of, they have their part of memory by the bytes of the file, and no more.
func TestRoom(t *testing.T) {
	const many = 1 << 20
	for name, p := range map[string]string{
		"none":       strings.Repeat("N", many),
		"lists":      strings.Repeat("]", many/4),
		"dicts":      strings.Repeat("}", many/4),
		"sets":       strings.Repeat("\x8f", many/4),
		"tuples":     strings.Repeat(")", many/4),
		"marks":      "N" + strings.Repeat("(", many),
		"duplicates": "N" + strings.Repeat("2", many),
		"gets":       "Nq\x00" + strings.Repeat("h\x00", many),
		"memos":      "N" + strings.Repeat("\x94", many),
		"sparse":     "N" + strings.Repeat("r\x00\x00\x00\x7fr\x01\x00\x00\x7f", many/8),
		"calls":      "cos\nsystem\nq\x00" + strings.Repeat("h\x00)R", many/8),
		"states":     "cos\nsystem\n)R" + strings.Repeat("Nb", many/2),
		"appended":   "]" + strings.Repeat("Na", many/2),
		"items":      "}" + strings.Repeat("NNs", many/3),
		"text":       "X\x00\x00\x00\x02" + strings.Repeat("x", 32<<20),
		"bytes":      "B\x00\x00\x00\x02" + strings.Repeat("x", 32<<20),
		"number":     "\x8b\x00\x00\x00\x02" + strings.Repeat("x", 32<<20),
		"empty text": strings.Repeat("U\x00", many/2),
	} {
		for size, want := range map[int64]string{0: "far more memory", 1 << 30: ""} {
			d := NewDecoder(strings.NewReader(p+"."), size)
			d.Allow = func(Global) error { return nil }
			_, err := d.Decode()
			if got := message(err); !strings.Contains(got, want) || want == "" && strings.Contains(got, "far more") {
				t.Errorf("%s, a file of %d bytes: error %q, want %q", name, size, got, want)
			}
		}
	}
}

// A checkpoint of ten thousand tensors in a small file has room: 60 values and 7 containers for each.
func TestRoomOfTensors(t *testing.T) {
	one := strings.Repeat("N", 50) + strings.Repeat(")", 7) + strings.Repeat("0", 57)
	if _, err := NewDecoder(strings.NewReader(strings.Repeat(one, 10_000)+"N."), 5_000_000).Decode(); err != nil {
		t.Error(err)
	}
}

// Errors name Python's types.
func TestErrorsNamePythonsTypes(t *testing.T) {
	for p, want := range map[string]string{
		"K\x01)R": "int", "G\x00\x00\x00\x00\x00\x00\x00\x00)R": "float", "\x88)R": "bool", "U\x01x)R": "str", "C\x01x)R": "bytes",
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x7f)R": "int", "])R": "list", "N)R": "None",
	} {
		_, err := NewDecoder(strings.NewReader(p+"."), 0).Decode()
		if got := message(err); !strings.Contains(got, "calls a "+want+" ") {
			t.Errorf("%q: error %q, want a %s", p, got, want)
		}
	}
}

// A mark hides what is below it.
func TestMarksHide(t *testing.T) {
	for _, p := range []string{"N(\x85t.", "NN(\x86t.", "N(Qt.", "N(q\x00t.", "N(2t.", "NN(N\x86t."} {
		d := NewDecoder(strings.NewReader(p), 0)
		d.Persistent = func(Value) (Value, error) { return nil, nil }
		if _, err := d.Decode(); !strings.Contains(message(err), "an operand is missing") {
			t.Errorf("%q: error %q", p, message(err))
		}
	}
}

// A memo that was set in disorder keeps its values when the numbers that count up reach it.
func TestMemoInDisorder(t *testing.T) {
	v, err := NewDecoder(strings.NewReader("K\x07q\x00K\x08q\x02K\x09q\x01K\x0aq\x03h\x02h\x03h\x01\x87."), 0).Decode()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{8, 10, 9} {
		if got := v.(*Tuple).Items[i]; got != want {
			t.Errorf("item %d is %v, want %d", i, got, want)
		}
	}
}

// MEMOIZE counts a number once that was set twice, first in disorder.
func TestMemoizeCounts(t *testing.T) {
	v, err := NewDecoder(strings.NewReader("K\x07q\x01q\x00q\x01K\x09\x94h\x02\x86."), 0).Decode()
	if err != nil || v.(*Tuple).Items[1] != int64(9) {
		t.Errorf("%v, error %v", v, err)
	}
}
