package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"linquant/internal/ended"
	"linquant/tensor"
)

// varied are NumPy files whose examples have several shapes, those of one file the same. Its examples are read from ByShape.
type varied struct {
	info
	groups []Set
	of     []int // the group of each file
	counts []int // its examples
}

// ByShape returns the examples of a set by their shapes, one set for each combination, in the order in which these first come: the set itself
// where all have one. Sets of several shapes are folders and patterns of NumPy files that OpenInputs opened for inputs of which dimensions are
// −1. Of a set that Limit made they are those of its beginning. Closing s closes them.
func ByShape(s Set) []Set {
	left := s.Len()
	for of := s; of != nil; {
		switch x := of.(type) {
		case *varied:
			counts := make([]int, len(x.groups))
			for i, g := range x.of {
				counts[g] += min(x.counts[i], left)
				left -= min(x.counts[i], left)
			}
			var list []Set
			for i, n := range counts {
				if n > 0 {
					list = append(list, Limit(x.groups[i], n))
				}
			}
			return list
		case interface{ Unwrap() Set }:
			of = x.Unwrap()
		default:
			of = nil
		}
	}
	return []Set{s}
}

// openShapes opens files whose examples may have different shapes.
func openShapes(ctx context.Context, paths []string, of numpyFile) (Set, error) {
	s := &varied{info: info{name: kindNPZ + " " + of.path}}
	var keys []string
	var groups [][]string
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil, ended.Err(ctx)
		}
		at := of
		at.path = path
		a, err := at.open(ctx)
		if err != nil {
			return nil, err
		}
		key := ""
		for _, p := range a.parts {
			key += fmt.Sprint(p.Shape)
		}
		i := slices.Index(keys, key)
		if i < 0 {
			i, keys, groups = len(keys), append(keys, key), append(groups, nil)
		}
		groups[i] = append(groups[i], path)
		s.of, s.counts = append(s.of, i), append(s.counts, a.Len())
		if err := a.Close(); err != nil {
			return nil, err
		}
	}
	for _, paths := range groups {
		g, err := openFiles(ctx, paths, of)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.groups = append(s.groups, g)
	}
	if len(groups) == 1 {
		return s.groups[0], nil
	}
	for _, g := range s.groups[1:] {
		if g.Pixels() != s.groups[0].Pixels() {
			return nil, errors.Join(fmt.Errorf("%s: some files have pixels, and others numbers: one type is wanted", of.path), s.Close())
		}
	}
	return s, nil
}

func (s *varied) Len() int {
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

// Shape is that of the first examples.
func (s *varied) Shape() tensor.Shape { return s.groups[0].Shape() }
func (s *varied) Pixels() bool        { return s.groups[0].Pixels() }

func (s *varied) Read(context.Context, int, []float32) (int, error) {
	return 0, fmt.Errorf("%s: its examples have %d shapes, and one is wanted here: pad them", s.name, len(s.groups))
}

func (s *varied) Close() error {
	var err error
	for _, g := range s.groups {
		err = errors.Join(err, g.Close())
	}
	return err
}
