package calib

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/quant"
)

func TestRangesText(t *testing.T) {
	ranges := Ranges{
		"relu1": {0, 2.5, Scheme{quant.Uint(8), false}, MSE, "pixels/255 (unit)"}, "a \"b\"\n": {Lo: -1e-45, Hi: math.MaxFloat32},
		"add": {-0.1, 0, Scheme{quant.Int(4), true}, MovingAverage, ""}, "sum": {Hi: 1, On: "\"x\"\n"},
	}
	var buf bytes.Buffer
	if err := ranges.Write(&buf); err != nil {
		t.Fatal(err)
	}
	want := `{
  "a \"b\"\n": {"min": -1e-45, "max": 3.4028235e+38},
  "add": {"min": -0.1, "max": 0, "for": "int4 symmetric", "by": "moving-average"},
  "relu1": {"min": 0, "max": 2.5, "for": "uint8", "by": "mse", "on": "pixels/255 (unit)"},
  "sum": {"min": 0, "max": 1, "on": "\"x\"\n"}
}
`
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRangesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranges := Ranges{}
		for _, name := range rapid.SliceOfDistinct(rapid.String(), rapid.ID).Draw(t, "names") {
			a, b := rapid.Float32Range(-math.MaxFloat32, math.MaxFloat32).Draw(t, "a"), rapid.Float32().Draw(t, "b")
			r := Range{Lo: min(a, b), Hi: max(a, b)}
			if rapid.Bool().Draw(t, "said") {
				r.For = Scheme{quant.Type{Bits: rapid.IntRange(2, 8).Draw(t, "bits"), Unsigned: rapid.Bool().Draw(t, "unsigned")}, rapid.Bool().Draw(t, "symmetric")}
				r.By = rapid.SampledFrom([]Method{MinMax, MovingAverage, Percentile, MSE, Entropy}).Draw(t, "method")
			}
			r.On = rapid.String().Draw(t, "on")
			ranges[name] = r
		}
		var buf bytes.Buffer
		if err := ranges.Write(&buf); err != nil {
			t.Fatal(err)
		}
		back, err := Read(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ranges, back); diff != "" {
			t.Fatal(diff)
		}

		// And as a part of a larger document, by the usual rules of encoding/json.
		part := struct{ Ranges Ranges }{ranges}
		data, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		part.Ranges = nil
		if err := json.Unmarshal(data, &part); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ranges, part.Ranges); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestReadErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "ends in the middle of its JSON"},
		{`{`, "ends in the middle of its JSON"},
		{`[]`, "want an object of ranges by name, found ["},
		{`3`, "want an object"},
		{`{} {}`, "more after the end"},
		{`{"a": {"min": 0, "max": 1}`, "ends in the middle of its JSON"},
		{`{"a": {"min": 1, "max": 0}}`, `value "a": the range from 1 to 0 ends before it begins`},
		{`{"a": {"min": 0, "max": 1, "mid": 2}}`, `value "a": want {"min": number, "max": number, "for": codes, "by": method, "on": text}, found the keys "max", "mid", "min"`},
		{`{"a": {"min": 0}}`, `value "a": want {"min": number, "max": number, "for": codes, "by": method, "on": text}, found the keys "min"`},
		{`{"a": {"min": 0, "max": null}}`, `value "a": want`},
		{`{"a": {"Min": 0, "max": 1}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": "uint8"}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "by": "mse"}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": null, "by": null}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": "uint8", "by": null}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": null, "by": "mse"}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": 8, "by": "mse"}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "for": "uint9", "by": "mse"}}`, `value "a": "uint9" are no codes: write uint8, int4 symmetric`},
		{`{"a": {"min": 0, "max": 1, "for": "int08", "by": "mse"}}`, `value "a": "int08" are no codes`},
		{`{"a": {"min": 0, "max": 1, "for": "uint8", "by": "median"}}`, `value "a": there is no calibration method "median"`},
		{`{"a": {"min": 0, "max": 1, "on": 3}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1, "on": null}}`, `value "a": want`},
		{`{"a": {}}`, `value "a": want`},
		{`{"a": null}`, `value "a": want`},
		{`{"a": [0, 1]}`, `value "a": want {"min": number, "max": number, "for": codes, "by": method, "on": text}: a list stands`},
		{`{"a": {"min": 0, "max": "NaN"}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": NaN}}`, `value "a": it is no JSON at byte 23 (invalid character 'N'`},
		{`{"a": {"min": 0, "max": 1e39}}`, `value "a": want`},
		{`{"a": {"min": 0, "max": 1}, "b": {"min": 0, "max": 1}, "a": {"min": 0, "max": 2}}`, `value "a" occurs twice`},
	} {
		ranges, err := Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || ranges != nil {
			t.Errorf("%s: %v, error %v, want %q in it", c.text, ranges, err, c.want)
		}
	}
	if ranges, err := Read(strings.NewReader("null")); err != nil || ranges == nil {
		t.Errorf("null: %v, error %v: ranges that are given are not nil, which would ask for a calibration", ranges, err)
	}
	broken := errors.New("no such sector")
	if _, err := Read(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type failing struct{ err error }

func (r failing) Read([]byte) (int, error) { return 0, r.err }

func TestWriteErrors(t *testing.T) {
	for _, r := range []Range{{Lo: float32(math.NaN()), Hi: 1}, {Lo: 0, Hi: float32(math.Inf(1))}, {Lo: 1, Hi: 0}} {
		var buf bytes.Buffer
		err := Ranges{"good": {Lo: 0, Hi: 1}, "wrong": r}.Write(&buf)
		if err == nil || !strings.Contains(err.Error(), `value "wrong"`) || buf.Len() != 0 {
			t.Errorf("%v: error %v, %d bytes written", r, err, buf.Len())
		}
	}
}
