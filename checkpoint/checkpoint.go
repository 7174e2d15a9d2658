// Package checkpoint opens the files that trained networks are kept in and yields their named tensors.
//
// Open recognises a file by its content, never by its name: PyTorch's zip archive, its legacy pickle stream (what
// "model.tar" usually means), the still older layout that is a real tar, safetensors, and NumPy's npy and npz. Opening
// reads the directory of a file and no tensor data; a tensor's elements are read, with ReadAt, when they are asked for.
//
// A pickle is data here, never code: it is interpreted by internal/pickle, which builds plain values, calls nothing and
// bounds memory and depth. Every size is checked against the length of the file before anything is allocated.
package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"linquant/quant"
	"linquant/tensor"
)

// File is an open checkpoint. Its methods may be called from several goroutines at once, Close excepted.
type File struct {
	Path   string // as given to Open
	Format Format
	Size   int64 // bytes of the file

	// Metadata is what the file says beside its tensors: the __metadata__ of a safetensors file; the plain numbers and
	// strings beside the tensors of a PyTorch file, such as "epoch".
	Metadata map[string]string

	// Root is the path of keys that led to the tensors in a PyTorch file, such as "state_dict"; "" where they stand at
	// the top, alone or with others that may be parts of the network too. Choose takes other ones.
	Root string

	tensors []*Tensor
	other   []*Tensor
	byName  map[string]*Tensor
	closer  io.Closer
}

// contents is what a format's reader finds in a file: everything of a File that is the format's to say.
type contents struct {
	metadata map[string]string
	root     string
	tensors  []*Tensor // the network's, in file order
	other    []*Tensor // what stands beside them, an optimizer's for instance, named by full path
}

// Open opens the checkpoint at path. An error names the file, what is wrong with it and, where there is one, the way
// out.
func Open(path string) (*File, error) {
	// Looked at before it is opened, since opening a pipe waits for a writer and opening a device may do something.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(info, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := open(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return file, nil
}

func open(f *os.File, path string) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := regular(info, path); err != nil { // another may have taken its place
		return nil, err
	}
	file, err := New(f, info.Size(), path)
	if err != nil {
		return nil, err
	}
	file.closer = f
	return file, nil
}

// regular refuses what cannot be read at any offset.
func regular(info fs.FileInfo, path string) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a folder, where a checkpoint file belongs: name a file")}
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("is no regular file; a checkpoint is read at many " +
			"places, so save the stream to a file first")}
	}
	return nil
}

// New reads a checkpoint of size bytes from r; name stands for the path in errors. The caller keeps r open as long as
// the File is in use.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	c, format, err := read(source{r}, size)
	if err != nil {
		return nil, fail(name, err)
	}
	file := &File{
		Path: name, Format: format, Size: size,
		Metadata: c.metadata, Root: c.root,
		tensors: c.tensors, other: c.other,
		byName: make(map[string]*Tensor, len(c.tensors)),
	}
	for _, t := range c.tensors {
		if file.byName[t.Name] != nil {
			return nil, fail(name, fmt.Errorf("two tensors are named %s", quote(t.Name)))
		}
		file.byName[t.Name] = t
		t.file = name
	}
	for _, t := range c.other {
		t.file = name
	}
	return file, nil
}

// read finds the format of a file and reads its directory.
func read(r io.ReaderAt, size int64) (*contents, Format, error) {
	if size == 0 {
		return nil, "", errors.New("the file is empty")
	}
	f, err := sniff(r, size)
	if err != nil {
		return nil, "", err
	}
	c, err := f.open(r, size)
	return c, f.name, err
}

// Close closes the file. Tensors can no longer be read.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Tensors returns the network's tensors in the order of the file. The slice is shared and must not be changed.
func (f *File) Tensors() []*Tensor { return f.tensors }

// Other returns the tensors that stand beside the network's: in a PyTorch file such as an optimizer's state, named by
// their path of keys; in one that linquant quantized the scales and zero points of the weights.
func (f *File) Other() []*Tensor { return f.other }

// Tensor returns the network's tensor of that name, or an error that lists names near to it.
func (f *File) Tensor(name string) (*Tensor, error) {
	if t := f.byName[name]; t != nil {
		return t, nil
	}
	msg := fmt.Sprintf("%s: there is no tensor %q", f.Path, name)
	if near := nearNames(name, f.tensors); len(near) > 0 {
		for i := range near {
			near[i] = quote(near[i])
		}
		msg += "; near to it: " + strings.Join(near, ", ")
	}
	return nil, errors.New(msg)
}

// StripPrefix drops prefix from the name of every tensor; "module." is what torch.nn.DataParallel puts before each. It
// is an error, and nothing changes, unless all names have the prefix. It must not run while the File is in use
// elsewhere.
func (f *File) StripPrefix(prefix string) error {
	for _, t := range f.tensors {
		if !strings.HasPrefix(t.Name, prefix) || t.Name == prefix {
			return fmt.Errorf("%s: tensor %s has no prefix %q to strip", f.Path, quote(t.Name), prefix)
		}
	}
	clear(f.byName)
	for _, t := range f.tensors {
		t.Name = strings.TrimPrefix(t.Name, prefix)
		f.byName[t.Name] = t
	}
	return nil
}

// Tensor describes one tensor of a file and reads it on request.
type Tensor struct {
	Name  string
	DType tensor.DType
	Shape tensor.Shape

	// Quant is set where the file stores integer codes together with what they stand for: PyTorch's quantized tensors, and
	// the weights that linquant quantized. DType and Shape are then those of the codes, one an element.
	Quant *quant.Params

	file   string // the file's name, for errors
	data   data
	packed int64 // bytes in the file where codes share them; 0 where they do not

	unknown string // the name of a type that cannot be read, of packed bytes; "" for others

	inflation       *inflated // of the file; nil where it is not compressed
	whole, streamed int64     // what it counts in that
}

// data is where a tensor's elements are. Implementations may be called from several goroutines at once.
type data interface {
	// readAll fills dst, which has exactly the tensor's size, with its elements: row-major and little-endian.
	readAll(dst []byte) error
}

// Elements returns the number of elements.
func (t *Tensor) Elements() int {
	n, err := t.Shape.Elements()
	if err != nil {
		panic("checkpoint: a reader let an unchecked shape through: " + err.Error())
	}
	return n
}

// Bytes returns the size of the elements as Read returns them: Elements × DType.Size(); of a type that cannot be read, as they are
// stored.
func (t *Tensor) Bytes() int64 {
	if t.unknown != "" {
		return t.packed
	}
	return int64(t.Elements()) * int64(t.DType.Size())
}

// Unknown returns what the file calls the type of the elements where that is none that can be read: DType is tensor.Invalid then, and
// whatever reads the elements returns an error, but Output copies them. It is "" for other tensors.
func (t *Tensor) Unknown() string { return t.unknown }

// readable returns an error for elements of a type that cannot be read.
func (t *Tensor) readable() error {
	if t.unknown == "" {
		return nil
	}
	return t.fail(unsupported("dtype %s is not one that can be read; save the tensor as F32, F16 or BF16", quote(t.unknown)))
}

// Stored returns the size of the elements in the file, before any compression: Bytes, or less where codes share bytes.
func (t *Tensor) Stored() int64 {
	if t.packed > 0 {
		return t.packed
	}
	return t.Bytes()
}

// Read returns the tensor's elements as they are stored, in row-major order whatever the layout of the file; a quantized
// tensor's codes, one an element. The result shares nothing with t.
func (t *Tensor) Read() (tensor.Tensor, error) {
	if err := t.readable(); err != nil {
		return tensor.Tensor{}, err
	}
	if err := t.inMemory(t.Bytes()); err != nil {
		return tensor.Tensor{}, err
	}
	buf := make([]byte, t.Bytes())
	if err := t.readInto(buf); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.New(t.DType, slices.Clone(t.Shape), buf)
}

// readInto is Read into a buffer of exactly t.Bytes() bytes, little-endian.
func (t *Tensor) readInto(dst []byte) error {
	if int64(len(dst)) != t.Bytes() {
		return t.fail(callerError{fmt.Errorf("the buffer has %d bytes, the tensor %d", len(dst), t.Bytes())})
	}
	if len(dst) == 0 {
		return nil
	}
	if err := t.inMemory(t.Bytes()); err != nil {
		return err
	}
	if err := t.data.readAll(dst); err != nil {
		return t.fail(err)
	}
	return nil
}

// Float32s returns the tensor's values as float32, rounded to nearest even where that is narrower than the file's type;
// a quantized tensor's real values as quant.Dequantize has them, which are those of PyTorch. buf is used if its
// capacity allows, so that a loop over tensors need not allocate; it may be nil.
func (t *Tensor) Float32s(buf []float32) ([]float32, error) {
	if err := t.readable(); err != nil {
		return nil, err
	}
	n := t.Elements()
	direct := t.DType == tensor.Float32 && t.Quant == nil
	floats := t.Bytes() + 4*int64(n)
	if direct {
		floats = t.Bytes()
	}
	if err := t.inMemory(floats); err != nil {
		return nil, err
	}
	if cap(buf) < n {
		buf = make([]float32, n)
	}
	buf = buf[:n]
	if direct {
		if raw, ok := tensor.Bytes(buf); ok {
			return buf, t.readInto(raw)
		}
	}
	if p, ok := t.data.(codeStream); ok && n > 0 {
		if err := p.float32s(buf); err != nil {
			return nil, t.fail(err)
		}
		return buf, nil
	}
	raw, err := t.Read()
	if err != nil {
		return nil, err
	}
	if t.Quant != nil {
		codes := t.Quant.Of(raw)
		if err = codes.Check(); err == nil {
			err = codes.Dequantize(buf)
		}
	} else {
		err = raw.ReadFloat32s(buf)
	}
	if err != nil {
		return nil, t.fail(err)
	}
	return buf, nil
}

// inMemory is asked before so many bytes are made of t, which an array of a compressed file may not have.
func (t *Tensor) inMemory(bytes int64) error {
	if t.inflation == nil {
		return nil
	}
	if _, ok := t.data.(columnMajor); ok {
		bytes += t.Bytes() // its second buffer
	}
	if err := t.inflation.inMemory(t, bytes); err != nil {
		return t.fail(err)
	}
	return nil
}

// fail makes the error of reading the tensor: that of a damaged file, unless it says otherwise.
func (t *Tensor) fail(err error) error {
	if s, ok := t.data.(section); ok && !errors.As(err, new(offsetError)) {
		err = offsetError{err, s.offset}
	}
	return fail(t.file, inTensor("tensor", t.Name, err))
}
