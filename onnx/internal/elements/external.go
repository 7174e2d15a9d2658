package elements

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
)

// External is the files of external data of a model, read when a tensor first needs them.
type External struct {
	ctx   context.Context // of the call that reads
	path  string          // of the model
	roots []*os.Root      // the model's folder, and where the model is a symbolic link that of what it leads to
	real  string          // the second folder
	files map[string]*mmap.Mapping
}

// NewExternal returns those of the model at path, which are read until ctx is done.
func NewExternal(ctx context.Context, path string) *External {
	return &External{ctx: ctx, path: path, files: map[string]*mmap.Mapping{}}
}

// bytes returns the bytes of a tensor that should have need of them, as the keys location, offset and length of
// external_data say (ONNX, docs/ExternalData.md). A file that is read for the first time adds to the budget.
func (e *External) bytes(entries []onnxpb.Entry, need int64, left *Budget) ([]byte, error) {
	if e == nil {
		return nil, errors.New("its elements are in another file, and a model in memory has none: open the file by its path")
	}
	location, offset, length := "", int64(0), need
	for _, entry := range entries {
		const most = 4096 // bytes of a path
		if len(entry.Value) > most {
			return nil, fault.Errorf("its external data has a %s of %d bytes: the model is damaged", entry.Key, len(entry.Value))
		}
		var err error
		switch entry.Key {
		case "location":
			location = entry.Value
		case "offset":
			offset, err = strconv.ParseInt(entry.Value, 10, 64)
		case "length":
			length, err = strconv.ParseInt(entry.Value, 10, 64)
		}
		if err != nil || offset < 0 || length < 0 {
			return nil, fault.Errorf("its external data has the %s %q, which is no number of bytes: the model is damaged",
				entry.Key, entry.Value)
		}
	}
	if length != need {
		return nil, fault.Errorf("its external data has %d bytes, and its type and shape need %d: the model is "+
			"damaged", length, need)
	}
	m, err := e.file(location, left)
	if err != nil {
		return nil, err
	}
	if size := int64(len(m.Bytes)); offset > size || length > size-offset {
		return nil, fault.Errorf("its external data, %d bytes from byte %d on, is beyond the end of %q, which has %d: "+
			"the file is truncated or of another model", length, offset, location, size)
	}
	return m.Bytes[offset : offset+length : offset+length], nil
}

// Elements returns the bytes of a tensor whose elements are in another file.
func (e *External) Elements(t *onnxpb.Tensor, left *Budget) ([]byte, error) {
	of, err := Supported(t.Type)
	if err != nil {
		return nil, err
	}
	_, n, err := dims(t.Dims)
	if err != nil {
		return nil, err
	}
	return e.bytes(t.External, (int64(n)*int64(of.Bits)+7)/8, left)
}

// file reads the file at a location. os.Root sees to it that it is in one of the folders.
func (e *External) file(location string, left *Budget) (*mmap.Mapping, error) {
	local := filepath.FromSlash(location)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("its external data is in %q: only files in the model's folder are read", location)
	}
	local = filepath.Clean(local) // so that a file has one name and is read once
	if m := e.files[local]; m != nil {
		return m, nil
	}
	if err := e.open(); err != nil {
		return nil, err
	}
	f, err := e.find(local)
	if err != nil {
		if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
			err = inner.Err // without the name, which can be anything
		}
		return nil, fmt.Errorf("its external data in %q cannot be read (%w): keep the file beside the model", location, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("its external data is in %q, which is no regular file", location)
	}
	m, err := mmap.Map(e.ctx, f)
	if err != nil {
		return nil, err
	}
	e.files[local] = m
	*left += NewBudget(int64(len(m.Bytes)))
	return m, nil
}

// open opens the folders.
func (e *External) open() error {
	if len(e.roots) > 0 {
		return nil
	}
	folder := filepath.Dir(e.path)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	e.roots = append(e.roots, root)
	model, err := filepath.EvalSymlinks(e.path)
	if err != nil {
		return nil // the model has been read, whatever became of it since: there is its folder
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil || folder == filepath.Dir(model) {
		return nil
	}
	if root, err = os.OpenRoot(filepath.Dir(model)); err != nil {
		return nil
	}
	e.roots, e.real = append(e.roots, root), filepath.Dir(model)
	return nil
}

// find opens the file at a location in the model's folder; where the model is a symbolic link, also one that a link of that
// name leads to in the folder of what the model's leads to, as caches lay files out, or that has the name there.
func (e *External) find(local string) (*os.File, error) {
	f, err := e.roots[0].Open(local)
	if err == nil || len(e.roots) == 1 {
		return f, err
	}
	if target, linked := filepath.EvalSymlinks(filepath.Join(filepath.Dir(e.path), local)); linked == nil {
		// What is opened is opened within the folder, whatever becomes of the links meanwhile.
		if local, linked = filepath.Rel(e.real, target); linked != nil || !filepath.IsLocal(local) {
			return nil, err
		}
	}
	if f, other := e.roots[1].Open(local); other == nil {
		return f, nil
	}
	return nil, err
}

// Size returns the bytes of all files that were read; nil has read none.
func (e *External) Size() int64 {
	if e == nil {
		return 0
	}
	total := int64(0)
	for _, m := range e.files {
		total += int64(len(m.Bytes))
	}
	return total
}

// Close closes the files and folders; nil has none.
func (e *External) Close() error {
	if e == nil {
		return nil
	}
	var first error
	for _, m := range e.files {
		if err := m.Close(); first == nil {
			first = err
		}
	}
	for _, root := range e.roots {
		if err := root.Close(); first == nil {
			first = err
		}
	}
	e.files, e.roots = nil, nil
	return first
}
