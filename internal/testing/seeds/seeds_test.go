package seeds

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every package whose tests draw with rapid imports this one.
func TestImported(t *testing.T) {
	const root, rapid, own = "../../..", "pgregory.net/rapid", "linquant/internal/testing/seeds"
	drawing, imported := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		for _, spec := range f.Imports {
			switch name, _ := strconv.Unquote(spec.Path.Value); name {
			case rapid:
				drawing[dir] = true
			case own:
				imported[dir] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(drawing) == 0 {
		t.Fatal("no package draws: the test looks in the wrong place")
	}
	for dir := range drawing {
		if !imported[dir] {
			t.Errorf("%s: its tests would leave failure files: import _ %q in one of them", dir, own)
		}
	}
}
