package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"linquant/internal/pickle"
)

// TorchLegacy is what torch.save wrote before PyTorch 1.6: a stream of pickles, then the storages.
const TorchLegacy Format = "pytorch-legacy"

var torchLegacyFormat = format{TorchLegacy, func(s *sample) (bool, error) { return looksLikePickle(s.head), nil }, readTorchLegacy}

// looksLikePickle reports whether head starts with the opcode PROTO of protocol 2 to 5, or with the magic number of
// PyTorch's legacy layout as protocols 0 and 1 write it: in decimal.
func looksLikePickle(head []byte) bool {
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 {
		return true
	}
	return bytes.HasPrefix(head, []byte("L119547037146038801333356L"))
}

// The first two pickles of the legacy layout.
const (
	legacyMagic    = "1950a86a20f9469cfc6c" // hexadecimal
	legacyProtocol = 1001
)

// readTorchLegacy reads what torch.save wrote before PyTorch 1.6: five pickles (a magic number, the version, facts of
// the machine, the object, the keys of its storages), then for each key the number of elements and the elements.
func readTorchLegacy(r io.ReaderAt, size int64) (*contents, error) {
	f := newTorchFile(r, size)
	offset, err := f.legacyHeader()
	if err != nil {
		return nil, err
	}
	type root struct {
		*block
		class storageClass
	}
	roots := make(map[string]root)
	d := f.decoder(offset, f.size-offset, func(id pickle.Value) (pickle.Value, error) {
		s, err := parseStorageID(id)
		if err != nil {
			return nil, err
		}
		b, ok := roots[s.key]
		if !ok {
			b = root{&block{}, s.class} // the type of a storage's first mention is the one its length counts in
			roots[s.key] = b
		}
		return s.over(b.block)
	})
	saved, err := d.Decode()
	if err != nil {
		return nil, truncatedPickle(err)
	}
	keys, err := d.Decode()
	if err != nil {
		return nil, truncatedPickle(err)
	}
	list, ok := sequence(keys)
	if !ok {
		return nil, errors.New("the list of storages is none: the file is damaged")
	}
	offset += d.Offset()
	for _, k := range list {
		key, err := storageKey(k)
		if err != nil {
			return nil, err
		}
		b, ok := roots[key]
		if !ok || b.found {
			return nil, fmt.Errorf("storage %s is listed without use or twice: the file is damaged", quote(key))
		}
		counted, err := f.counted(offset, b.class)
		if err != nil {
			// Which tensor that is says more than which storage.
			b.missing = err
			if _, err := f.contents(saved); err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("storage %s: %w", quote(key), err)
		}
		*b.block = counted
		offset = b.offset + b.size
	}
	return f.contents(saved)
}

// legacyHeader reads the pickles before the object and returns where that starts.
func (f *torchFile) legacyHeader() (int64, error) {
	const room = 64 // the magic number has 15 bytes in binary, 27 in decimal
	head := pickle.NewDecoder(io.NewSectionReader(f.r, 0, min(f.size, room)), room)
	magic, err := head.Decode()
	want, _ := new(big.Int).SetString(legacyMagic, 16)
	if got, ok := magic.(*big.Int); err != nil || !ok || got.Cmp(want) != 0 {
		return 0, unsupported("this is a pickle, but not one of torch.save, or its first bytes are damaged; " +
			"load it where it was made and save its weights with torch.save or numpy.savez")
	}
	d := f.decoder(head.Offset(), f.size-head.Offset(), nil)
	version, err := d.Decode()
	if err != nil {
		return 0, truncatedPickle(err)
	}
	if version != int64(legacyProtocol) {
		return 0, fmt.Errorf("the version of the legacy layout is not %d: the file is damaged", legacyProtocol)
	}
	machine, err := d.Decode()
	if err != nil {
		return 0, truncatedPickle(err)
	}
	facts, ok := entries(machine)
	if !ok {
		return 0, errors.New("the third pickle does not describe a machine: the file is damaged")
	}
	for _, e := range facts {
		if text(e.Key) == "little_endian" && e.Value == false {
			return 0, errBigEndian
		}
	}
	return head.Offset() + d.Offset(), nil
}

// counted returns the block that starts at offset with the number of its elements.
func (f *torchFile) counted(offset int64, class storageClass) (block, error) {
	var count [8]byte
	if err := readFull(f.r, count[:], offset); err != nil {
		return block{}, err
	}
	offset += int64(len(count))
	size, err := class.bytesFor(int64(binary.LittleEndian.Uint64(count[:])))
	if err != nil {
		return block{}, err
	}
	if size > f.size-offset {
		return block{}, fmt.Errorf("its storage has %d bytes from byte %d on, but the file ends at byte %d: it is truncated; "+
			"copy or download it again",
			size, offset, f.size)
	}
	return block{r: f.r, offset: offset, size: size, found: true}, nil
}
