package checkpoint

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// zipMembers returns the names of a zip archive's members, or ok false where the file is none.
func (s *sample) zipMembers() (names []string, ok bool, err error) {
	if !s.begins("PK\x03\x04") && !s.begins("PK\x05\x06") {
		return nil, false, nil
	}
	if s.archive != "" {
		return s.members, true, nil
	}
	z, err := openZip(s.r, s.size)
	if err != nil {
		return nil, false, err
	}
	s.archive = "zip"
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/") {
			s.members = append(s.members, f.Name)
		}
	}
	return s.members, true, nil
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
