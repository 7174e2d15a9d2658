package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/tensor"
)

// imageSuffixes are the names of image files, in lower case. What is in them is recognised by content.
var imageSuffixes = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}

// splitFolders are the names that a split's folder may have.
var splitFolders = map[string][]string{Train: {"train"}, Test: {"test", "val", "valid", "validation"}}

// images is a folder of images, in a folder for each class, or without classes and labels.
type images struct {
	info
	files []imageFile
}

type imageFile struct {
	path  string
	label int
}

// openImages opens DIR/CLASS/IMAGE, or DIR/SPLIT/CLASS/IMAGE. Labels are the places of the classes' names in their
// sorted order. Images without folders of classes have no labels. Every image has red, green and blue, grey ones three times the same, and must have the size of the
// first.
func openImages(ctx context.Context, dir, split string, asked bool) (Set, error) {
	root, err := splitFolder(dir, split, asked)
	if err != nil {
		return nil, err
	}
	classes, loose, err := list(root)
	if err != nil {
		return nil, err
	}
	switch {
	case len(classes) == 0 && loose > 0:
		s := &images{info: info{name: kindImages + " " + root}}
		if s.files, err = appendImages(nil, root, -1); err != nil {
			return nil, err
		}
		return s.sized(ctx)
	case len(classes) == 0:
		return nil, fmt.Errorf("%s: no images here; put the images of each class into a folder with its name, or, to calibrate on, images without folders", root)
	case loose > 0:
		return nil, fmt.Errorf("%s: images outside of the classes' folders: %d; move them into those, or away", root, loose)
	}
	s := &images{info: info{name: kindImages + " " + root, classes: classes}}
	for label, class := range classes {
		n := len(s.files)
		if s.files, err = appendImages(s.files, filepath.Join(root, class), label); err != nil {
			return nil, err
		}
		if n == len(s.files) {
			return nil, fmt.Errorf("%s: no images in this folder (%s); put some there, or remove the class",
				filepath.Join(root, class), strings.Join(imageSuffixes, ", "))
		}
	}
	return s.sized(ctx)
}

// sized returns s with the size of its first image.
func (s *images) sized(ctx context.Context) (Set, error) {
	width, height, err := imageSize(ctx, s.files[0].path)
	if err != nil {
		return nil, err
	}
	s.shape = tensor.Shape{3, height, width}
	return s, nil
}

// splitFolder returns where the classes of a split are: dir itself unless all of its folders are splits.
func splitFolder(dir, split string, asked bool) (string, error) {
	folders, _, err := list(dir)
	if err != nil {
		return "", err
	}
	known := slices.Concat(splitFolders[Train], splitFolders[Test])
	if len(folders) == 0 || slices.ContainsFunc(folders, func(name string) bool { return !slices.Contains(known, name) }) {
		if asked {
			return "", fmt.Errorf("%s: it is not divided into the folders train and test; leave away :%s", dir, split)
		}
		return dir, nil
	}
	for _, name := range splitFolders[split] {
		if slices.Contains(folders, name) {
			return filepath.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("%s: no folder %q, only %q; name the other split with :%s", dir, split, folders, otherSplit(split))
}

// list returns the names of the folders in dir, sorted, and the number of images beside them. Hidden files are passed
// over.
func list(dir string) (folders []string, images int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, folderError(dir, err)
	}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case isFolder(dir, e):
			folders = append(folders, e.Name())
		case isImage(e.Name()):
			images++
		}
	}
	return folders, images, nil
}

// isFolder reports whether e is a folder or a link to one.
func isFolder(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	s, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && s.IsDir()
}

func isImage(name string) bool {
	return slices.Contains(imageSuffixes, strings.ToLower(filepath.Ext(name)))
}

// appendImages appends the images in dir, sorted by name.
func appendImages(files []imageFile, dir string, label int) ([]imageFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && isImage(e.Name()) && !isFolder(dir, e) {
			files = append(files, imageFile{filepath.Join(dir, e.Name()), label})
		}
	}
	return files, nil
}

func (s *images) Len() int     { return len(s.files) }
func (s *images) Pixels() bool { return true }
func (s *images) Close() error { return nil }

func (s *images) Read(ctx context.Context, i int, dst []float32) (int, error) {
	return s.read(ctx, i, dst, func(f *os.File) error {
		err := decodeImage(ctx, f, s.shape, dst)
		var size sizeError
		if errors.As(err, &size) {
			return fmt.Errorf("it has %d×%d pixels, but %s has %d×%d; bring all images to one size", size.Dx(), size.Dy(),
				s.files[0].path, s.shape[2], s.shape[1])
		}
		return err
	})
}

// read has the file of example i decoded to dst and returns its label.
func (s *images) read(ctx context.Context, i int, dst []float32, decode func(f *os.File) error) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	file := s.files[i]
	f, err := openRegular(file.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := decode(f); err != nil {
		return 0, fmt.Errorf("%s: %w", file.path, err)
	}
	return file.label, nil
}

// sizeError is the size of an image that should have another.
type sizeError struct{ image.Rectangle }

func (e sizeError) Error() string { return fmt.Sprintf("the image has %d×%d pixels", e.Dx(), e.Dy()) }
