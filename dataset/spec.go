package dataset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"linquant/builtin"
	"linquant/internal/near"
)

// The splits of a data set.
const (
	Train = "train"
	Test  = "test"
)

// The kinds of data that a Spec names.
const (
	kindCIFAR10 = "cifar10" // a folder of CIFAR-10 batches, binary or Python
	kindIDX     = "idx"     // a folder of MNIST's format
	kindImages  = "images"  // a folder with a folder of images for each class
	kindNPZ     = "npz"     // NumPy files, npz or npy: one, a folder of them, or those that a pattern matches
	kindBuiltin = "builtin" // generated; needs no files
)

// kinds are all of them with how they are written, for messages.
var kinds = []string{kindCIFAR10, kindIDX, kindImages, kindNPZ, kindBuiltin}

const usage = "cifar10:DIR, idx:DIR, images:DIR or npz:FILE|DIR, with :train or :test at its end where wanted, or builtin"

// Spec says where data is: KIND:PATH, KIND:PATH:SPLIT, builtin or builtin:SPLIT.
type Spec struct {
	Kind  string // cifar10, idx, images, npz or builtin
	Path  string // folder or file; "" for builtin
	Split string // Train, Test, or "" where the text names none
}

// ParseSpec reads a Spec. The path may itself have colons, as in cifar10:C:\data:test.
func ParseSpec(spec string) (Spec, error) {
	kind, path, _ := strings.Cut(spec, ":")
	if !slices.Contains(kinds, kind) {
		return Spec{}, fmt.Errorf("%q is no data set; write %s%s", spec, usage, near.Meant(kind, kinds))
	}
	s := Spec{Kind: kind, Path: path}
	for _, split := range []string{Train, Test} {
		if path == split && kind == kindBuiltin {
			return Spec{Kind: kind, Split: split}, nil
		}
		if before, found := strings.CutSuffix(path, ":"+split); found {
			s.Path, s.Split = before, split
		}
	}
	switch {
	case kind == kindBuiltin && spec != kindBuiltin:
		return Spec{}, fmt.Errorf("%q: the built-in data is builtin, builtin:train or builtin:test", spec)
	case kind != kindBuiltin && s.Path == "":
		return Spec{}, fmt.Errorf("%q names no file or folder; write %s", spec, usage)
	}
	return s, nil
}

// String returns the text that ParseSpec reads as s.
func (s Spec) String() string {
	text := s.Kind
	if s.Kind != kindBuiltin {
		text += ":" + s.Path
	}
	if s.Split != "" {
		text += ":" + s.Split
	}
	return text
}

// Open opens the data that spec names, as ParseSpec reads it. Where it names no split, split is meant, which is Train,
// Test, or "" for Test. Data that is not divided is taken whole unless spec itself asks for a part.
func Open(ctx context.Context, spec, split string) (Set, error) {
	return OpenInputs(ctx, spec, split, nil)
}

// OpenInputs is Open for a network with these inputs: of NumPy files it takes an array for each, which Match finds by the names, and which may
// be one example without N. The set has Arrays where there are several inputs. nil stands for one input of any name.
//
// Errors: those of Open, and a *NoArrayError.
func OpenInputs(ctx context.Context, spec, split string, inputs []Input) (Set, error) {
	s, err := ParseSpec(spec)
	if err != nil {
		return nil, err
	}
	if split != Train && split != Test && split != "" {
		return nil, fmt.Errorf("%q is no split; there are %s and %s", split, Train, Test)
	}
	return s.open(ctx, split, inputs)
}

func (s Spec) open(ctx context.Context, split string, inputs []Input) (Set, error) {
	asked := s.Split != ""
	if asked {
		split = s.Split
	}
	if split == "" {
		split = Test
	}
	switch s.Kind {
	case kindCIFAR10:
		return openCIFAR10(ctx, s.Path, split)
	case kindIDX:
		return openIDX(ctx, s.Path, split)
	case kindImages:
		return openImages(ctx, s.Path, split, asked)
	case kindNPZ:
		return openNPZ(ctx, s.Path, split, asked, inputs)
	}
	return builtin.Data(split)
}
