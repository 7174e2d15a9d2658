package checkpoint

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// NPZ is a zip of NumPy arrays.
const NPZ Format = "npz"

// The empty archive is one without arrays, as numpy.savez writes it.
var npzFormat = format{NPZ, func(s *sample) (bool, error) {
	names, ok, err := s.zipMembers()
	return ok && !slices.ContainsFunc(names, func(name string) bool { return !strings.HasSuffix(name, npySuffix) }), err
}, readNPZ}

// npySuffix ends the name of each member of an npz; the array's name is what stands before.
const npySuffix = ".npy"

// maxDeflateRatio is the most that deflate can shrink: a match of 258 bytes takes at least two bits.
const maxDeflateRatio = 1032

// readNPZ reads the directory of an npz file and the header of each array in it, which is all that it inflates.
func readNPZ(r io.ReaderAt, size int64) (*contents, error) {
	z, err := openZip(r, size)
	if err != nil {
		return nil, err
	}
	c := &contents{}
	spent := &inflated{size: size}
	seen := map[string]bool{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		name := strings.TrimSuffix(f.Name, npySuffix)
		if seen[name] {
			return nil, fmt.Errorf("the npz has two arrays named %s", quote(name))
		}
		seen[name] = true
		t, err := readMember(f, name, r, spent)
		if err != nil {
			return nil, inTensor("array", name, err)
		}
		c.tensors = append(c.tensors, t)
	}
	return c, nil
}

// readMember reads the npy header of a zip member and checks the sizes that header, member and file state.
func readMember(f *zip.File, name string, r io.ReaderAt, spent *inflated) (*Tensor, error) {
	size := spent.size
	const encrypted = 1 // bit 0 of a member's flags
	if f.Flags&encrypted != 0 {
		return nil, unsupported("the zip member is encrypted; unpack the archive with its password and zip it anew")
	}
	offset, err := f.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("the zip member is damaged (%w); copy or download the file again", err)
	}
	if offset > size || f.CompressedSize64 > uint64(size-offset) {
		return nil, fmt.Errorf("the zip member is to have %d bytes at offset %d, but the file has %d: it is "+
			"truncated; copy or download it again", f.CompressedSize64, offset, size)
	}
	switch {
	case f.Method == zip.Store && f.UncompressedSize64 != f.CompressedSize64:
		return nil, fmt.Errorf("the zip member is stored, but its two sizes differ (%d and %d bytes): the archive is "+
			"damaged", f.CompressedSize64, f.UncompressedSize64)
	case f.Method == zip.Deflate && f.UncompressedSize64/maxDeflateRatio > f.CompressedSize64:
		return nil, fmt.Errorf("the zip member claims to inflate %d bytes to %d, more than deflate can: the archive "+
			"is damaged or made to exhaust memory", f.CompressedSize64, f.UncompressedSize64)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return nil, unsupported("the zip member is compressed with method %d; save it with numpy.savez or "+
			"numpy.savez_compressed", f.Method)
	}
	member, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer member.Close()
	h, err := parseNPYHeader(member)
	if corrupt := flate.CorruptInputError(0); errors.As(err, &corrupt) || errors.Is(err, zip.ErrChecksum) {
		return nil, damagedMember(err)
	}
	if err != nil {
		return nil, err
	}
	// The ratio above keeps the size far below the int64 range.
	if err := h.checkLength(int64(f.UncompressedSize64)); err != nil {
		return nil, err
	}
	if f.Method == zip.Store {
		return h.tensor(name, section{r, offset + h.offset}), nil
	}
	t := h.tensor(name, deflated{f, h.offset})
	t.inflation = spent
	return t, nil
}

// deflated is the elements of a compressed member, after the npy header of skip bytes.
type deflated struct {
	member *zip.File
	skip   int64
}

func (d deflated) readAll(dst []byte) error {
	r, err := d.member.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyN(io.Discard, r, d.skip)
	if err == nil {
		_, err = io.ReadFull(r, dst)
	}
	if err == nil {
		// Only at the end is the checksum compared.
		var n int64
		if n, err = io.Copy(io.Discard, io.LimitReader(r, 1)); n > 0 {
			err = errors.New("longer than its directory says")
		}
	}
	if err != nil {
		return damagedMember(err)
	}
	return nil
}

// damagedMember says what to do about a member that does not inflate. An error of the disk stays what it is.
func damagedMember(err error) error {
	if errors.As(err, new(callerError)) {
		return err
	}
	return fmt.Errorf("the compressed data is damaged (%w); copy or download the file again", err)
}
