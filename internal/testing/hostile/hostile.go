// Package hostile makes small files that are meant to cost their reader much: bombs, lies about sizes, things that mention
// each other over and over. They are the same every time. Tests measure what each takes of a reader.
package hostile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// A Reader is what opens a file.
type Reader string

// The readers.
const (
	Picture    Reader = "picture"
	Checkpoint Reader = "checkpoint"
	Dataset    Reader = "dataset"
	Labels     Reader = "labels"
)

// File is a file, or a folder of some.
type File struct {
	Name   string
	Reader Reader
	Spec   string                   // of a data set: its kind
	Make   func() map[string][]byte // by name; the first in the order of names is the file, where there is no folder
}

// Size returns the bytes of all files.
func Size(files map[string][]byte) (n int) {
	for _, b := range files {
		n += len(b)
	}
	return n
}

// All returns every file.
func All() []File {
	var all []File
	for _, list := range [][]File{pictures(), checkpoints(), pickles(), datasets()} {
		all = append(all, list...)
	}
	return all
}

func one(reader Reader, name string, build func() []byte) File {
	return File{Name: name, Reader: reader, Make: func() map[string][]byte { return map[string][]byte{"file": build()} }}
}

// deflated is n zeros and then tail as deflate has them, made in no time: a piece of the stream is repeated. It is within
// a few hundredths of the most that deflate can shrink.
func deflated(head []byte, n int, tail []byte) []byte {
	const piece = 1 << 20
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	zeros := make([]byte, piece)
	put := func(p []byte) []byte {
		from := b.Len()
		_, _ = w.Write(p)
		_ = w.Flush()
		return b.Bytes()[from:]
	}
	put(head)
	first := min(n, piece)
	put(zeros[:first])
	n -= first
	var out []byte
	if n >= piece {
		segment := bytes.Clone(put(zeros)) // what it refers to are zeros as well
		n -= piece
		out = append(bytes.Clone(b.Bytes()), bytes.Repeat(segment, n/piece)...)
		n %= piece
		b.Reset()
	}
	put(zeros[:n])
	put(tail)
	_ = w.Close()
	return append(out, b.Bytes()...)
}

// crcZeros is the checksum of head, n zeros and tail.
func crcZeros(head []byte, n int, tail []byte) uint32 {
	zeros := make([]byte, 1<<20)
	c := crc32.ChecksumIEEE(head)
	for ; n > 0; n -= len(zeros) {
		c = crc32.Update(c, crc32.IEEETable, zeros[:min(n, len(zeros))])
	}
	return crc32.Update(c, crc32.IEEETable, tail)
}

// gzipped is head and n zeros.
func gzipped(head []byte, n int) []byte {
	b := append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), deflated(head, n, nil)...)
	b = binary.LittleEndian.AppendUint32(b, crcZeros(head, n, nil))
	return binary.LittleEndian.AppendUint32(b, uint32(len(head)+n))
}

// repeat is n times s.
func repeat(n int, s string) string { return strings.Repeat(s, n) }

// numbered is n times what each makes of a number.
func numbered(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

// noise is n bytes without order.
func noise(n int) []byte {
	b := make([]byte, n)
	state := uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = byte(state >> 24)
	}
	return b
}
