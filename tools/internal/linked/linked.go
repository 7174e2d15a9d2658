// Package linked says what the command's binary is made of: the modules that the Go command links into it, on any of the
// platforms that archives are made for, and their licences.
package linked

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Command is the package of the command, relative to the root of the module.
const Command = "./cmd/linquant"

// Platform is an operating system and an architecture, by Go's names.
type Platform struct{ OS, Arch string }

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Platforms are those that archives are made for.
var Platforms = []Platform{
	{"darwin", "amd64"},
	{"darwin", "arm64"},
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"windows", "amd64"},
	{"windows", "arm64"},
}

// Std is the path under which the Go distribution itself is listed: its runtime and standard library.
const Std = "std"

// Module is a module of which something is linked.
type Module struct {
	Path, Version string
	// Dir is its folder in the module cache.
	Dir string
	// Packages are the folders of the linked packages below Dir, sorted, "." for Dir itself.
	Packages []string
}

// Env returns the environment in which the Go command builds for p as archives are built: static, for the oldest
// processors of the architecture, and without what this machine's environment would change. An empty variable would leave
// what "go env -w" has set; GOFLAGS says what is the default.
func Env(p Platform) []string {
	return append(os.Environ(), "GOOS="+p.OS, "GOARCH="+p.Arch, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=auto", "GOEXPERIMENT=", "GOWORK=off",
		"GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off")
}

// Modules returns every module linked into the command on any of the platforms, sorted by path, without the module itself; the
// Go distribution comes first, as [Std]. root is the module's folder. It asks `go list`, which may download modules.
func Modules(root string, platforms []Platform) ([]Module, error) {
	const format = "{{if .Standard}}" + Std + "{{else if not .Module.Main}}{{.Module.Path}}\t{{.Module.Version}}\t{{.Module.Dir}}\t{{.Dir}}{{end}}"
	goroot := Module{Path: Std, Version: runtime.Version(), Packages: []string{"."}}
	found := map[string]*Module{}
	for _, p := range platforms {
		c := exec.Command("go", "list", "-deps", "-f", format, Command)
		c.Dir, c.Env, c.Stderr = root, Env(p), os.Stderr
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("%v: go list -deps: %w", p, err)
		}
		lines := bufio.NewScanner(bytes.NewReader(out))
		for lines.Scan() {
			fields := strings.Split(lines.Text(), "\t")
			if len(fields) != 4 {
				continue // a package of Go's own
			}
			m := found[fields[0]]
			if m == nil {
				m = &Module{Path: fields[0], Version: fields[1], Dir: fields[2]}
				found[m.Path] = m
			}
			dir, err := filepath.Rel(m.Dir, fields[3])
			if err != nil {
				return nil, err
			}
			m.Packages = append(m.Packages, filepath.ToSlash(dir))
		}
	}
	c := exec.Command("go", "env", "GOROOT")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	goroot.Dir = strings.TrimSpace(string(out))

	modules := []Module{goroot}
	for _, m := range slices.SortedFunc(maps.Values(found), func(a, b *Module) int { return cmp.Compare(a.Path, b.Path) }) {
		slices.Sort(m.Packages)
		m.Packages = slices.Compact(m.Packages)
		modules = append(modules, *m)
	}
	return modules, nil
}

// folders returns the folders of the linked packages and those above them, up to the module's own.
func (m Module) folders() []string {
	folders := []string{"."}
	for _, p := range m.Packages {
		for ; p != "." && !slices.Contains(folders, p); p = path.Dir(p) {
			folders = append(folders, p)
		}
	}
	slices.Sort(folders)
	return folders
}
