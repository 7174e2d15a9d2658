package engine

import (
	"fmt"
	"io"

	"linquant/onnx"
)

// Load reads an ONNX model, float or quantized, and compiles it. Data that a program embeds is given as a
// [bytes.Reader]. Nothing of what was read is kept but packed weights.
//
// Errors: those of r, of [onnx.Import] and of [Compile]. Where the model needs more than these two know, such as a
// shape for its inputs, read it with [onnx.ImportConfig] and take [NewModel].
func Load(r io.Reader, cfg Config) (*Model, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	g, err := onnx.Import(data, "model")
	if err != nil {
		return nil, err
	}
	return NewModel(g, cfg)
}

// LoadFile is Load for the file at path, with what external data it has beside it.
func LoadFile(path string, cfg Config) (*Model, error) {
	f, err := onnx.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := NewModel(f.Graph, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
