package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"linquant/internal/pickle"
)

// torchFile is what the three layouts of PyTorch have in common: one pickle of the saved object, and storages outside
// it.
type torchFile struct {
	r    io.ReaderAt
	size int64

	viewLimit  int64 // bytes of a tensor that repeats elements: see place
	totalLimit int64 // bytes of all tensors: see named

	scales int64 // read so far, of all channels of all quantized tensors
	arrays int64 // bytes of NumPy arrays so far

	// rebuilt holds what was made of each call in the pickle, since tensors may be mentioned many times over.
	rebuilt map[*pickle.Object]*Tensor
}

func newTorchFile(r io.ReaderAt, size int64) *torchFile {
	f := &torchFile{r: r, size: size, rebuilt: make(map[*pickle.Object]*Tensor)}
	f.limit(size)
	return f
}

// limit sets what tensors may take by the bytes of the whole file.
func (f *torchFile) limit(whole int64) {
	f.viewLimit, f.totalLimit = max(viewFloor, viewFactor*whole), totalFloor+totalFactor*whole
}

// block is a run of bytes in the file. The legacy layout tells where only after the pickle.
type block struct {
	r            io.ReaderAt
	offset, size int64
	found        bool
	missing      error // why it was not found, if that is known
}

// storage is a block, or a part of one, that tensors are views of.
type storage struct {
	storageClass
	*block
	start, length int64 // the part of the block, in bytes
}

// where returns the file's offset and length of the storage, checked against the block.
func (s *storage) where() (offset, length int64, err error) {
	if s.missing != nil {
		return 0, 0, s.missing
	}
	if !s.found {
		return 0, 0, errors.New("its storage is not in the file: the file is truncated or damaged")
	}
	if s.start > s.size || s.length > s.size-s.start {
		return 0, 0, fmt.Errorf("its storage should have %d bytes from byte %d on, of the %d in the file: the file is damaged",
			s.length, s.start, s.size)
	}
	return s.offset + s.start, s.length, nil
}

// bytesFor returns the bytes of n elements of a storage class; n comes from a file.
func (c storageClass) bytesFor(n int64) (int64, error) {
	if n < 0 || n > math.MaxInt64/int64(c.dtype.Size()) {
		return 0, fmt.Errorf("a storage of %d elements: the file is damaged", n)
	}
	return n * int64(c.dtype.Size()), nil
}

// storageID is a persistent id of the zip and legacy layouts:
// ("storage", class, key, location, elements[, (view key, offset, elements)]).
type storageID struct {
	class    storageClass
	key      string
	elements int64
	view     []pickle.Value // nil where the storage is no view of another
}

func parseStorageID(id pickle.Value) (storageID, error) {
	var s storageID
	t, ok := id.(*pickle.Tuple)
	if !ok || len(t.Items) == 0 {
		return s, errors.New("a persistent id is not the tuple that PyTorch writes: the file is damaged")
	}
	if text(t.Items[0]) == "module" {
		return s, unsupported("the file holds a whole pickled module; " +
			"load it in PyTorch and save its state_dict: torch.save(model.state_dict(), path)")
	}
	if text(t.Items[0]) != "storage" || len(t.Items) < 5 {
		return s, errors.New("a persistent id names no storage: the file is damaged")
	}
	var err error
	if s.class, err = storageClassOf(t.Items[1]); err != nil {
		return s, err
	}
	if s.key, err = storageKey(t.Items[2]); err != nil {
		return s, err
	}
	if s.elements, ok = t.Items[4].(int64); !ok {
		return s, errors.New("the length of a storage is no number: the file is damaged")
	}
	if len(t.Items) > 5 && t.Items[5] != nil {
		view, ok := t.Items[5].(*pickle.Tuple)
		if !ok || len(view.Items) != 3 {
			return s, errors.New("a view of a storage is described in an unknown way: the file is damaged")
		}
		s.view = view.Items
	}
	return s, nil
}

// over returns the storage that the id describes as a part of b.
func (s storageID) over(b *block) (*storage, error) {
	length, err := s.class.bytesFor(s.elements)
	if err != nil {
		return nil, err
	}
	st := &storage{storageClass: s.class, block: b, length: length}
	if s.view != nil {
		offset, ok1 := s.view[1].(int64)
		elements, ok2 := s.view[2].(int64)
		if !ok1 || !ok2 {
			return nil, errors.New("a view of a storage has no numbers: the file is damaged")
		}
		if st.start, err = s.class.bytesFor(offset); err == nil {
			st.length, err = s.class.bytesFor(elements)
		}
	}
	return st, err
}

const maxKey = 256 // bytes of a storage's key

// storageKey returns a storage's key as text; PyTorch writes a string or, in the oldest files, the number of an
// address.
func storageKey(v pickle.Value) (string, error) {
	switch v := v.(type) {
	case string:
		if len(v) <= maxKey {
			return v, nil
		}
	case []byte:
		if len(v) <= maxKey {
			return string(v), nil
		}
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	return "", errors.New("the key of a storage is neither a short text nor a number: the file is damaged")
}

// text returns a string, or the bytes that Python 2 wrote for one if they are as few as a word that PyTorch knows has;
// "" for anything else.
func text(v pickle.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		if len(v) <= maxKey {
			return string(v)
		}
	}
	return ""
}

// decoder returns a decoder for the pickles in size bytes from offset on.
func (f *torchFile) decoder(offset, size int64, persistent func(pickle.Value) (pickle.Value, error)) *pickle.Decoder {
	d := pickle.NewDecoder(io.NewSectionReader(f.r, offset, size), f.size)
	d.Allow, d.Persistent = allowTorch, persistent
	return d
}

// truncatedPickle explains the file's end inside a pickle.
func truncatedPickle(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends inside its pickle: it is truncated; copy or download it again (%w)", err)
	}
	return err
}
