package checkpoint

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// reader opens one format: it reads the directory of a file of size bytes, checks every size in it against the file,
// and returns the tensors unread.
type reader func(r io.ReaderAt, size int64) (*contents, error)

// sniff tells a file's format from its first bytes (and, for a zip or a tar, the names in it) and returns the reader
// for it. What is known but not a checkpoint is an error that names it and the way out.
func sniff(r io.ReaderAt, size int64) (Format, reader, error) {
	head := make([]byte, min(size, tarBlock))
	if err := readFull(r, head, 0); err != nil {
		return Unknown, nil, err
	}
	switch {
	case hasPrefix(head, "PK\x03\x04"), hasPrefix(head, "PK\x05\x06"):
		return sniffZip(r, size)
	case hasPrefix(head, npyMagic):
		return NPY, readNPY, nil
	case looksLikeSafetensors(head, size):
		return Safetensors, readSafetensors, nil
	case looksLikePickle(head):
		return TorchLegacy, readTorchLegacy, nil
	case looksLikeTar(head):
		return sniffTar(r, size)
	}
	return Unknown, nil, refuse(head)
}

func hasPrefix(b []byte, prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }

// looksLikeSafetensors reports whether head is the length of a JSON object and its opening brace. A length beyond the
// file's end is let through if the object goes on as a header does, for the reader to call the file truncated.
func looksLikeSafetensors(head []byte, size int64) bool {
	if len(head) < 10 || head[8] != '{' {
		return false
	}
	length := binary.LittleEndian.Uint64(head)
	return length <= uint64(size-8) || head[9] == '"' && length < 1<<40
}

// looksLikePickle reports whether head starts with the opcode PROTO of protocol 2 to 5, or with the magic number of
// PyTorch's legacy layout as protocols 0 and 1 write it: in decimal.
func looksLikePickle(head []byte) bool {
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 {
		return true
	}
	return hasPrefix(head, "L119547037146038801333356L")
}

// sniffZip tells the kinds of zip archives apart by the names of their members. The empty archive is an NPZ without
// arrays, as numpy.savez writes it.
func sniffZip(r io.ReaderAt, size int64) (Format, reader, error) {
	z, err := openZip(r, size)
	if err != nil {
		return Unknown, nil, err
	}
	var names []string
	arrays := true
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if path.Base(f.Name) == "data.pkl" {
			return TorchZip, readTorchZip, nil
		}
		arrays = arrays && strings.HasSuffix(f.Name, npySuffix)
		names = append(names, f.Name)
	}
	if arrays {
		return NPZ, readNPZ, nil
	}
	return Unknown, nil, refuseArchive("zip", names)
}

// openZip reads a zip archive's directory and checks that the file has room for all members.
func openZip(r io.ReaderAt, size int64) (*zip.Reader, error) {
	z, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) {
		return nil, errors.New("the zip archive has no valid directory at its end: it is truncated or damaged; copy " +
			"or download it again")
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // nothing is unpacked, so any member name will do
		return nil, fmt.Errorf("the zip archive is damaged (%w); copy or download it again", err)
	}
	// Members that share bytes would let a small archive hold, and make readers read, any amount.
	left := uint64(size)
	for _, f := range z.File {
		if f.CompressedSize64 > uint64(size) {
			continue // for its reader to refuse, by its name
		}
		if f.CompressedSize64 > left {
			return nil, errors.New("the members of the zip archive have more bytes than the file: it is truncated or " +
				"damaged; copy or download it again")
		}
		left -= f.CompressedSize64
	}
	return z, nil
}

const tarBlock = 512

// looksLikeTar reports whether head is the header of a tar member: one with the mark of POSIX tar, or, since the oldest
// tars have none, one whose checksum is right.
func looksLikeTar(head []byte) bool {
	if len(head) < tarBlock {
		return false
	}
	if string(head[257:262]) == "ustar" {
		return true
	}
	field := head[148:156]
	want, err := strconv.ParseUint(strings.Trim(string(field), " \x00"), 8, 32)
	if err != nil || head[0] == 0 {
		return false
	}
	sum := uint64(len(field)) * ' ' // the field counts as spaces in its own checksum
	for i, b := range head {
		if i < 148 || i >= 156 {
			sum += uint64(b)
		}
	}
	return sum == want
}

// sniffTar accepts the archive that torch.save wrote before 0.1.10, known by three members.
func sniffTar(r io.ReaderAt, size int64) (Format, reader, error) {
	const enough = 1000 // PyTorch's members come first
	t := tar.NewReader(io.NewSectionReader(r, 0, size))
	var names []string
	for len(names) < enough {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Unknown, nil, fmt.Errorf("the tar archive is truncated or damaged (%w); copy or download it again", err)
		}
		switch path.Clean(h.Name) {
		case "pickle", "storages", "tensors":
			return TorchTar, readTorchTar, nil
		}
		if h.Typeflag != tar.TypeDir {
			names = append(names, h.Name)
		}
	}
	return Unknown, nil, refuseArchive("tar", names)
}
