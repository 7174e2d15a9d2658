package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// WriteSafetensors writes a safetensors file: the tensors in the order given, and metadata (which may be nil) as the
// header's __metadata__, sorted by key. Equal arguments give equal bytes. The data starts at a multiple of 8 bytes; to
// have every tensor start at a multiple of its element size, as some readers like for memory mapping, give wide types
// first.
//
// Names must differ and must not be empty or "__metadata__". Complex128 has no safetensors name and is an error, as is
// a tensor whose Write delivers another number of bytes than its shape has; w then holds a part of a file
// (atomicfile.Write throws it away).
func WriteSafetensors(w io.Writer, metadata map[string]string, tensors []Output) error {
	if err := checkNames(tensors); err != nil {
		return err
	}
	sizes := make([]int64, len(tensors))
	header, err := buildSafetensorsHeader(metadata, tensors, sizes)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i := range tensors {
		if err := tensors[i].writeExactly(w, sizes[i]); err != nil {
			return err
		}
	}
	return nil
}

// buildSafetensorsHeader returns the length and the header, padded with spaces, and fills sizes with each tensor's
// bytes.
func buildSafetensorsHeader(metadata map[string]string, tensors []Output, sizes []int64) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\x00\x00\x00\x00\x00\x00\x00\x00{") // the length comes when it is known
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %s: not UTF-8 text", quote(k))
			}
		}
		b.WriteString(`"` + metadataKey + `":`)
		appendJSON(&b, metadata) // sorts the keys
	}
	at := int64(0)
	for i := range tensors {
		o := &tensors[i]
		dtype, ok := safetensorsName(o)
		if !ok {
			return nil, o.errorf("safetensors has no type for %v; convert it first", o.DType)
		}
		var err error
		if sizes[i], err = o.bytes(); err != nil {
			return nil, err
		}
		if sizes[i] > math.MaxInt64-at {
			return nil, o.errorf("the file would be larger than 2^63 bytes")
		}
		if b.Len() > len("LLLLLLLL{") {
			b.WriteByte(',')
		}
		appendJSON(&b, o.Name)
		fmt.Fprintf(&b, `:{"dtype":%q,"shape":`, dtype)
		appendJSON(&b, append([]int{}, o.Shape...)) // [] and not null for a scalar's nil shape
		fmt.Fprintf(&b, `,"data_offsets":[%d,%d]}`, at, at+sizes[i])
		at += sizes[i]
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if n := b.Len() - 8; n > maxSafetensorsHeader {
		return nil, fmt.Errorf("the names and metadata take %d bytes; safetensors allows %d", n, maxSafetensorsHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// safetensorsName returns the format's name of a tensor's type.
func safetensorsName(o *Output) (string, bool) {
	if o.unknown != "" {
		return o.unknown, true
	}
	for name, dtype := range safetensorsDTypes {
		if dtype == o.DType {
			return name, true
		}
	}
	return "", false
}

// appendJSON appends v without the escapes that HTML would need.
func appendJSON(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("checkpoint: strings and integers always encode: " + err.Error())
	}
	b.Truncate(b.Len() - 1) // the newline
}
