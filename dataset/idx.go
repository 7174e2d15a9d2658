package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/tensor"
)

// idxPrefix begins the names of a split's files. There are also t10k-images.idx3-ubyte and test-images-idx3-ubyte.
var idxPrefix = map[string][]string{Train: {"train"}, Test: {"t10k", "test"}}

// idx is an IDX file of images with the one of their labels.
type idx struct {
	info
	path   string
	images *idxFile
	labels []byte
}

func openIDX(ctx context.Context, dir, split string) (Set, error) {
	imagesPath, err := findIDX(dir, split, "images", idxImages)
	if err != nil {
		return nil, err
	}
	labelsPath, err := findIDX(dir, split, "labels", idxLabels)
	if err != nil {
		return nil, err
	}
	labels, err := readIDXLabels(ctx, labelsPath)
	if err != nil {
		return nil, err
	}
	f, err := openIDXFile(ctx, imagesPath, idxImages)
	if err != nil {
		return nil, err
	}
	n, rows, columns := f.dims[0], f.dims[1], f.dims[2]
	if n != int64(len(labels)) {
		err := fmt.Errorf("%s has %d images, but %s has %d labels; they are not of one data set", imagesPath, n, labelsPath,
			len(labels))
		return nil, errors.Join(err, f.Close())
	}
	return &idx{
		info:   info{name: kindIDX + " " + split, shape: tensor.Shape{1, int(rows), int(columns)}},
		path:   imagesPath,
		images: f,
		labels: labels,
	}, nil
}

// findIDX returns the path of a split's images or labels, packed or not.
func findIDX(dir, split, what string, dims int) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", folderError(dir, err)
	}
	var names []string
	for _, prefix := range idxPrefix[split] {
		for _, separator := range []string{"-", "."} {
			names = append(names, fmt.Sprintf("%s-%s%sidx%d-ubyte", prefix, what, separator, dims))
		}
	}
	for _, gz := range []string{"", ".gz"} {
		for _, name := range names {
			if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name+gz && !e.IsDir() }) {
				return filepath.Join(dir, name+gz), nil
			}
		}
	}
	hint := ""
	for _, prefix := range idxPrefix[otherSplit(split)] {
		if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), prefix+"-"+what) }) {
			hint = ", or name the other split with :" + otherSplit(split)
		}
	}
	return "", fmt.Errorf("%s: no %s (or .gz) here; put the %s of the %s split there%s", dir, names[0], what, split, hint)
}

// readIDXLabels reads a file of labels, a byte each.
func readIDXLabels(ctx context.Context, path string) ([]byte, error) {
	f, err := openIDXFile(ctx, path, idxLabels)
	if err != nil {
		return nil, err
	}
	labels := make([]byte, f.dims[0]) // as many bytes as are there
	if err = f.read(ctx, labels, 0); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return labels, errors.Join(err, f.Close())
}

func (s *idx) Len() int     { return len(s.labels) }
func (s *idx) Pixels() bool { return true }

func (s *idx) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	var small [28 * 28]byte // MNIST's
	pixels := small[:]
	if len(dst) > len(small) {
		pixels = make([]byte, len(dst))
	}
	pixels = pixels[:len(dst)]
	if err := s.images.read(ctx, pixels, int64(i)*int64(len(dst))); err != nil {
		return 0, fmt.Errorf("%s: image %d cannot be read: %w", s.path, i, err)
	}
	widen(dst, pixels)
	return int(s.labels[i]), nil
}

func (s *idx) Close() error { return s.images.Close() }
