//go:build (!unix && !windows) || aix || solaris || illumos

package mmap

import "os"

func mapFile(f *os.File, _ int) (*Mapping, error) { return read(f) }
