package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"linquant/internal/ended"
	"linquant/tensor"
)

// numpySuffixes end the names of NumPy files in a folder.
var numpySuffixes = []string{".npz", ".npy"}

// openNPZ opens a NumPy file, all of a folder in the order of their names, or those that a pattern with * matches.
func openNPZ(ctx context.Context, path, split string, asked bool, inputs []Input) (Set, error) {
	of := numpyFile{path, split, asked, inputs}
	paths, err := numpyFiles(path)
	switch {
	case err != nil:
		return nil, err
	case paths == nil:
		s, err := of.open(ctx)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	if slices.ContainsFunc(inputs, func(in Input) bool { return slices.Contains(in.Shape, -1) }) {
		return openShapes(ctx, paths, of)
	}
	return openFiles(ctx, paths, of)
}

// numpyFiles lists the files that path is of; nil where it is one itself.
func numpyFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir(), err != nil && !strings.ContainsAny(path, "*?["):
		return nil, nil
	case err != nil:
		paths, err := filepath.Glob(path)
		paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasPrefix(filepath.Base(p), ".") })
		if err == nil && len(paths) == 0 {
			err = errors.New("no file has such a name")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return paths, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries { // which are sorted
		if !strings.HasPrefix(e.Name(), ".") && slices.Contains(numpySuffixes, strings.ToLower(filepath.Ext(e.Name()))) && !isFolder(path, e) {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no .npz or .npy file is in this folder", path)
	}
	return paths, nil
}

// files are NumPy files with examples of one form, one after the other. One of them is open at a time.
type files struct {
	info
	of     numpyFile
	paths  []string
	ends   []int // the number of examples up to the end of each file
	parts  []Array
	dtype  tensor.DType
	pixels bool

	mu   sync.Mutex
	open *arrays // paths[at]; nil before the first
	at   int
}

func openFiles(ctx context.Context, paths []string, of numpyFile) (Set, error) {
	s := &files{info: info{name: kindNPZ + " " + of.path}, of: of, paths: paths}
	n := 0
	for i := range paths {
		if ctx.Err() != nil {
			return nil, errors.Join(ended.Err(ctx), s.Close())
		}
		if err := s.turnTo(ctx, i); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if i == 0 {
			s.shape, s.parts, s.dtype, s.pixels = s.open.shape, s.open.arrays(), s.open.parts[0].DType, s.open.Pixels()
		}
		n += s.open.Len()
		s.ends = append(s.ends, n)
	}
	return s, nil
}

// turnTo opens the file i in the place of the one that is open, and checks that its examples are as those of the first.
func (s *files) turnTo(ctx context.Context, i int) error {
	if s.open != nil {
		if s.at == i {
			return nil
		}
		err := s.open.Close()
		if s.open = nil; err != nil {
			return err
		}
	}
	of := s.of
	of.path = s.paths[i]
	a, err := of.open(ctx)
	if err != nil {
		return err
	}
	s.open, s.at = a, i
	if i == 0 || s.shape == nil {
		return nil
	}
	have, want := a.parts, s.parts
	if want == nil {
		want = []Array{{Shape: s.shape, DType: s.dtype}}
	}
	for k, w := range want {
		if !have[k].Shape.Equal(w.Shape) {
			return fmt.Errorf("%s: the examples of array %q have the shape %v, and %v in %s: one shape is wanted in all files, padded where they vary",
				s.paths[i], have[k].Name, have[k].Shape, w.Shape, s.paths[0])
		}
		if have[k].DType != w.DType && (have[k].DType == tensor.Uint8 || w.DType == tensor.Uint8) {
			return fmt.Errorf("%s: array %q is of %v, and of %v in %s: one type is wanted, as uint8 are pixels", s.paths[i], have[k].Name,
				have[k].DType, w.DType, s.paths[0])
		}
	}
	return nil
}

func (s *files) Len() int        { return s.ends[len(s.ends)-1] }
func (s *files) Pixels() bool    { return s.pixels }
func (s *files) arrays() []Array { return s.parts }

func (s *files) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return nil
	}
	err := s.open.Close()
	s.open = nil
	return err
}

func (s *files) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := sort.SearchInts(s.ends, i+1)
	if err := s.turnTo(ctx, at); err != nil {
		return 0, err
	}
	if at > 0 {
		i -= s.ends[at-1]
	}
	if i >= s.open.Len() {
		return 0, fmt.Errorf("%s: it has %d examples now, and had more when it was opened", s.paths[at], s.open.Len())
	}
	return s.open.Read(ctx, i, dst)
}
