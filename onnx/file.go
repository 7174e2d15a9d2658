// Package onnx reads and writes networks as ONNX files.
//
// Import goes in four steps, each a package under internal. internal/onnxpb decodes the file's messages; read brings the
// nodes into an order in which they can be computed, and makes of them nodes of the raw form, the same whatever of the
// opsets 1 to 25 the file was written in: one each, several for operators that others can stand for, none for what
// follows from shapes and constants alone; fuse turns QuantizeLinear, QLinearConv and their like into values annotated
// with their parameters; and graph.InferShapes checks the result. Export takes the same way back: lower, then write.
//
// The elements of tensors are views of the file in memory, and of the files of external data.
package onnx

import (
	"context"

	"linquant/graph"
	"linquant/internal/foreign"
	"linquant/internal/mmap"
	"linquant/onnx/internal/elements"
)

// File is an open ONNX file. The constants of Graph are views of the file in memory; what becomes of the file
// meanwhile does not matter.
type File struct {
	Path  string
	Size  int64 // in bytes, with the files of external data
	Graph *graph.Graph

	content  *mmap.Mapping
	external *elements.External
}

// Open reads and imports the ONNX file at path, as Import does. External data is looked for in files of the same folder,
// or below it: a location that leads out of it, be it by a symbolic link, is refused. Where path is a symbolic link, as in the
// caches of package managers, the folder of the file that it leads to is another such folder. A ctx that is done ends it with ctx's
// error, without the path.
func Open(ctx context.Context, path string) (*File, error) { return ImportConfig{}.Open(ctx, path) }

// Open is the function Open with the configuration.
func (c ImportConfig) Open(ctx context.Context, path string) (*File, error) {
	m, err := mmap.Open(ctx, path)
	if err != nil {
		return nil, err // names the path
	}
	f := &File{Path: path, Size: int64(len(m.Bytes)), content: m}
	external := func() *elements.External { return elements.NewExternal(ctx, path) }
	if f.Graph, f.external, err = c.importModel(ctx, m.Bytes, external); err != nil {
		f.Close()
		return nil, fileError(path, err)
	}
	f.Size += f.external.Size()
	return f, nil
}

// FileError is why a file that could be opened could not be imported.
type FileError struct {
	Path string
	Err  error
}

func fileError(path string, err error) error {
	foreign.Named(err, path)
	return &FileError{path, err}
}

// Error names the file.
func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// Close lets go of the file's content. Graph stays valid: the memory is free once neither f nor a graph that was made of Graph
// is used any more. It may be called twice.
func (f *File) Close() error {
	err := f.content.Close()
	if e := f.external.Close(); err == nil {
		err = e
	}
	return err
}
