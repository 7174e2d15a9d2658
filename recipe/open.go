package recipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"linquant/checkpoint"
	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
)

// ErrNone says that a file carries no recipe.
var ErrNone = errors.New("it carries no recipe: those that linquant quantize makes do, since there are recipes")

// Open reads the recipe at path: a YAML file or, by its ending, an .onnx or a .safetensors, which carry theirs in their metadata.
// Errors have the path before them: *Error, ErrNone, those of the file.
func Open(path string) (*Recipe, error) {
	data, of, err := content(path)
	if err != nil {
		return nil, err
	}
	r, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %s%w", path, of, err)
	}
	return r, nil
}

// Inside reports whether the recipe of path stands in the metadata of a network.
func Inside(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".onnx", ".safetensors":
		return true
	}
	return false
}

// content returns the text of a recipe, and what an error about it calls it.
func content(path string) (data []byte, of string, err error) {
	if !Inside(path) {
		data, err := readText(path)
		return data, "", err
	}
	var metadata map[string]string
	if strings.EqualFold(filepath.Ext(path), ".onnx") {
		metadata, err = ofONNX(path)
	} else {
		metadata, err = ofSafetensors(path)
	}
	switch text, ok := metadata[MetadataKey]; {
	case err != nil:
		return nil, "", err
	case !ok:
		return nil, "", fmt.Errorf("%s: %w", path, ErrNone)
	default:
		return []byte(text), "its recipe, ", nil
	}
}

// readText reads a file that has no more than a recipe may.
func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: it is no regular file: name one that has a recipe", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxBytes+1))
}

func ofONNX(path string) (map[string]string, error) {
	metadata := map[string]string{}
	err := mmap.View(path, func(b []byte) error {
		m, err := onnxpb.Read(b)
		if err != nil {
			return fmt.Errorf("%s: it is no ONNX file, or damaged: %w; export or copy it again", path, err)
		}
		for _, e := range m.Metadata {
			metadata[strings.Clone(e.Key)] = strings.Clone(e.Value)
		}
		return nil
	})
	return metadata, err
}

func ofSafetensors(path string) (map[string]string, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Metadata, nil
}
