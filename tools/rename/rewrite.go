package main

import (
	"bytes"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// renamer rewrites files from one path of the module to another.
type renamer struct {
	from, to string
	// packages matches the module's path before a folder of the module, and what stands before it. In words, in a web address
	// and in a longer path it does not count.
	packages *regexp.Regexp
	// module matches the path of the module itself where the Go command takes one.
	module *regexp.Regexp
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+("?)(\S+?)"?[ \t]*(//.*)?$`)

// newRenamer reads the path that the module in root has. It refuses a path that no module can have or that nobody could
// fetch it by, and asks the Go command what one is.
func newRenamer(root, to string) (*renamer, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	m := moduleLine.FindSubmatch(data)
	if m == nil {
		return nil, fmt.Errorf("%s has no line that names the module", filepath.Join(root, "go.mod"))
	}
	from := string(m[2])
	if first, _, _ := strings.Cut(to, "/"); !strings.Contains(first, ".") {
		return nil, fmt.Errorf("%q begins with no host: a path such as example.com/owner/linquant can be fetched", to)
	}
	if err := check(to); err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range folders {
		if f.IsDir() && !strings.HasPrefix(f.Name(), ".") {
			names = append(names, regexp.QuoteMeta(f.Name()))
		}
	}
	quoted := regexp.QuoteMeta(from)
	return &renamer{
		from: from, to: to,
		packages: regexp.MustCompile(`(^|[^\w./~-])` + quoted + `(/(?:` + strings.Join(names, "|") + `)\b)`),
		module: regexp.MustCompile(`(?m)((?:^|[^\w-])(?:module|require|replace|go doc|go get|go list -m|-replace[= ]|-require[= ]|-droprequire[= ])[ \t]*"?)` +
			quoted + `("?(?:[@= \t\x60'"),;]|\.?$|\.\s))`),
	}, nil
}

// check asks the Go command whether a module may have a path.
func check(path string) error {
	dir, err := os.MkdirTemp("", "linquant-rename-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := exec.Command("go", "mod", "init", path)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%q is no path of a module: %s", path, bytes.TrimSpace(out))
	}
	return nil
}

// rewrite returns the content of a file with the new path.
func (r *renamer) rewrite(name string, data []byte) ([]byte, error) {
	if bytes.IndexByte(data, 0) >= 0 {
		return data, nil // a binary without an ending
	}
	if filepath.Ext(name) != ".go" {
		return r.text(data), nil
	}
	data, err := r.imports(name, data)
	if err != nil {
		return nil, err
	}
	return r.text(data), nil
}

// text replaces the path wherever it can be told from a word.
func (r *renamer) text(data []byte) []byte {
	to := strings.ReplaceAll(r.to, "$", "$$")
	data = r.packages.ReplaceAll(data, []byte("${1}"+to+"${2}"))
	return r.module.ReplaceAll(data, []byte("${1}"+to+"${2}"))
}

// imports replaces the path in the imports of a Go file, and puts them in order again if they were in order.
func (r *renamer) imports(name string, data []byte) ([]byte, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, data, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var out []byte
	last := 0
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		after, ok := strings.CutPrefix(path, r.from)
		if !ok || after != "" && after[0] != '/' {
			continue
		}
		at := func(p token.Pos) int { return files.Position(p).Offset }
		out = append(append(out, data[last:at(spec.Path.Pos())]...), strconv.Quote(r.to+after)...)
		last = at(spec.Path.End())
	}
	if last == 0 {
		return data, nil
	}
	out = append(out, data[last:]...)
	if before, err := format.Source(data); err != nil || !bytes.Equal(before, data) {
		return out, nil // such as the sources of a test that are wrong on purpose
	}
	return format.Source(out)
}
