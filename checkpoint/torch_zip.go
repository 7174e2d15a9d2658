package checkpoint

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"linquant/internal/foreign"
	"linquant/internal/pickle"
)

// TorchZip is what torch.save writes since PyTorch 1.6: a zip of one pickle and one file per storage.
const TorchZip Format = "pytorch-zip"

var torchZipFormat = format{TorchZip, func(s *sample) (bool, error) {
	names, ok, err := s.zipMembers()
	return ok && slices.ContainsFunc(names, func(name string) bool { return path.Base(name) == "data.pkl" }), err
}, readTorchZip}

// readTorchZip reads what torch.save writes since PyTorch 1.6: a zip archive of ROOT/data.pkl, the object, and
// ROOT/data/KEY, one uncompressed member for each storage.
func readTorchZip(r io.ReaderAt, size int64) (*contents, error) {
	z, err := openZip(r, size)
	if err != nil {
		return nil, err
	}
	members := make(map[string]*zip.File, len(z.File))
	var root string
	var object *zip.File
	for _, m := range z.File {
		name := m.Name
		members[name] = m
		if dir, base := path.Split(name); base == "data.pkl" && (object == nil || len(dir) < len(root)) {
			object, root = m, dir
		}
	}
	for name := range members {
		// Below the root only: the root itself is named as the file was, which may have been code.pt.
		if name == root+"constants.pkl" || strings.HasPrefix(name, root+"code/") {
			return nil, unsupportedError{&foreign.Error{Kind: foreign.TorchScript}}
		}
	}
	if object == nil {
		return nil, errors.New("the zip archive has no data.pkl, which every file of torch.save has")
	}
	f := newTorchFile(r, size)
	if err := littleEndianOrder(f, members[root+"byteorder"]); err != nil {
		return nil, err
	}
	blocks := make(map[string]*block)
	start, err := f.stored(object)
	if err != nil {
		return nil, err
	}
	d := f.decoder(start.offset, start.size, func(id pickle.Value) (pickle.Value, error) {
		s, err := parseStorageID(id)
		if err != nil {
			return nil, err
		}
		b := blocks[s.key]
		if b == nil {
			if b, err = f.stored(members[root+"data/"+s.key]); err != nil {
				return nil, fmt.Errorf("storage %s: %w", quote(s.key), err)
			}
			blocks[s.key] = b
		}
		return s.over(b)
	})
	saved, err := d.Decode()
	if err != nil {
		return nil, truncatedPickle(err)
	}
	return f.contents(saved)
}

// stored returns where the bytes of a member are, which must not be compressed.
func (f *torchFile) stored(m *zip.File) (*block, error) {
	if m == nil {
		return &block{}, nil // an error for the tensors with elements in it
	}
	if m.Method != zip.Store {
		return nil, unsupported("member %s is compressed, which torch.save never does; load the file in PyTorch and save it again",
			quote(m.Name))
	}
	offset, err := m.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("member %s of the zip archive is damaged (%w); copy or download the file again", quote(m.Name), err)
	}
	if m.UncompressedSize64 != m.CompressedSize64 {
		return nil, fmt.Errorf("member %s of the zip archive is stored, but its two sizes differ (%d and %d bytes): the archive "+
			"is damaged", quote(m.Name), m.CompressedSize64, m.UncompressedSize64)
	}
	if length := m.UncompressedSize64; offset < 0 || offset > f.size || length > uint64(f.size-offset) {
		return nil, fmt.Errorf("member %s of the zip archive reaches beyond the end of the file: it is damaged", quote(m.Name))
	}
	return &block{r: f.r, offset: offset, size: int64(m.UncompressedSize64), found: true}, nil
}

// littleEndianOrder refuses the storages of a big-endian machine, which newer versions of PyTorch mark.
func littleEndianOrder(f *torchFile, m *zip.File) error {
	if m == nil {
		return nil
	}
	b, err := f.stored(m)
	if err != nil {
		return err
	}
	order := make([]byte, min(b.size, 16))
	if err := readFull(f.r, order, b.offset); err != nil {
		return err
	}
	if string(order) != "little" {
		return errBigEndian
	}
	return nil
}

var errBigEndian = unsupported("the file was saved on a big-endian machine; load it in PyTorch on a usual machine and save it again")
