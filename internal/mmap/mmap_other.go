//go:build !unix || aix || solaris || illumos

package mmap

import (
	"errors"
	"os"
)

// Elsewhere files are read into Go's memory; Windows lets nobody shorten a mapped file, nor replace it.

func allocate(int) (*Mapping, error) { return nil, errors.ErrUnsupported }

func mapFile(f *os.File, _ int) (*Mapping, error) { return read(f) }
