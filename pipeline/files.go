package pipeline

import (
	"path/filepath"

	"linquant/internal/onnxpb"
)

// Files lists the files that Open of path reads: path itself and, where it is an ONNX model, the files of its external data.
func Files(path string) []string {
	files := []string{path}
	seen := make(map[string]bool)
	// A file that cannot be read is none of a model.
	_ = view(path, func(m *onnxpb.Model) {
		for i := range m.Graph.Initializers {
			for _, e := range m.Graph.Initializers[i].External {
				local := filepath.FromSlash(e.Value)
				if e.Key == "location" && filepath.IsLocal(local) && !seen[local] {
					seen[local] = true
					files = append(files, filepath.Join(filepath.Dir(path), local))
				}
			}
		}
	})
	return files
}
