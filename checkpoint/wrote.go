package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// What marks the files of the writers, for Wrote: the comment of an npz's archive, the metadata of safetensors that begin
// with metaPrefix, and in an npy, which has no room to say anything, more blanks after the header than NumPy puts there (at
// most 63 for the alignment of the elements and 20 for a longer shape).
const (
	npzComment = "linquant"
	metaPrefix = "linquant."
	npyBlanks  = 128
)

// Wrote reports whether the file at path was written by WriteNPY or WriteNPZ, or by WriteSafetensors with metadata of
// linquant's own, and so may be overwritten without asking.
func Wrote(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	head := make([]byte, 4)
	if err := readFull(f, head, 0); err != nil {
		return false
	}
	switch {
	case string(head) == npyMagic[:4]:
		return paddedNPY(io.NewSectionReader(f, 0, info.Size()))
	case bytes.HasPrefix(head, []byte("PK")):
		z, err := zip.NewReader(f, info.Size())
		return err == nil && z.Comment == npzComment
	}
	c, err := readSafetensors(f, info.Size())
	if err != nil {
		return false
	}
	for key := range c.metadata {
		if strings.HasPrefix(key, metaPrefix) {
			return true
		}
	}
	return false
}

// paddedNPY reports whether an npy's header ends in as many blanks as WriteNPY writes.
func paddedNPY(r io.Reader) bool {
	var start [10]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:8]) != npyMagic+"\x01\x00" {
		return false
	}
	text := make([]byte, binary.LittleEndian.Uint16(start[8:]))
	if _, err := io.ReadFull(r, text); err != nil {
		return false
	}
	return len(text)-len(bytes.TrimRight(text, " \n"))-1 >= npyBlanks
}
