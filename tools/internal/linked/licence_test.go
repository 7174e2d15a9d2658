package linked

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const mit = "Permission is hereby granted, free of charge, to any person\nobtaining a copy of this software"

// TestLicences: every licence beside a linked package counts, no other; and what cannot be passed on is an error.
func TestLicences(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string // nil for an error
	}{
		{"root", map[string]string{"LICENSE": mit}, []string{"MIT"}},
		{"beside a linked package", map[string]string{
			"LICENSE": mit, "fonts/sans/LICENSE-OFL": "SIL OPEN FONT LICENSE Version 1.1", "fonts/serif/LICENSE": "of what is not linked",
		}, []string{"MIT", "OFL-1.1"}},
		{"patents alone", map[string]string{"PATENTS": "a grant"}, nil},
		{"none", map[string]string{"README": mit}, nil},
		{"unknown", map[string]string{"LICENSE": "All rights reserved."}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Module{Path: "example.com/m", Version: "v1.0.0", Dir: t.TempDir(), Packages: []string{"fonts/sans"}}
			if err := os.MkdirAll(filepath.Join(m.Dir, "fonts", "sans"), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range test.files {
				path := filepath.Join(m.Dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			licences, err := m.Licences()
			if (err != nil) != (test.want == nil) || !slices.Equal(IDs(licences), test.want) {
				t.Errorf("Licences: %v, %v, want %v", IDs(licences), err, test.want)
			}
		})
	}
}
