package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/internal/testing/datadir"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/ptq"
)

// The real float networks that others have exported, on generated images.
func TestRealONNX(t *testing.T) {
	for _, name := range []string{"onnc_resnet20", "ece_model_fp32"} {
		t.Run(name, func(t *testing.T) { fromFileToResult(t, datadir.File(t, "models/"+name+".onnx"), 1) })
	}
}

// The real quantized networks.
func TestRealQuantizedONNX(t *testing.T) {
	for _, name := range []string{"ece_model_int8"} { // and edgeopt_model_int8, which is dynamic: TestRealDynamicONNX
		t.Run(name, func(t *testing.T) {
			path := datadir.File(t, "models/"+name+".onnx")
			n := foreign(t, path)
			logits(t, compile(t, n.float, engine.Config{}), n.images(t, 1), 1)
			ort.Require(t)
			if ort.Saturates() {
				t.Skip("ONNX Runtime's sums of products with its int8 weights saturate on this processor")
			}
			for _, c := range compareLayers(t, n, path, true, 1) {
				if c.judge(t); !c.exact {
					t.Error("its layers did not run in integers")
				}
				compareAnswers(t, n, n.float, path, 1, c.optimized)
			}
		})
	}
}

// The float networks of the folder that LINQUANT_ZOO names, such as those of make_zoo.py --full.
func TestZooFolder(t *testing.T) {
	folder := os.Getenv("LINQUANT_ZOO")
	if folder == "" {
		t.Skip("set LINQUANT_ZOO to a folder of float networks, such as make_zoo.py --full writes")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	must(t, err)
	if len(paths) == 0 {
		t.Fatalf("no ONNX files in %s", folder)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".onnx"), func(t *testing.T) { fromFileToResult(t, path, 2) })
	}
}

// fromFileToResult imports a network, quantizes it, exports it, and compares both with ONNX Runtime where there is one.
func fromFileToResult(t *testing.T, path string, images int) {
	t.Helper()
	n := openNetwork(t, filepath.Base(path), path)
	hasORT := os.Getenv("LINQUANT_ORT_PYTHON") != "" || os.Getenv("LINQUANT_REQUIRE_ORT") == "1"
	if hasORT {
		compareFloats(t, n, path, images)
	}
	cfg := ptq.Config{}
	if ort.Saturates() {
		cfg.WeightBits = 7
	}
	q, report := n.quantizeAny(t, 16, cfg)
	x := n.images(t, 16)
	float := logits(t, compile(t, n.float, engine.Config{}), x, 16)
	db := sqnr(float, logits(t, compile(t, q, engine.Config{}), x, 16))
	t.Logf("SQNR %.1f dB, in floating point: %v", db, opsOf(report.Float))
	if db < 0 { // no more is asked of deep networks that nobody has trained
		t.Error("the error is larger than the outputs")
	}
	if !hasORT {
		return
	}
	for _, format := range []onnx.Format{onnx.QOperator, onnx.QDQ} {
		t.Run(fmt.Sprint(format), func(t *testing.T) { compareExport(t, n, q, format, images) })
	}
}
