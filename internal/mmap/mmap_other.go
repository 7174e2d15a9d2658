//go:build !unix || aix || solaris || illumos

package mmap

import "os"

// mapFile reads the file; Windows lets nobody shorten a mapped one, nor replace it.
func mapFile(f *os.File, _ int) (*Mapping, error) { return read(f) }
