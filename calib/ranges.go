package calib

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Range is the real range that a value is quantized over.
type Range struct {
	Lo float32 `json:"min"`
	Hi float32 `json:"max"`
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

// Ranges has a range for every value that was observed. As JSON it is an object of objects, sorted by name:
//
//	{
//	  "relu1": {"min": 0, "max": 2.5},
//	  …
//	}
type Ranges map[string]Range

// Check returns an error that names the first entry, by name, whose range is none.
func (r Ranges) Check() error {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if err := r[name].Check(); err != nil {
			return fmt.Errorf("value %q: %w", name, err)
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
		lo, err := json.Marshal(r[name].Lo)
		if err != nil {
			return err
		}
		hi, err := json.Marshal(r[name].Hi)
		if err != nil {
			return err
		}
		fmt.Fprintf(&buf, "\n  %s: {\"min\": %s, \"max\": %s}", key, lo, hi)
	}
	if len(r) > 0 {
		buf.WriteByte('\n')
	}
	buf.WriteString("}\n")
	_, err := w.Write(buf.Bytes())
	return err
}

// Read reads what Write writes. Errors name the entry: one that occurs twice, has other keys than min and max or lacks
// one of them, is no number that float32 holds, or ends before it begins.
func Read(r io.Reader) (Ranges, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var ranges Ranges
	err = ranges.UnmarshalJSON(data)
	return ranges, err
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
		entry, err := readRange(d)
		if err != nil {
			return fmt.Errorf("calibration ranges: value %q: %w", name, err)
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
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("calibration ranges: %w", err)
}

// atEnd returns an error if anything follows.
func atEnd(d *json.Decoder) error {
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("calibration ranges: there is more after the end of the object")
	}
	return nil
}

// readRange decodes one entry.
func readRange(d *json.Decoder) (Range, error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return Range{}, err
	}
	const want = `want {"min": number, "max": number}`
	var entry map[string]*float32
	if err := json.Unmarshal(raw, &entry); err != nil {
		return Range{}, fmt.Errorf("%s: %w", want, err)
	}
	lo, hi := entry["min"], entry["max"]
	if lo == nil || hi == nil || len(entry) != 2 {
		return Range{}, fmt.Errorf("%s, found the keys %q", want, slices.Sorted(maps.Keys(entry)))
	}
	r := Range{*lo, *hi}
	return r, r.Check()
}
