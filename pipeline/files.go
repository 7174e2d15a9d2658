package pipeline

import (
	"os"
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
					files = append(files, beside(path, local))
				}
			}
		}
	})
	return files
}

// beside returns the file of that name in the model's folder, or in the folder of what the model is a symbolic link to where it is
// there alone.
func beside(model, local string) string {
	file := filepath.Join(filepath.Dir(model), local)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	if real, err := filepath.EvalSymlinks(model); err == nil {
		other := filepath.Join(filepath.Dir(real), local)
		if _, err := os.Stat(other); err == nil {
			return other
		}
	}
	return file
}
