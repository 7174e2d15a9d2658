package pipeline

import (
	"path/filepath"

	"linquant/internal/mmap"
	"linquant/internal/onnxpb"
)

// Files lists the files that Open of path reads: path itself and, where it is an ONNX model, the files of its external data.
func Files(path string) []string {
	files := []string{path}
	m, err := mmap.Open(path)
	if err != nil {
		return files
	}
	defer m.Close()
	model, err := onnxpb.Read(m.Bytes)
	if err != nil || model.Graph == nil {
		return files
	}
	seen := make(map[string]bool)
	for i := range model.Graph.Initializers {
		for _, e := range model.Graph.Initializers[i].External {
			local := filepath.FromSlash(e.Value)
			if e.Key == "location" && filepath.IsLocal(local) && !seen[local] {
				seen[local] = true
				files = append(files, filepath.Join(filepath.Dir(path), local))
			}
		}
	}
	return files
}
