package onnxpb

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

func write(t interface{ Fatal(args ...any) }, m *Model) []byte {
	var buf bytes.Buffer
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// randomModel draws a model with everything that Write writes.
func randomModel(t *rapid.T) *Model {
	text, number := rapid.StringN(0, 8, -1), rapid.Int64()
	float := rapid.Float32()
	list := func(what string) []string { return rapid.SliceOfN(text, 0, 3).Draw(t, what) }
	tensor := func() Tensor {
		return Tensor{
			Name: "t" + text.Draw(t, "tensor"), Dims: rapid.SliceOfN(number, 0, 4).Draw(t, "dims"),
			Type: DataType(rapid.Int32Range(1, 30).Draw(t, "type")), Raw: rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "raw"),
		}
	}
	attr := func() Attr {
		a := Attr{Name: "a" + text.Draw(t, "attr"), Type: AttrType(rapid.Int32Range(1, 8).Draw(t, "type")), Ref: text.Draw(t, "ref")}
		switch a.Type {
		case AttrFloat:
			a.Float = float.Draw(t, "f")
		case AttrInt:
			a.Int = number.Draw(t, "i")
		case AttrString:
			a.String = text.Draw(t, "s")
		case AttrTensor:
			v := tensor()
			a.Tensor = &v
		case AttrFloats:
			a.Floats = rapid.SliceOfN(float, 0, 4).Draw(t, "floats")
		case AttrInts:
			a.Ints = rapid.SliceOfN(number, 0, 4).Draw(t, "ints")
		case AttrStrings:
			a.Strings = list("strings")
		}
		return a
	}
	info := func() ValueInfo {
		v := ValueInfo{Name: "v" + text.Draw(t, "value"), Type: DataType(rapid.Int32Range(0, 30).Draw(t, "type"))}
		if v.HasShape = rapid.Bool().Draw(t, "has shape"); v.HasShape {
			for range rapid.IntRange(0, 4).Draw(t, "rank") {
				d := Dim{Value: rapid.Int64Range(-1, math.MaxInt64).Draw(t, "dim")}
				if d.Value < 0 {
					d.Param = text.Draw(t, "param")
				}
				v.Dims = append(v.Dims, d)
			}
		}
		return v
	}
	g := &Graph{Name: text.Draw(t, "name"), Doc: text.Draw(t, "doc")}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		n := Node{Name: text.Draw(t, "node"), Op: "O" + text.Draw(t, "op"), Domain: text.Draw(t, "domain"), Inputs: list("inputs"), Outputs: list("outputs")}
		for range rapid.IntRange(0, 3).Draw(t, "attrs") {
			n.Attrs = append(n.Attrs, attr())
		}
		g.Nodes = append(g.Nodes, n)
		g.Initializers = append(g.Initializers, tensor())
		g.Inputs, g.Outputs, g.Values = append(g.Inputs, info()), append(g.Outputs, info()), append(g.Values, info())
	}
	return &Model{
		IRVersion: number.Draw(t, "ir"), Producer: text.Draw(t, "producer"), ProducerVersion: text.Draw(t, "version"),
		Domain: text.Draw(t, "domain"), ModelVersion: number.Draw(t, "model version"), Doc: text.Draw(t, "doc"), Graph: g,
		Opsets:   []Opset{{text.Draw(t, "domain"), number.Draw(t, "opset")}},
		Metadata: []Entry{{"k" + text.Draw(t, "key"), text.Draw(t, "value")}},
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := randomModel(t)
		data := write(t, want)
		got, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
		// Any part of a message is an error or another message, never a panic.
		_, _ = Read(data[:rapid.IntRange(0, len(data)).Draw(t, "cut")])
		if len(data) > 0 {
			data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		_, _ = Read(data)
	})
}

// message encodes fields: numbers as varints, text and []byte as bytes.
func message(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		num := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
		case float32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, num, protowire.Fixed32Type), math.Float32bits(v))
		case float64:
			b = protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
		}
	}
	return b
}

// TestElements reads the fields of a tensor packed and unpacked, alone and mixed.
func TestElements(t *testing.T) {
	one := []byte{0, 0, 128, 63}
	double := []byte{0, 0, 0, 0, 0, 0, 240, 63}
	tests := []struct {
		name string
		msg  []byte
		want Tensor
	}{
		{"floats", message(4, float32(1), 4, float32(1)), Tensor{Packed: bytes.Repeat(one, 2)}},
		{"packed floats", message(4, bytes.Repeat(one, 3)), Tensor{Packed: bytes.Repeat(one, 3)}},
		{"mixed floats", message(4, one, 4, float32(1), 4, one), Tensor{Packed: bytes.Repeat(one, 3)}},
		{"doubles", message(10, double, 10, 1.0), Tensor{Packed: bytes.Repeat(double, 2)}},
		{"int32s", message(5, 1, 5, -2, 5, []byte{3, 4, 0x80, 1}), Tensor{Varints: slices.Concat([]byte{1, 0xfe}, bytes.Repeat([]byte{0xff}, 8), []byte{1, 3, 4, 0x80, 1})}},
		{"int64s", message(7, []byte{1}, 7, 2), Tensor{Varints: []byte{1, 2}}},
		{"dims", message(1, []byte{2, 3}, 1, 4), Tensor{Dims: []int64{2, 3, 4}}},
		{"no raw data", nil, Tensor{}},
		{"empty raw data", message(9, ""), Tensor{Raw: []byte{}}},
		{"external", message(13, message(1, "location", 2, "w.bin"), 14, 1), Tensor{External: []Entry{{"location", "w.bin"}}, Outside: true}},
		{"unknown fields", message(99, 1, 200, "x", 2, 1), Tensor{Type: Float}},
		{"group", append(protowire.AppendTag(protowire.AppendTag(nil, 50, protowire.StartGroupType), 50, protowire.EndGroupType), message(2, 1)...), Tensor{Type: Float}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Read(message(7, message(5, append(message(8, "w"), tt.msg...))))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Name = "w"
			if diff := cmp.Diff(tt.want, m.Graph.Initializers[0], cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if (m.Graph.Initializers[0].Raw == nil) != (tt.want.Raw == nil) {
				t.Error("a missing field and an empty one are not told apart")
			}
		})
	}
}

func TestReadViews(t *testing.T) {
	data := message(7, message(5, message(8, "w", 9, "abcdefgh")))
	m, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("abcdefgh"))
	if raw := m.Graph.Initializers[0].Raw; &raw[0] != &data[at] {
		t.Error("the elements were copied")
	}
}

func TestReadRefuses(t *testing.T) {
	deep := []byte(nil)
	for range 10000 {
		deep = protowire.AppendTag(deep, 3, protowire.StartGroupType)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"length beyond the end", []byte{7<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f}, "ends within a field"},
		{"number without end", bytes.Repeat([]byte{0xff}, 20), "integer overflow"},
		{"field 0", []byte{0, 1}, "field number"},
		{"two graphs", message(7, "", 7, ""), "two graphs"},
		{"wire type", message(7, 1), "field 7 has wire type 0"},
		{"text", message(2, "\xff"), "not valid UTF-8"},
		{"in a node", message(7, message(1, message(4, "Relu"), 1, message(5, message(1, "\xff"), 4, "Relu"))), "node 1: attribute 0: field 1"},
		{"floats cut short", message(7, message(5, message(4, "abc"))), "initializer 0: field 4 has 3 bytes"},
		{"packed number cut short", message(7, message(5, message(7, "\x80"))), "initializer 0: the message ends"},
		{"many short nodes", message(7, bytes.Repeat(message(1, message(4, "a")), 40000)), "it has 40000 parts in 200000 bytes"},
		{"long name", message(7, message(1, message(4, strings.Repeat("a", 1<<16+1)))), "node 0: field 4 is a name of 65537 bytes"},
		{"many dimensions", message(7, message(5, message(1, make([]byte, 1<<16+1)))), "initializer 0: field 1 has 65537 integers"},
		{"node without operator", message(7, message(1, message(3, "n"))), "node 0: it has no operator"},
		{"attribute without name", message(7, message(1, message(4, "Relu", 5, ""))), "node 0: attribute 0: it has no name"},
		{"deep groups", deep, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(tt.data)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestNumbers writes varints as integers of fewer bytes, as elements are.
func TestNumbers(t *testing.T) {
	var packed []byte
	for _, v := range []int64{1, -2, 300} {
		packed = protowire.AppendVarint(packed, uint64(v))
	}
	if n := Numbers(packed); n != 3 {
		t.Errorf("%d numbers, not 3", n)
	}
	if got, want := AppendNumbers(nil, packed, 2), []byte{1, 0, 0xfe, 0xff, 44, 1}; !bytes.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestAllocation reads messages made to cost much memory for few bytes.
func TestAllocation(t *testing.T) {
	const n = 10000
	many := func(num int, msg []byte) []byte { return bytes.Repeat(message(num, msg), n) }
	tests := map[string][]byte{
		"empty nodes":        message(7, many(1, nil)),
		"short nodes":        message(7, many(1, message(4, "a"))),
		"short attributes":   message(7, message(1, many(5, message(1, "a")))),
		"empty initializers": message(7, many(5, nil)),
		"short initializers": message(7, many(5, message(8, "a"))),
		"short values":       message(7, many(13, message(1, "a"))),
		"empty values":       message(7, many(13, nil)),
		"empty attributes":   message(7, message(1, many(5, nil))),
		"empty inputs":       message(7, message(1, many(1, nil))),
		"empty metadata":     many(14, nil),
		"dimensions":         message(7, message(5, message(1, bytes.Repeat([]byte{1}, n)))),
		"integers":           message(7, message(5, message(7, bytes.Repeat([]byte{1}, n)))),
		"packed one by one":  message(7, message(5, bytes.Repeat(message(7, []byte{1}), n))),
		"floats one by one":  message(7, message(5, bytes.Repeat(message(4, []byte{1, 2, 3, 4}), n))),
		"attribute floats":   message(7, message(1, message(5, bytes.Repeat(message(7, float32(1)), n)))),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			got := allocated(func() { _, _ = Read(data) })
			if limit := 64<<10 + 40*uint64(len(data)); got > limit {
				t.Errorf("%d bytes allocated for %d, more than %d", got, len(data), limit)
			}
			t.Logf("%.1f bytes a byte", float64(got)/float64(len(data)))
		})
	}
}

func TestWriteTooLarge(t *testing.T) {
	// The same megabyte many times over: pieces are not copied.
	mb := make([]byte, 1<<20)
	g := &Graph{}
	for range 2048 {
		g.Initializers = append(g.Initializers, Tensor{Raw: mb})
	}
	var buf bytes.Buffer
	if err := (&Model{Graph: g}).Write(&buf); err == nil || buf.Len() > 0 {
		t.Errorf("error %v after %d bytes", err, buf.Len())
	}
}

func FuzzRead(f *testing.F) {
	f.Add(message(1, 8, 8, message(2, 13), 7, message(1, message(1, "x", 2, "y", 4, "Relu", 5, message(1, "alpha", 2, float32(1), 20, 1)))))
	f.Add(message(7, message(5, message(1, []byte{2, 3}, 2, 1, 4, bytes.Repeat([]byte{1}, 24), 8, "w"))))
	f.Add(message(7, message(11, message(1, "x", 2, message(1, message(1, 1, 2, message(1, message(2, "N"), 1, message(1, 3))))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Model
		var err error
		if got := allocated(func() { m, err = Read(data) }); got > 1<<20+40*uint64(len(data)) {
			t.Errorf("%d bytes allocated for %d", got, len(data))
		}
		if err != nil {
			return
		}
		if err := m.Write(&bytes.Buffer{}); err != nil {
			t.Errorf("what was read does not write: %v", err)
		}
	})
}
