package checkpoint

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"linquant/internal/pickle"
)

// TorchTar is what torch.save wrote before PyTorch 0.1.10: a tar of pickles and storages.
const TorchTar Format = "pytorch-tar"

// It is known by three of its members.
var torchTarFormat = format{TorchTar, func(s *sample) (bool, error) {
	if s.archive != "" || !looksLikeTar(s.head) {
		return false, nil
	}
	const enough = 1000 // PyTorch's members come first
	t := tar.NewReader(io.NewSectionReader(s.r, 0, s.size))
	for s.archive = "tar"; len(s.members) < enough; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, fmt.Errorf("the tar archive is truncated or damaged (%w); copy or download it again", err)
		}
		switch path.Clean(h.Name) {
		case "pickle", "storages", "tensors":
			return true, nil
		}
		if h.Typeflag != tar.TypeDir {
			s.members = append(s.members, h.Name)
		}
	}
	return false, nil
}, readTorchTar}

// readTorchTar reads what torch.save wrote before PyTorch 0.1.10: a tar archive of "storages", "tensors" and the object
// in "pickle", which mentions tensors and storages by their numbers.
func readTorchTar(r io.ReaderAt, size int64) (*contents, error) {
	members, err := tarMembers(r, size)
	if err != nil {
		return nil, err
	}
	a := &torchTar{whole: size, outside: make(map[string]pickle.Value)}
	for _, step := range []struct {
		name string
		read func() error
	}{{"storages", a.storages}, {"tensors", a.tensors}} {
		m, ok := members[step.name]
		if !ok {
			return nil, missingMember(step.name)
		}
		a.enter(m)
		if err := step.read(); err != nil {
			return nil, fmt.Errorf("member %q: %w", step.name, err)
		}
	}
	m, ok := members["pickle"]
	if !ok {
		return nil, missingMember("pickle")
	}
	a.enter(m)
	saved, err := a.next(a.persistent)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", "pickle", err)
	}
	return a.contents(saved)
}

func missingMember(name string) error {
	return fmt.Errorf("the tar archive has no member %q, which every tar of torch.save has: it is truncated or something else", name)
}

// tarMembers finds the members of an archive by name.
func tarMembers(r io.ReaderAt, size int64) (map[string]*io.SectionReader, error) {
	whole := io.NewSectionReader(r, 0, size)
	t := tar.NewReader(whole)
	members := make(map[string]*io.SectionReader)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return members, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the tar archive is truncated or damaged (%w); copy or download it again", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		offset, err := whole.Seek(0, io.SeekCurrent) // the reader stops right behind a header
		if err != nil {
			return nil, err
		}
		if h.Size < 0 || h.Size > size-offset {
			return nil, fmt.Errorf("member %s of the tar archive reaches beyond the end of the file: it is truncated; copy or download it again",
				quote(h.Name))
		}
		members[path.Clean(h.Name)] = io.NewSectionReader(r, offset, h.Size)
	}
}

// torchTar reads one member after the other; torchFile is the one at work.
type torchTar struct {
	*torchFile
	whole   int64                   // bytes of the archive
	offset  int64                   // what of the member is read
	outside map[string]pickle.Value // *storage and *Tensor by number
}

// enter starts reading a member, as a file of its own, so that no length in it reaches beyond it.
func (a *torchTar) enter(m *io.SectionReader) {
	a.torchFile, a.offset = newTorchFile(m, m.Size()), 0
	a.limit(a.whole)
}

// next decodes the pickle at the offset and moves behind it.
func (a *torchTar) next(persistent func(pickle.Value) (pickle.Value, error)) (pickle.Value, error) {
	d := a.decoder(a.offset, a.size-a.offset, persistent)
	v, err := d.Decode()
	a.offset += d.Offset()
	return v, truncatedPickle(err)
}

// each decodes a number and then as many times a tuple of n, which it gives to read.
func (a *torchTar) each(n int, read func(items []pickle.Value) error) error {
	v, err := a.next(nil)
	if err != nil {
		return err
	}
	count, ok := v.(int64)
	if !ok {
		return errors.New("it does not start with a number: the file is damaged")
	}
	for range count {
		v, err := a.next(nil)
		if err != nil {
			return err
		}
		items, _ := sequence(v)
		if len(items) != n {
			return fmt.Errorf("an entry is no tuple of %d: the file is damaged", n)
		}
		if err := read(items); err != nil {
			return err
		}
	}
	return nil
}

// storages reads tuples (number, location, class), each followed by the count of elements and the elements; then a list
// of views (number, number of the whole, offset, elements).
func (a *torchTar) storages() error {
	err := a.each(3, func(items []pickle.Value) error {
		key, err := storageKey(items[0])
		if err != nil {
			return err
		}
		class, err := storageClassOf(items[2])
		if err != nil {
			return err
		}
		b, err := a.counted(a.offset, class)
		if err != nil {
			return err
		}
		a.offset = b.offset + b.size
		a.outside[key] = &storage{storageClass: class, block: &b, length: b.size}
		return nil
	})
	if err != nil {
		return err
	}
	v, err := a.next(nil)
	if err != nil {
		return err
	}
	views, _ := sequence(v)
	for _, view := range views {
		if err := a.storageView(view); err != nil {
			return err
		}
	}
	return nil
}

func (a *torchTar) storageView(v pickle.Value) error {
	n, ok := numbers(v)
	if !ok || len(n) != 4 {
		return errors.New("a view of a storage is not described by four numbers: the file is damaged")
	}
	whole, err := a.storage(n[1])
	if err != nil {
		return err
	}
	view := *whole
	if view.start, err = whole.bytesFor(n[2]); err != nil {
		return err
	}
	if view.length, err = whole.bytesFor(n[3]); err != nil {
		return err
	}
	if view.start > whole.length || view.length > whole.length-view.start {
		return errors.New("a view of a storage reaches outside of it: the file is damaged")
	}
	view.start += whole.start
	key, err := storageKey(n[0])
	a.outside[key] = &view
	return err
}

// storage returns the storage of a number.
func (a *torchTar) storage(number pickle.Value) (*storage, error) {
	key, err := storageKey(number)
	if err != nil {
		return nil, err
	}
	s, ok := a.outside[key].(*storage)
	if !ok {
		return nil, fmt.Errorf("there is no storage %s: the file is damaged", quote(key))
	}
	return s, nil
}

// tensors reads tuples (number, number of the storage, class), each followed by the dimensions in binary: their count
// in eight bytes of which four count, sizes, strides, offset.
func (a *torchTar) tensors() error {
	return a.each(3, func(items []pickle.Value) error {
		key, err := storageKey(items[0])
		if err != nil {
			return err
		}
		s, err := a.storage(items[1])
		if err != nil {
			return err
		}
		count, err := a.int64s(1)
		if err != nil {
			return err
		}
		dims := int32(count[0])
		if dims < 0 || dims > maxDims {
			return fmt.Errorf("a tensor of %d dimensions: the file is damaged", dims)
		}
		n, err := a.int64s(2*int(dims) + 1)
		if err != nil {
			return err
		}
		t, err := a.place(s, s.dtype, n[2*dims], n[:dims], n[dims:2*dims])
		if err != nil {
			return inTensor("tensor", key, err)
		}
		a.outside[key] = t
		return nil
	})
}

// int64s reads n numbers at the offset and moves behind them.
func (a *torchTar) int64s(n int) ([]int64, error) {
	buf := make([]byte, 8*n)
	if err := readFull(a.r, buf, a.offset); err != nil {
		return nil, err
	}
	a.offset += int64(len(buf))
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(buf[8*i:]))
	}
	return out, nil
}

// persistent returns the tensor or storage of a number, which is written as text.
func (a *torchTar) persistent(id pickle.Value) (pickle.Value, error) {
	key, err := storageKey(id)
	if err != nil {
		return nil, errors.New("the pickle mentions something by another thing than a number: a whole pickled module, or damage; " +
			"load the file in an old PyTorch (up to 1.13) and save its state_dict")
	}
	v, ok := a.outside[key]
	if !ok {
		return nil, fmt.Errorf("the pickle mentions %s, which is no tensor of the file: it is damaged", quote(key))
	}
	return v, nil
}
