package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// headerParser reads a safetensors header token by token. Unmarshal would not do: of two equal keys it keeps the last
// one silently, and it builds whatever a file nests. Here each key may occur once, and nothing is deeper than the
// format says.
type headerParser struct{ dec *json.Decoder }

// parseSafetensorsHeader returns the metadata and the entries in the order of the header. Errors go on after "the
// header".
func parseSafetensorsHeader(header []byte) (map[string]string, []safetensorsEntry, error) {
	p := headerParser{json.NewDecoder(bytes.NewReader(header))}
	p.dec.UseNumber()
	var (
		metadata map[string]string
		entries  []safetensorsEntry
	)
	err := p.object(func(key string) (err error) {
		if key == metadataKey {
			metadata, err = p.metadata()
			return err
		}
		e, err := p.entry()
		e.name = key
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, nil, errors.New("has something after its closing brace")
	}
	return metadata, entries, nil
}

// metadata reads an object of strings.
func (p headerParser) metadata() (map[string]string, error) {
	m := map[string]string{}
	return m, p.object(func(key string) error {
		value, err := p.string()
		m[key] = value
		return err
	})
}

// entry reads the object that describes a tensor.
func (p headerParser) entry() (safetensorsEntry, error) {
	var (
		e       safetensorsEntry
		offsets []uint64
		seen    int
	)
	err := p.object(func(key string) (err error) {
		seen++
		switch key {
		case "dtype":
			e.dtype, err = p.string()
		case "shape":
			e.shape, err = p.numbers()
		case "data_offsets":
			offsets, err = p.numbers()
		default:
			return fmt.Errorf("has a field %s that the format does not know", quote(key))
		}
		return err
	})
	if err != nil {
		return e, err
	}
	if seen != 3 || len(offsets) != 2 {
		return e, errors.New("lacks one of dtype, shape and data_offsets (a begin and an end)")
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, nil
}

// object reads an object and calls value after each key, to read what belongs to it. Its errors name the key.
func (p headerParser) object(value func(key string) error) error {
	if err := p.delim('{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		key, err := p.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("has two entries named %s", quote(key))
		}
		seen[key] = true
		if err := value(key); err != nil {
			return fmt.Errorf("at %s %w", quote(key), err)
		}
	}
	return p.delim('}', "a closing brace")
}

// numbers reads an array of at most maxDims non-negative integers.
func (p headerParser) numbers() ([]uint64, error) {
	if err := p.delim('[', "an array"); err != nil {
		return nil, err
	}
	var list []uint64
	for p.dec.More() {
		token, err := p.token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("has %s where a number belongs", describe(token))
		}
		n, err := strconv.ParseUint(string(number), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("has %s where a non-negative 64-bit integer belongs", quote(string(number)))
		}
		if list = append(list, n); len(list) > maxDims {
			return nil, fmt.Errorf("has more than %d numbers; no tensor has so many dimensions", maxDims)
		}
	}
	return list, p.delim(']', "a closing bracket")
}

func (p headerParser) string() (string, error) {
	token, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("has %s where a string belongs", describe(token))
	}
	return s, nil
}

func (p headerParser) delim(want json.Delim, name string) error {
	token, err := p.token()
	if err == nil && token != want {
		err = fmt.Errorf("has %s where %s belongs", describe(token), name)
	}
	return err
}

func (p headerParser) token() (json.Token, error) {
	token, err := p.dec.Token()
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("ends in the middle: the file is damaged; copy or download it again")
	}
	if err != nil {
		return nil, fmt.Errorf("is not JSON at byte %d (%v): the file is damaged; copy or download it again",
			p.dec.InputOffset(), err)
	}
	return token, nil
}

// describe words a JSON token for an error.
func describe(token json.Token) string {
	switch v := token.(type) {
	case json.Delim:
		return strconv.Quote(v.String())
	case string:
		return "the string " + quote(v)
	case json.Number:
		return "the number " + quote(string(v))
	case nil:
		return "null"
	}
	return fmt.Sprint(token)
}
