package dataset

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	for _, c := range []struct {
		spec string
		want Spec
	}{
		{"cifar10:data", Spec{kindCIFAR10, "data", ""}},
		{"cifar10:data:test", Spec{kindCIFAR10, "data", Test}},
		{"idx:data:train", Spec{kindIDX, "data", Train}},
		{`cifar10:C:\data`, Spec{kindCIFAR10, `C:\data`, ""}},
		{`images:C:\data:train`, Spec{kindImages, `C:\data`, Train}},
		{"images:a:b:c", Spec{kindImages, "a:b:c", ""}},
		{"images:test", Spec{kindImages, "test", ""}},
		{"images:train:test", Spec{kindImages, "train", Test}},
		{"npz:x.npz", Spec{kindNPZ, "x.npz", ""}},
		{"builtin", Spec{kindBuiltin, "", ""}},
		{"builtin:train", Spec{kindBuiltin, "", Train}},
	} {
		got, err := ParseSpec(c.spec)
		if err != nil || got != c.want {
			t.Errorf("ParseSpec(%q) is %+v, %v; not %+v", c.spec, got, err, c.want)
		}
		if text := got.String(); text != c.spec {
			t.Errorf("%+v is written %q, not %q", got, text, c.spec)
		}
	}
}

func TestParseSpecRefuses(t *testing.T) {
	for _, spec := range []string{
		"", ":", "cifar10", "cifar10:", "cifar10::test", "mnist:x", `C:\data`, "builtin:", "builtin:val", "builtin:x:test",
		"CIFAR10:x", "data/cifar10",
	} {
		_, err := ParseSpec(spec)
		wantError(t, err, "builtin", `"`+strings.ReplaceAll(spec, `\`, `\\`)+`"`)
	}
}

func TestOpenWithoutFiles(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, kind := range []string{kindCIFAR10, kindIDX, kindImages, kindNPZ} {
		_, err := Open(t.Context(), kind+":"+none, Test)
		wantError(t, err, none)
		_, err = Open(t.Context(), kind+":"+t.TempDir(), Train)
		if err == nil {
			t.Errorf("%s: an empty folder is data", kind)
		}
	}
	file := filepath.Join(folder(t, map[string]string{"x.bin": ""}), "x.bin")
	for _, kind := range []string{kindCIFAR10, kindIDX, kindImages} {
		_, err := Open(t.Context(), kind+":"+file, Test)
		wantError(t, err, file, "not a folder")
	}
	_, err := Open(t.Context(), "builtin", "val")
	wantError(t, err, `"val"`, Train, Test)
}

func TestOpenChoosesTheSplit(t *testing.T) {
	for _, c := range []struct{ spec, split, want string }{
		{"builtin", "", "builtin test"},
		{"builtin", Train, "builtin train"},
		{"builtin:test", Train, "builtin test"},
		{"builtin:train", "", "builtin train"},
	} {
		if s := mustOpen(t, c.spec, c.split); s.Name() != c.want {
			t.Errorf("Open(%q, %q) is %s, not %s", c.spec, c.split, s.Name(), c.want)
		}
	}
}
