package near

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	candidates := []string{"", "features.conv0", "features.conv10", "classifier", "conv0.weight"}
	tests := []struct {
		name string
		want []string
	}{
		{"features.conv1", []string{"features.conv0", "features.conv10"}},
		{"conv0", []string{"features.conv0"}},
		{"module.classifier", []string{"classifier"}},
		{"clasifier", []string{"classifier"}},
		{"cnv0", []string{"features.conv0"}},
		{"softmax.of.something.else", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Names(tt.name, candidates[1:])); diff != "" {
			t.Errorf("names near %q (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := Names("features.conv", candidates); len(got) > 3 {
		t.Errorf("%d names", len(got))
	}
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got, back := edits(tt.a, tt.b), edits(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("%q and %q are %d and %d edits apart, want %d", tt.a, tt.b, got, back, tt.want)
		}
	}
}

func TestMeant(t *testing.T) {
	for name, want := range map[string]string{
		"quantise": `; did you mean "quantize"?`, "evl": `; did you mean "eval"?`, "percent": `; did you mean "percentile"?`,
		"alexnet": "", "": "", "frobnicate": "", "resnt": `; did you mean "resnet"?`, "rest": `; did you mean "resnet"?`, "p": `; did you mean "percentile"?`,
	} {
		if got := Meant(name, []string{"quantize", "eval", "percentile", "resnet", "vgg"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
