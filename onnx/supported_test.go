package onnx

import "testing"

func TestSupported(t *testing.T) {
	for _, tt := range []struct {
		domain, op string
		version    int64
		want       bool
	}{
		{"", "Conv", 7, true},
		{"ai.onnx", "Conv", 13, true},
		{"", "HardSwish", 14, true},
		{"", "HardSwish", 13, false},
		{"com.microsoft", "QLinearAdd", 1, true},
		{"com.microsoft", "Conv", 1, false},
		{"", "Loop", 13, false},
		{"", "ConvInteger", 10, true},
		{"", "DynamicQuantizeLinear", 10, false},
		{"linquant", "DynamicQuantizeConv", 1, false},
	} {
		if got := Supported(tt.domain, tt.op, tt.version); got != tt.want {
			t.Errorf("%s of %q, version %d: %v", tt.op, tt.domain, tt.version, got)
		}
	}
}
