package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// cifarFolder returns dir, or the folder in it that an archive of CIFAR-10 unpacks to.
func cifarFolder(dir string) (string, error) {
	if _, err := os.Stat(dir); err != nil {
		return "", folderError(dir, err)
	}
	for _, name := range cifarFolders {
		sub := filepath.Join(dir, name)
		if s, err := os.Stat(sub); err == nil && s.IsDir() {
			return sub, nil
		}
	}
	return dir, nil
}

// folderError explains why dir cannot be read, in one line.
func folderError(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such folder; the data is named KIND:DIR, KIND:DIR:train or KIND:DIR:test", dir)
	}
	if s, statErr := os.Stat(dir); statErr == nil && !s.IsDir() {
		return fmt.Errorf("%s: not a folder; name the one that the files are in", dir)
	}
	return err // names the path itself
}

// cifarFiles returns the names of the batches of a split: the binary ones if there are any.
func cifarFiles(dir, split string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, folderError(dir, err)
	}
	type batch struct {
		name   string
		number int
	}
	var binary, python []batch
	other := false
	for _, e := range entries {
		base, isBinary := strings.CutSuffix(e.Name(), cifarBinary)
		number, isTrain := 0, false
		if text, found := strings.CutPrefix(base, cifarTrainBatch); found {
			number, err = strconv.Atoi(text)
			isTrain = err == nil
		}
		isTest := base == cifarTestBatch
		switch {
		case split == Train && isTest, split == Test && isTrain:
			other = true
		case isTrain || isTest:
			if isBinary {
				binary = append(binary, batch{e.Name(), number})
			} else {
				python = append(python, batch{e.Name(), number})
			}
		}
	}
	found := binary
	if len(binary) == 0 {
		found = python
	}
	slices.SortFunc(found, func(a, b batch) int { return a.number - b.number })
	names := make([]string, len(found))
	for i, b := range found {
		names[i] = b.name
	}
	want := map[string]string{Train: "data_batch_1.bin … data_batch_5.bin", Test: "test_batch.bin"}[split]
	switch {
	case len(names) > 0:
		return names, nil
	case other:
		return nil, fmt.Errorf("%s: no %s batches here (%s, or the Python ones without .bin), only those of the other "+
			"split; unpack the whole archive, or name the other split with :%s", dir, split, want, otherSplit(split))
	}
	return nil, fmt.Errorf("%s: no CIFAR-10 batches here (%s, or the Python ones without .bin); unpack "+
		"cifar-10-binary.tar.gz or cifar-10-python.tar.gz into this folder", dir, want)
}

func otherSplit(split string) string {
	if split == Train {
		return Test
	}
	return Train
}

// cifarClassNames reads batches.meta.txt or batches.meta.
func cifarClassNames(ctx context.Context, dir string) ([]string, error) {
	path := filepath.Join(dir, "batches.meta.txt")
	f, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return pythonClassNames(ctx, filepath.Join(dir, "batches.meta"))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	for lines := bufio.NewScanner(f); lines.Scan() && len(names) <= 256; {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names = append(names, name)
		}
	}
	return checkClassNames(path, names)
}

func checkClassNames(path string, names []string) ([]string, error) {
	if len(names) != len(cifarClasses) {
		return nil, fmt.Errorf("%s: %d class names, not CIFAR-10's %d; restore the file from the archive or remove it",
			path, len(names), len(cifarClasses))
	}
	return names, nil
}
