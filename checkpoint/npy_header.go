package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"linquant/tensor"
)

// The npy layout (NEP 1, numpy.lib.format): the magic string, a major and a minor version, the little-endian length of
// the header (2 bytes in version 1, 4 in versions 2 and 3), the header, a Python dictionary in text, and the elements.

const npyMagic = "\x93NUMPY"

// maxNPYHeader bounds the header in bytes, as numpy.load does (max_header_size). NumPy writes 118 for most arrays and
// some two thousand for the largest rank.
const maxNPYHeader = 10_000

// npyHeader is what a header says of the array that follows it.
type npyHeader struct {
	dtype     tensor.DType
	bigEndian bool
	fortran   bool // column-major
	shape     tensor.Shape
	bytes     int   // of the elements
	offset    int64 // of the elements, from the magic
}

// parseNPYHeader reads the header from the start of r.
func parseNPYHeader(r io.Reader) (npyHeader, error) {
	truncated := errHeaderEnds
	var start [12]byte
	if _, err := io.ReadFull(r, start[:8]); err != nil {
		return npyHeader{}, endOr(err, truncated)
	}
	if string(start[:6]) != npyMagic {
		return npyHeader{}, errors.New("not an npy array: the magic string is missing")
	}
	lengthBytes := 4
	switch start[6] {
	case 1:
		lengthBytes = 2
	case 2, 3:
	default:
		return npyHeader{}, unsupported("npy version %d.%d is not known (1.0, 2.0 and 3.0 are); load the array with "+
			"NumPy and save it again", start[6], start[7])
	}
	if _, err := io.ReadFull(r, start[8:8+lengthBytes]); err != nil {
		return npyHeader{}, endOr(err, truncated)
	}
	n := binary.LittleEndian.Uint32(start[8:]) // the upper half is zero in version 1
	if n > maxNPYHeader {
		return npyHeader{}, fmt.Errorf("the npy header is to be %d bytes long, more than any array of numbers needs "+
			"(%d)", n, maxNPYHeader)
	}
	// A buffer that grows with what is there, not with what is claimed.
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, int64(n)); err != nil {
		return npyHeader{}, endOr(err, truncated)
	}
	h, err := parseNPYDict(text.String())
	if err != nil {
		return npyHeader{}, fmt.Errorf("npy header: %w", err)
	}
	h.offset = int64(8+lengthBytes) + int64(n)
	return h, nil
}

var errHeaderEnds = errors.New("the file ends inside the npy header: it is truncated; copy or download it again")

// endOr returns ended if err says that the input was too short, and err otherwise.
func endOr(err, ended error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return ended
	}
	return err
}

// parseNPYDict reads the dictionary. Its three keys may come in any order, once each.
func parseNPYDict(text string) (npyHeader, error) {
	var (
		h    npyHeader
		dims []uint64
		p    = literal{text}
		seen = map[string]bool{}
	)
	if err := p.expect("{"); err != nil {
		return h, err
	}
	for !p.accept("}") {
		key, err := p.str()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("two entries named %s", quote(key))
		}
		seen[key] = true
		if err := p.expect(":"); err != nil {
			return h, err
		}
		switch key {
		case "descr":
			if p.at("[") {
				return h, unsupported("a structured array (records with fields) is not one tensor; save each field as an " +
					"array of its own")
			}
			var descr string
			if descr, err = p.str(); err == nil {
				h.dtype, h.bigEndian, err = parseDescr(descr)
			}
		case "fortran_order":
			h.fortran, err = p.boolean()
		case "shape":
			dims, err = p.tuple()
		default:
			err = fmt.Errorf("an entry %s that the format does not know", quote(key))
		}
		if err != nil {
			return h, err
		}
		if !p.accept(",") && !p.at("}") {
			return h, p.unexpected("a comma or a closing brace")
		}
	}
	if p.skip(); p.rest != "" {
		return h, p.unexpected("the end")
	}
	if len(seen) != 3 {
		return h, errors.New("one of descr, fortran_order and shape is missing")
	}
	if len(dims) > maxNumPyRank {
		return h, fmt.Errorf("%d dimensions, and a NumPy array has at most %d", len(dims), maxNumPyRank)
	}
	var err error
	h.shape, h.bytes, err = extent(dims, h.dtype)
	return h, err
}

var npyDTypes = map[string]tensor.DType{
	"f8": tensor.Float64, "f4": tensor.Float32, "f2": tensor.Float16,
	"i8": tensor.Int64, "i4": tensor.Int32, "i2": tensor.Int16, "i1": tensor.Int8,
	"u8": tensor.Uint64, "u4": tensor.Uint32, "u2": tensor.Uint16, "u1": tensor.Uint8,
	"b1": tensor.Bool, "c8": tensor.Complex64, "c16": tensor.Complex128,
}

// parseDescr reads a type string of NumPy's array interface: byte order, kind and size in bytes.
func parseDescr(descr string) (dtype tensor.DType, bigEndian bool, err error) {
	if len(descr) >= 2 && strings.IndexByte("<>|", descr[0]) >= 0 {
		dtype := npyDTypes[descr[1:]]
		if dtype != tensor.Invalid && (descr[0] != '|' || dtype.Size() == 1) {
			return dtype, descr[0] == '>' && dtype.Size() > 1, nil
		}
	}
	what := "is not a type that can be read; convert the array, with astype('float32') for instance"
	switch kind := strings.TrimLeft(descr, "<>|="); {
	case strings.HasPrefix(kind, "O"):
		what = "is an array of Python objects, stored as a pickle, which is never run; save it as an array of numbers"
	case strings.HasPrefix(kind, "S"), strings.HasPrefix(kind, "U"), strings.HasPrefix(kind, "a"):
		what = "is an array of strings, not of numbers"
	case strings.HasPrefix(kind, "M"), strings.HasPrefix(kind, "m"):
		what = "is an array of dates or times, not of numbers"
	case strings.HasPrefix(kind, "V"):
		what = "is an array of raw bytes, perhaps bfloat16, for which npy has no name; " +
			"convert it with astype('float32'), or save it as safetensors"
	}
	return tensor.Invalid, false, unsupported("type %s %s", quote(descr), what)
}

// literal reads the few kinds of Python literals that a header is made of.
type literal struct{ rest string }

func (p *literal) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// at reports whether token comes next; accept also reads it.
func (p *literal) at(token string) bool {
	p.skip()
	return strings.HasPrefix(p.rest, token)
}

func (p *literal) accept(token string) bool {
	found := p.at(token)
	if found {
		p.rest = p.rest[len(token):]
	}
	return found
}

func (p *literal) expect(token string) error {
	if !p.accept(token) {
		return p.unexpected(strconv.Quote(token))
	}
	return nil
}

func (p *literal) unexpected(want string) error {
	if p.rest == "" {
		return fmt.Errorf("it ends where %s belongs", want)
	}
	return fmt.Errorf("%q where %s belongs", p.rest[:min(len(p.rest), 10)], want)
}

// str reads a string in either kind of quotes. NumPy's need no escapes, so one is an error.
func (p *literal) str() (string, error) {
	for _, mark := range []string{"'", `"`} {
		if !p.accept(mark) {
			continue
		}
		s, rest, closed := strings.Cut(p.rest, mark)
		if !closed || strings.Contains(s, `\`) {
			return "", p.unexpected("a plain string")
		}
		p.rest = rest
		return s, nil
	}
	return "", p.unexpected("a string")
}

func (p *literal) boolean() (bool, error) {
	if p.accept("True") {
		return true, nil
	}
	if p.accept("False") {
		return false, nil
	}
	return false, p.unexpected("True or False")
}

// tuple reads non-negative integers: "()", "(3,)" or "(3, 4)". Python 2 wrote "(3L, 4L)".
func (p *literal) tuple() ([]uint64, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []uint64
	for comma := true; !p.accept(")"); comma = p.accept(",") {
		p.skip()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.ParseUint(p.rest[:digits], 10, 64)
		if err != nil || !comma {
			return nil, p.unexpected("a non-negative 64-bit dimension")
		}
		list = append(list, n)
		p.rest = strings.TrimPrefix(p.rest[digits:], "L")
	}
	return list, nil
}
