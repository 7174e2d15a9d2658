package checkpoint

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"linquant/tensor"
)

// Safetensors is a JSON header and then the data.
const Safetensors Format = "safetensors"

var safetensorsFormat = format{Safetensors, func(s *sample) (bool, error) {
	return looksLikeSafetensors(s.head, s.size), nil
}, readSafetensors}

// looksLikeSafetensors reports whether head is the length of a JSON object and its opening brace. A length beyond the
// file's end is let through if the object goes on as a header does, for the reader to call the file truncated.
func looksLikeSafetensors(head []byte, size int64) bool {
	if len(head) < 10 || head[8] != '{' {
		return false
	}
	length := binary.LittleEndian.Uint64(head)
	return length <= uint64(size-8) || head[9] == '"' && length < 1<<40
}

// The safetensors layout (github.com/huggingface/safetensors, "Format"): eight bytes, the little-endian length N of the
// header; N bytes of JSON that map each tensor's name to its dtype, shape and place; then the tensors' elements,
// row-major and little-endian, without gaps.

// maxSafetensorsHeader is the limit that the reference implementation sets to the header, in bytes.
const maxSafetensorsHeader = 100_000_000

// metadataKey is the header's one key that names no tensor.
const metadataKey = "__metadata__"

var safetensorsDTypes = map[string]tensor.DType{
	"F64": tensor.Float64, "F32": tensor.Float32, "F16": tensor.Float16, "BF16": tensor.BFloat16,
	"F8_E4M3": tensor.Float8E4M3FN, "F8_E5M2": tensor.Float8E5M2,
	"F8_E4M3FNUZ": tensor.Float8E4M3FNUZ, "F8_E5M2FNUZ": tensor.Float8E5M2FNUZ,
	"I64": tensor.Int64, "I32": tensor.Int32, "I16": tensor.Int16, "I8": tensor.Int8,
	"U64": tensor.Uint64, "U32": tensor.Uint32, "U16": tensor.Uint16, "U8": tensor.Uint8,
	"BOOL": tensor.Bool, "C64": tensor.Complex64,
}

// readSafetensors reads the header of a safetensors file.
func readSafetensors(r io.ReaderAt, size int64) (*contents, error) {
	header, err := safetensorsHeader(r, size)
	if err != nil {
		return nil, err
	}
	metadata, entries, err := parseSafetensorsHeader(header)
	if err != nil {
		return nil, fmt.Errorf("the safetensors header %w", err)
	}
	start := 8 + int64(len(header))
	if err := layOut(entries, uint64(size-start)); err != nil {
		return nil, err
	}
	c := &contents{metadata: metadata}
	for i := range entries {
		t, err := entries[i].tensor()
		if err != nil {
			return nil, inTensor("tensor", entries[i].name, err)
		}
		t.data = section{r, start + int64(entries[i].begin)}
		c.tensors = append(c.tensors, t)
	}
	return c, c.quantized()
}

// safetensorsHeader returns the header's JSON text. It allocates no more than the file is long.
func safetensorsHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var prefix [8]byte
	if err := readFull(r, prefix[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n > uint64(size-8):
		return nil, fmt.Errorf("the safetensors header is to be %d bytes long, but the file ends %d bytes after its "+
			"start: it is truncated; copy or download it again", n, size-8)
	case n > maxSafetensorsHeader:
		return nil, fmt.Errorf("the safetensors header is to be %d bytes long; the format allows %d", n, maxSafetensorsHeader)
	}
	header := make([]byte, n)
	if err := readFull(r, header, 8); err != nil {
		return nil, err
	}
	if !utf8.Valid(header) {
		return nil, fmt.Errorf("the safetensors header is not UTF-8 text: the file is damaged; copy or download it again")
	}
	return header, nil
}

// safetensorsEntry is one tensor as the header states it.
type safetensorsEntry struct {
	name       string
	dtype      string
	shape      []uint64
	begin, end uint64 // from the header's end
}

// layOut sorts the entries by their place and checks that they fill the size bytes of data without gap or overlap,
// which the format demands so that nothing can hide in a file and no byte means two things.
func layOut(entries []safetensorsEntry, size uint64) error {
	slices.SortStableFunc(entries, func(a, b safetensorsEntry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at uint64
	for i, e := range entries {
		switch {
		case e.end < e.begin:
			return fmt.Errorf("tensor %s ends at offset %d, before its start at %d", quote(e.name), e.end, e.begin)
		case e.end > size:
			return fmt.Errorf("tensor %s lies at offsets %d to %d, out of range: the file has %d bytes of data; if it is "+
				"truncated, copy or download it again", quote(e.name), e.begin, e.end, size)
		case e.begin < at:
			return fmt.Errorf("tensors %s and %s overlap: one ends at offset %d, the other starts at %d",
				quote(entries[i-1].name), quote(e.name), at, e.begin)
		case e.begin > at:
			return fmt.Errorf("a hole of %d bytes before tensor %s, at offset %d: the safetensors format allows none",
				e.begin-at, quote(e.name), at)
		}
		at = e.end
	}
	if at < size {
		return fmt.Errorf("%d bytes follow the last tensor's end at offset %d: the safetensors format allows none; "+
			"the file may be two files joined", size-at, at)
	}
	return nil
}

func (e *safetensorsEntry) tensor() (*Tensor, error) {
	dtype, ok := safetensorsDTypes[e.dtype]
	if !ok { // the others can be read all the same
		shape, _, err := extent(e.shape, tensor.Uint8)
		if err != nil {
			return nil, err
		}
		if e.dtype == "" || len(e.dtype) > 64 {
			return nil, fmt.Errorf("its dtype is no name of a type")
		}
		return &Tensor{Name: e.name, Shape: shape, unknown: e.dtype, packed: int64(e.end - e.begin)}, nil
	}
	shape, bytes, err := extent(e.shape, dtype)
	if err != nil {
		return nil, err
	}
	if uint64(bytes) != e.end-e.begin {
		return nil, fmt.Errorf("%s of shape %v takes %d bytes, but the offsets %d to %d hold %d",
			e.dtype, shape, bytes, e.begin, e.end, e.end-e.begin)
	}
	return &Tensor{Name: e.name, DType: dtype, Shape: shape}, nil
}
