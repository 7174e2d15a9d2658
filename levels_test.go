package linquant_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLevels holds the imports of every package, on every platform, to the table of docs/design.md: a package imports only
// packages of lower levels, and stands in the table. A package below another's internal/ is a part of that one; tools
// import what they like and nobody imports them; what is in internal/testing is imported by tests alone.
func TestLevels(t *testing.T) {
	levels := readLevels(t)
	imports := readImports(t)
	for pkg, list := range imports {
		owner := ownerOf(pkg, levels)
		if owner == "" && !isAside(pkg) {
			t.Errorf("%s stands in no row of the table of packages in docs/design.md", pkg)
		}
		for imported, file := range list {
			of := ownerOf(imported, levels)
			switch {
			case of == owner && of != "":
			case isAside(imported) && !isAside(pkg):
				t.Errorf("%s: imports %s, which is for tests or a tool", file, imported)
			case isAside(pkg) || of == "": // of a package in no row its own turn tells
			case levels[of] >= levels[owner]:
				t.Errorf("%s: %s is of level %d, and imports %s of level %d", file, pkg, levels[owner], imported, levels[of])
			}
		}
	}
	for pkg := range levels {
		if imports[pkg] == nil {
			t.Errorf("docs/design.md has a row for %s, which is no package", pkg)
		}
	}
}

// isAside reports whether a package is none of the product's.
func isAside(pkg string) bool {
	return pkg == "." || strings.HasPrefix(pkg, "tools/") || strings.HasPrefix(pkg, "internal/testing/")
}

// ownerOf returns the package of the table that pkg is, or is a part of by an internal folder; "" for none.
func ownerOf(pkg string, levels map[string]int) string {
	for {
		if _, ok := levels[pkg]; ok {
			return pkg
		}
		i := strings.LastIndex(pkg, "/internal/")
		if i < 0 {
			return ""
		}
		pkg = pkg[:i]
	}
}

// readLevels returns the level of every package in the table.
func readLevels(t *testing.T) map[string]int {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	row, name := regexp.MustCompile(`(?m)^\| *(\d+) *\|([^|]*)\|`), regexp.MustCompile("`([^`]+)`")
	levels := map[string]int{}
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		level, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range name.FindAllStringSubmatch(m[2], -1) {
			if _, ok := levels[n[1]]; ok {
				t.Errorf("docs/design.md has two rows for %s", n[1])
			}
			levels[n[1]] = level
		}
	}
	if len(levels) < 20 {
		t.Fatalf("%d packages in the table of docs/design.md", len(levels))
	}
	return levels
}

// readModule returns the path of the module.
func readModule(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(mod)
	if line == nil {
		t.Fatal("go.mod names no module")
	}
	return string(line[1])
}

// readImports returns for every package of the module the module's packages that it imports, and a file that does.
func readImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	imports := map[string]map[string]string{}
	module := readModule(t)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			if file != "." && (err == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		if imports[pkg] == nil {
			imports[pkg] = map[string]string{}
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if imported, ok := strings.CutPrefix(name, module+"/"); ok {
				imports[pkg][imported] = file
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}
