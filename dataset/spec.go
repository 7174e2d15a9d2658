package dataset

import (
	"fmt"
	"slices"
	"strings"

	"linquant/builtin"
)

// The splits of a data set.
const (
	Train = "train"
	Test  = "test"
)

// The kinds of data that a Spec names.
const (
	CIFAR10 = "cifar10" // a folder of CIFAR-10 batches, binary or Python
	IDX     = "idx"     // a folder of MNIST's format
	Images  = "images"  // a folder with a folder of images for each class
	NPZ     = "npz"     // a NumPy file, npz or npy
	Builtin = "builtin" // generated; needs no files
)

// kinds are all of them with how they are written, for messages.
var kinds = []string{CIFAR10, IDX, Images, NPZ, Builtin}

const usage = "cifar10:DIR, idx:DIR, images:DIR or npz:FILE, with :train or :test at its end where wanted, or builtin"

// Spec says where data is: KIND:PATH, KIND:PATH:SPLIT, builtin or builtin:SPLIT.
type Spec struct {
	Kind  string // one of CIFAR10, IDX, Images, NPZ and Builtin
	Path  string // folder or file; "" for Builtin
	Split string // Train, Test, or "" where the text names none
}

// ParseSpec reads a Spec. The path may itself have colons, as in cifar10:C:\data:test.
func ParseSpec(spec string) (Spec, error) {
	kind, path, _ := strings.Cut(spec, ":")
	if !slices.Contains(kinds, kind) {
		return Spec{}, fmt.Errorf("%q is no data set; write %s", spec, usage)
	}
	s := Spec{Kind: kind, Path: path}
	for _, split := range []string{Train, Test} {
		if path == split && kind == Builtin {
			return Spec{Kind: kind, Split: split}, nil
		}
		if before, found := strings.CutSuffix(path, ":"+split); found {
			s.Path, s.Split = before, split
		}
	}
	switch {
	case kind == Builtin && spec != Builtin:
		return Spec{}, fmt.Errorf("%q: the built-in data is builtin, builtin:train or builtin:test", spec)
	case kind != Builtin && s.Path == "":
		return Spec{}, fmt.Errorf("%q names no file or folder; write %s", spec, usage)
	}
	return s, nil
}

// String returns the text that ParseSpec reads as s.
func (s Spec) String() string {
	text := s.Kind
	if s.Kind != Builtin {
		text += ":" + s.Path
	}
	if s.Split != "" {
		text += ":" + s.Split
	}
	return text
}

// Open opens the data that spec names, as ParseSpec reads it. Where it names no split, split is meant, which is Train,
// Test, or "" for Test. Data that is not divided is taken whole unless spec itself asks for a part.
func Open(spec, split string) (Set, error) {
	s, err := ParseSpec(spec)
	if err != nil {
		return nil, err
	}
	if split != Train && split != Test && split != "" {
		return nil, fmt.Errorf("%q is no split; there are %s and %s", split, Train, Test)
	}
	return s.open(split)
}

func (s Spec) open(split string) (Set, error) {
	asked := s.Split != ""
	if asked {
		split = s.Split
	}
	if split == "" {
		split = Test
	}
	switch s.Kind {
	case CIFAR10:
		return openCIFAR10(s.Path, split)
	case IDX:
		return openIDX(s.Path, split)
	case Images:
		return openImages(s.Path, split, asked)
	case NPZ:
		return openNPZ(s.Path, split, asked)
	}
	return builtin.Data(split)
}
