package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is a small module that names itself wherever a file can, and its words where they stay.
var tree = map[string]string{
	"go.mod":           "module linquant\n\ngo 1.26.0\n",
	"go.tools.mod":     "module linquant/tools\n",
	"tools/gen/go.mod": "module linquant/tools/gen\n",
	"quant/quant.go":   "// Package quant is below [linquant/cmd/linquant], in words linquant/quantize.\npackage quant\n",
	"cmd/linquant/main.go": `package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"linquant"
	q "linquant/quant"
)

//go:generate go run linquant/tools/gen
var names = []string{"linquant", "linquant.bits", "linquant/quant", "cmd/linquant/main.go", "a/linquant/quant"}
`,
	"README.md": "# linquant\n\n`go doc linquant/quant`, go doc linquant.\n`linquant quantize` in https://example.org/linquant/quant\n" +
		"    go mod edit -require=linquant@v0.0.0 -replace=linquant=../linquant\n",
	".ci/run":                         "go list | grep '^linquant/cmd/'\n",
	"quant/testdata/script/a.txtar":   "exec linquant version\n-- go.mod --\nrequire linquant v0.0.0\nreplace linquant => ../linquant\n",
	"quant/testdata/fuzz/F/0123":      "linquant/quant",
	"quant/testdata/vectors.npz":      "linquant/quant",
	"quant/testdata/script/broken.go": "package broken\nimport   \"linquant/quant\"\n",
}

// TestRename gives the tree a path, and then another: of each, nothing may be left.
func TestRename(t *testing.T) {
	root := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"example.com/Owner/linquant", "zz.example/q~x/v2"} {
		n, err := run(root, path)
		if err != nil {
			t.Fatal(err)
		}
		if n != 9 {
			t.Errorf("%d files changed, want 9", n)
		}
		want := map[string]string{
			"go.mod":           "module PATH\n\ngo 1.26.0\n",
			"go.tools.mod":     "module PATH/tools\n",
			"tools/gen/go.mod": "module PATH/tools/gen\n",
			"quant/quant.go":   "// Package quant is below [PATH/cmd/linquant], in words linquant/quantize.\npackage quant\n",
			"cmd/linquant/main.go": strings.NewReplacer(
				"\t\"linquant\"\n\tq \"linquant/quant\"", "\t\"PATH\"\n\tq \"PATH/quant\"",
				"run linquant/tools", "run PATH/tools", `"linquant/quant", "cmd`, `"PATH/quant", "cmd`).Replace(tree["cmd/linquant/main.go"]),
			"README.md": "# linquant\n\n`go doc PATH/quant`, go doc PATH.\n`linquant quantize` in https://example.org/linquant/quant\n" +
				"    go mod edit -require=PATH@v0.0.0 -replace=PATH=../linquant\n",
			".ci/run":                         "go list | grep '^PATH/cmd/'\n",
			"quant/testdata/script/a.txtar":   "exec linquant version\n-- go.mod --\nrequire PATH v0.0.0\nreplace PATH => ../linquant\n",
			"quant/testdata/fuzz/F/0123":      "linquant/quant",
			"quant/testdata/vectors.npz":      "linquant/quant",
			"quant/testdata/script/broken.go": "package broken\nimport   \"PATH/quant\"\n",
		}
		for name, text := range want {
			text = strings.ReplaceAll(text, "PATH", path)
			if name == "cmd/linquant/main.go" && strings.HasPrefix(path, "example.com") {
				text = strings.Replace(text, "\t\"github.com/spf13/cobra\"\n\t\"example.com/Owner/linquant\"\n\tq \"example.com/Owner/linquant/quant\"\n",
					"\t\"example.com/Owner/linquant\"\n\tq \"example.com/Owner/linquant/quant\"\n\t\"github.com/spf13/cobra\"\n", 1)
			}
			got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text, string(got)); diff != "" {
				t.Errorf("%s, as %s (- want, + got):\n%s", name, path, diff)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module linquant\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "linquant2", "example.com/with space", "example.com/v1", "example.com/x/"} {
		if _, err := run(root, path); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
	if _, err := run(t.TempDir(), "example.com/x"); err == nil {
		t.Error("a folder without a module is taken")
	}
}

// TestWholeTree renames a copy of this module, builds and vets all of it, and runs tests of what names packages by their
// paths, of a script, and of the program in a module of its own.
func TestWholeTree(t *testing.T) {
	if os.Getenv("LINQUANT_TEST_RELEASE") != "1" {
		t.Skip("compiles a copy of the module: LINQUANT_TEST_RELEASE=1 asks for it")
	}
	const path = "code.example.org/somebody/linquant"
	root := t.TempDir()
	if err := copyTree(root, filepath.Join("..", "..")); err != nil {
		t.Fatal(err)
	}
	r, err := newRenamer(root, path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := run(root, path); err != nil || n < 500 {
		t.Fatalf("%d files changed, %v", n, err)
	}
	for _, command := range []string{
		"go build ./...",
		"go mod tidy -diff",
		"go test -short . ./internal/testing/seeds ./tools/... ./quant",
		"go test -run=TestScript/(usage|builtin)$ ./cmd/linquant",
		"go test -run=OtherModule ./examples/quantize",
		"go -C tools/asmgen build ./...",
	} {
		args := strings.Fields(command)
		c := exec.Command(args[0], args[1:]...)
		c.Dir, c.Env = root, append(os.Environ(), "LINQUANT_TEST_RELEASE=", "LINQUANT_REQUIRE_DATA=", "GOFLAGS=-buildvcs=false")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	// Nothing names a package by its former path.
	err = walk(root, func(name string) error {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err == nil && r.packages.Match(data) {
			t.Errorf("%s: still says %q", name, bytes.TrimSpace(r.packages.Find(data)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copyTree copies the files that git has or would have, as far as it can be told without git.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == ".git" || name == "bin" || name == "dist" || d.Name() == ".venv"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case !d.Type().IsRegular() || d.Name() == ".git":
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o755)
	})
}
