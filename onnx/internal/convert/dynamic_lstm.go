package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
)

// dynamicLSTM notes where the file has no output of every step: ONNX Runtime then computes other ranges.
func dynamicLSTM(s build.Node) error {
	if s.File.Outputs[0] == "" {
		s.Raw.Attrs[graph.EndedAttr] = 1
	}
	return nil
}
