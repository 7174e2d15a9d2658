package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"linquant/internal/ended"
	"linquant/internal/pickle"
)

// openPythonBatch opens a batch of the Python form, a pickled dict with the images as an array and the labels as a
// list. Where the file has the array's bytes as they are, as the original's has, examples are read from there when they
// are asked for; otherwise the batch, 30 MB, stays in memory.
func openPythonBatch(ctx context.Context, path string) (cifarBatch, error) {
	f, err := openRegular(path)
	if err != nil {
		return cifarBatch{}, err
	}
	size, err := fileSize(f)
	if err != nil {
		return cifarBatch{}, errors.Join(err, f.Close())
	}
	b, err := readPythonBatch(&source{ctx: ctx, r: f}, size)
	if err != nil {
		return cifarBatch{}, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	offset, err := locate(ctx, f, b.pixels)
	if err != nil {
		return cifarBatch{}, errors.Join(err, f.Close())
	}
	batch := cifarBatch{path: path, n: len(b.labels)}
	if offset < 0 {
		batch.image = func(i int, record []byte) error {
			record[0] = b.labels[i]
			copy(record[1:], b.pixels[i*cifarPixels:])
			return nil
		}
		return batch, f.Close()
	}
	labels := b.labels // and not b, so that the pixels can be freed
	batch.Closer = f
	batch.image = func(i int, record []byte) error {
		record[0] = labels[i]
		_, err := f.ReadAt(record[1:], offset+int64(i)*cifarPixels)
		if err == io.EOF {
			err = fmt.Errorf("%s: the file ends before example %d", path, i)
		}
		return err
	}
	return batch, nil
}

// pythonBatch is the content of one file: as many times cifarPixels bytes as labels.
type pythonBatch struct {
	pixels []byte
	labels []byte
}

// readPythonBatch decodes a batch. The pickle is data: nothing in it is called.
func readPythonBatch(r io.Reader, size int64) (pythonBatch, error) {
	dict, err := decodeDict(r, size)
	if err != nil {
		return pythonBatch{}, err
	}
	data, err := pickledArray(lookup(dict, "data"))
	switch {
	case err != nil:
		return pythonBatch{}, fmt.Errorf("its \"data\" is %w; take the batch from cifar-10-python.tar.gz", err)
	case data.dtype != "u1" || len(data.shape) != 2 || data.shape[1] != cifarPixels:
		return pythonBatch{}, fmt.Errorf("its \"data\" is an array of type %.10q and shape %v, not of bytes ('u1') and "+
			"[N, %d]; take the batch from cifar-10-python.tar.gz", data.dtype, data.shape, cifarPixels)
	}
	n := int64(len(data.data)) / cifarPixels
	if n != data.shape[0] || int64(len(data.data))%cifarPixels != 0 {
		return pythonBatch{}, fmt.Errorf("its \"data\" has %d bytes and not those of shape %v; the file is damaged: "+
			"unpack it again", len(data.data), data.shape)
	}
	labels, err := pickledLabels(dict)
	if err != nil {
		return pythonBatch{}, err
	}
	if len(labels) != int(n) || n == 0 {
		return pythonBatch{}, fmt.Errorf("%d images and %d labels; the file is damaged: unpack it again", n, len(labels))
	}
	return pythonBatch{data.data, labels}, nil
}

// decodeDict decodes a pickle that is a dict.
func decodeDict(r io.Reader, size int64) (*pickle.Dict, error) {
	d := pickle.NewDecoder(r, size)
	d.Allow = allowNumpy
	v, err := d.Decode()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w; the file is truncated: unpack it again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; CIFAR-10's Python batches are pickles: unpack the file again", err)
	}
	dict, ok := v.(*pickle.Dict)
	if !ok {
		return nil, errors.New("the pickle is no dict; take the file from cifar-10-python.tar.gz")
	}
	return dict, nil
}

// lookup returns the value of a key that is text or, as Python 3 reads the original files, bytes; nil if it is missing.
func lookup(d *pickle.Dict, key string) (value pickle.Value) {
	for _, e := range d.Entries { // a later entry replaces an earlier one
		if is(e.Key, key) {
			value = e.Value
		}
	}
	return value
}

// pickledLabels returns the labels, from a list or an array of integers.
func pickledLabels(dict *pickle.Dict) ([]byte, error) {
	var labels []byte
	var wrong error
	add := func(label int64) {
		if label < 0 || label >= int64(len(cifarClasses)) {
			wrong = fmt.Errorf("example %d has the label %d, but CIFAR-10 has %d classes; the file is damaged, or of another "+
				"data set", len(labels), label, len(cifarClasses))
		}
		labels = append(labels, byte(label))
	}
	switch v := lookup(dict, "labels").(type) {
	case *pickle.List:
		for i, item := range v.Items {
			label, ok := item.(int64)
			if !ok {
				return nil, fmt.Errorf("label %d is no integer; take the batch from cifar-10-python.tar.gz", i)
			}
			if add(label); wrong != nil {
				return nil, wrong
			}
		}
	case *pickle.Object:
		a, err := pickledArray(v)
		if err != nil {
			return nil, fmt.Errorf("its \"labels\" are %w; take the batch from cifar-10-python.tar.gz", err)
		}
		size := map[string]int{"u1": 1, "i1": 1, "i4": 4, "i8": 8}[a.dtype]
		if size == 0 || len(a.shape) != 1 || len(a.data)%size != 0 {
			return nil, errors.New("its \"labels\" are no list of integers; take the batch from cifar-10-python.tar.gz")
		}
		for b := a.data; len(b) > 0; b = b[size:] {
			var word [8]byte
			copy(word[:], b[:size])
			if add(int64(binary.LittleEndian.Uint64(word[:]))); wrong != nil {
				return nil, wrong
			}
		}
	case nil:
		if lookup(dict, "fine_labels") != nil {
			return nil, errors.New("this is CIFAR-100; only CIFAR-10 is supported. Save its images with numpy.savez(x=…, " +
				"y=…) and name them npz:FILE")
		}
		return nil, errors.New("it has no \"labels\"; take the batch from cifar-10-python.tar.gz")
	default:
		return nil, errors.New("its \"labels\" are no list; take the batch from cifar-10-python.tar.gz")
	}
	return labels, nil
}

// pythonClassNames reads the class names in batches.meta; without the file they are the usual ones.
func pythonClassNames(ctx context.Context, path string) ([]string, error) {
	f, err := openRegular(path)
	if errors.Is(err, os.ErrNotExist) {
		return cifarClasses, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := fileSize(f)
	if err != nil {
		return nil, err
	}
	dict, err := decodeDict(&source{ctx: ctx, r: f}, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, _ := lookup(dict, "label_names").(*pickle.List)
	var names []string
	if list != nil {
		for _, item := range list.Items[:min(len(list.Items), 2*len(cifarClasses))] {
			if name, ok := text(item); ok {
				names = append(names, name)
			}
		}
	}
	return checkClassNames(path, names)
}

// locate returns where the file holds the bytes of data, -1 where it does not hold them in one piece.
func locate(ctx context.Context, f *os.File, data []byte) (int64, error) {
	size, err := fileSize(f)
	if err != nil || size < int64(len(data)) {
		return -1, err
	}
	// Beside the images a batch has labels and file names, which come before or after: that much is searched for their
	// beginning. Images that all begin alike could be found in many wrong places, so few are tried.
	const tries = 8
	head := data[:min(64, len(data))]
	around := make([]byte, size-int64(len(data))+int64(len(head)))
	if _, err := f.ReadAt(around, 0); err != nil && err != io.EOF {
		return 0, err
	}
	at := 0
	for range tries {
		k := bytes.Index(around[at:], head)
		if k < 0 {
			break
		}
		at += k
		same, err := holds(ctx, f, int64(at), data)
		if err != nil || same {
			return int64(at), err
		}
		at++
	}
	return -1, nil
}

// holds reports whether the file has data at offset.
func holds(ctx context.Context, f *os.File, offset int64, data []byte) (bool, error) {
	buf := make([]byte, 64<<10)
	for len(data) > 0 {
		if ctx.Err() != nil {
			return false, ended.Err(ctx)
		}
		part := buf[:min(len(buf), len(data))]
		if _, err := f.ReadAt(part, offset); err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if !bytes.Equal(part, data[:len(part)]) {
			return false, nil
		}
		offset, data = offset+int64(len(part)), data[len(part):]
	}
	return true, nil
}
