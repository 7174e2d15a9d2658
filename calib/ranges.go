package calib

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"linquant/internal/jsontext"
	names "linquant/internal/near"
)

// Range is the real range that a value is quantized over.
type Range struct {
	Lo, Hi float32

	// For is the scheme that the range was chosen for, and By how. They are the zero values where nobody said: then For
	// has no bits, and the range is taken for whatever it is used for.
	For Scheme
	By  Method

	On string // on what it was measured, in the words of who did, such as how pixels were prepared; "" where nobody said
}

// Check returns an error unless both ends are finite and in order.
func (r Range) Check() error {
	switch {
	case float32(r.Lo-r.Lo) != 0 || float32(r.Hi-r.Hi) != 0:
		return fmt.Errorf("the range from %v to %v has no finite ends", r.Lo, r.Hi)
	case r.Lo > r.Hi:
		return fmt.Errorf("the range from %v to %v ends before it begins", r.Lo, r.Hi)
	}
	return nil
}

// Suits returns an error unless the range is one for the scheme: it was chosen for that, or would be the same if it had
// been, as extremes are for any number of bits, or nobody said what it was chosen for.
func (r Range) Suits(s Scheme) error {
	if r.For == (Scheme{}) || int(r.By) < len(methods) && methods[r.By].suits(r.For, s) {
		return nil
	}
	return fmt.Errorf("its range was chosen for %v, by %v, and its codes are %v: calibrate again for these", r.For, r.By, s)
}

// MarshalJSON writes the range as Ranges says.
func (r Range) MarshalJSON() ([]byte, error) {
	lo, err := json.Marshal(r.Lo)
	if err != nil {
		return nil, err
	}
	hi, err := json.Marshal(r.Hi)
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, `{"min": %s, "max": %s`, lo, hi)
	if r.For != (Scheme{}) {
		text = fmt.Appendf(text, `, "for": %q, "by": %q`, r.For, r.By)
	}
	if r.On != "" {
		on, err := json.Marshal(r.On)
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, `, "on": %s`, on)
	}
	return append(text, '}'), nil
}

// Ranges has a range for every value that was observed. As JSON it is an object of objects, sorted by name:
//
//	{
//	  "relu1": {"min": 0, "max": 2.5, "for": "uint8", "by": "mse", "on": "pixels/255 (unit)"},
//	  …
//	}
//
// "for" and "by" are missing where it was not said what a range was chosen for, and "on" where it was not said on what it
// was measured, as in files of earlier versions.
type Ranges map[string]Range

// Check returns an error that names the first entry, by name, whose range is none.
func (r Ranges) Check() error {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if err := r[name].Check(); err != nil {
			return &ValueError{name, err}
		}
	}
	return nil
}

// Write writes the ranges as JSON, one to a line. Read gives the same numbers back, bit for bit. Ranges that do not
// pass Check are an error, before anything is written.
func (r Ranges) Write(w io.Writer) error {
	if err := r.Check(); err != nil {
		return err
	}
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(r)) {
		if i > 0 {
			buf.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		entry, err := r[name].MarshalJSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(&buf, "\n  %s: %s", key, entry)
	}
	if len(r) > 0 {
		buf.WriteByte('\n')
	}
	buf.WriteString("}\n")
	_, err := w.Write(buf.Bytes())
	return err
}

// Read reads what Write writes. Errors name the entry: one that occurs twice, has other keys or lacks one of them, is no
// number that float32 holds, ends before it begins, or is for codes or by a method that do not exist. Without an error the
// ranges are not nil, which would ask for a calibration where they are given.
func Read(r io.Reader) (Ranges, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	ranges := Ranges{}
	if err := ranges.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return ranges, nil
}

// UnmarshalJSON is Read, for ranges that are part of a larger configuration.
func (r *Ranges) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	switch open, err := d.Token(); {
	case err != nil:
		return notRanges(err)
	case open == nil: // null, which by convention changes nothing
		return atEnd(d)
	case open != json.Delim('{'):
		return fmt.Errorf("calibration ranges: want an object of ranges by name, found %v", open)
	}
	ranges := Ranges{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return notRanges(err)
		}
		name, _ := key.(string)
		if _, twice := ranges[name]; twice {
			return fmt.Errorf("calibration ranges: value %q occurs twice", name)
		}
		var entry Range
		if err := d.Decode(&entry); err != nil {
			return fmt.Errorf("calibration ranges: %w", &ValueError{name, jsontext.Error(err)})
		}
		ranges[name] = entry
	}
	if _, err := d.Token(); err != nil {
		return notRanges(err)
	}
	if err := atEnd(d); err != nil {
		return err
	}
	*r = ranges
	return nil
}

// notRanges is what is wrong where the text is no JSON.
func notRanges(err error) error {
	return fmt.Errorf("calibration ranges: %w", jsontext.Error(err))
}

// atEnd returns an error if anything follows.
func atEnd(d *json.Decoder) error {
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("calibration ranges: there is more after the end of the object")
	}
	return nil
}

// UnmarshalJSON reads what MarshalJSON writes. A range without finite ends in order is an error.
func (r *Range) UnmarshalJSON(data []byte) error {
	const want = `want {"min": number, "max": number, "for": codes, "by": method, "on": text}`
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return fmt.Errorf("%s: %w", want, jsontext.Error(err))
	}
	var entry struct {
		Min, Max *float32
		For, By  *string
		On       *string
	}
	for _, field := range []struct {
		key string
		to  any
	}{{"min", &entry.Min}, {"max", &entry.Max}, {"for", &entry.For}, {"by", &entry.By}, {"on", &entry.On}} {
		key, to := field.key, field.to
		if text, ok := keys[key]; ok {
			if err := json.Unmarshal(text, to); err != nil {
				return fmt.Errorf("%s: %s: %w", want, key, jsontext.Error(err))
			}
		}
	}
	given := 2
	if entry.For != nil {
		given = 4
	}
	if entry.On != nil {
		given++
	}
	if entry.Min == nil || entry.Max == nil || (entry.For == nil) != (entry.By == nil) || len(keys) != given {
		return fmt.Errorf("%s, found the keys %s", want, names.List(slices.Sorted(maps.Keys(keys))))
	}
	read := Range{Lo: *entry.Min, Hi: *entry.Max}
	if entry.On != nil {
		read.On = *entry.On
	}
	if entry.For != nil {
		var err error
		if read.For, err = parseScheme(*entry.For); err != nil {
			return err
		}
		if read.By, err = ParseMethod(*entry.By); err != nil {
			return err
		}
	}
	if err := read.Check(); err != nil {
		return err
	}
	*r = read
	return nil
}
