package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A run is how tests are run.
type run struct {
	tests   string
	timeout time.Duration
	long    bool
}

// A listed package, as go list has it.
type listed struct {
	Dir, ImportPath, Root string
	GoFiles               []string
}

func (p *listed) files() []string {
	files := make([]string, len(p.GoFiles))
	for i, f := range p.GoFiles {
		files[i] = filepath.Join(p.Dir, f)
	}
	return files
}

func (r run) list(ctx context.Context, pkg string) (*listed, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,Root,GoFiles", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pkg, err)
	}
	p := new(listed)
	return p, json.Unmarshal(out, p)
}

// arguments are those of go test.
func (r run) arguments(more ...string) []string {
	args := append([]string{"test", "-failfast", "-count=1", "-timeout=" + r.timeout.String()}, more...)
	if !r.long {
		args = append(args, "-short")
	}
	return append(args, strings.Fields(r.tests)...)
}

// lines are the blocks of a file that tests reached.
type lines map[string][]block

type block struct{ fromLine, fromColumn, toLine, toColumn int }

func (l lines) has(m mutant) bool {
	for _, b := range l[filepath.Base(m.file)] {
		after := m.line > b.fromLine || m.line == b.fromLine && m.column >= b.fromColumn
		before := m.line < b.toLine || m.line == b.toLine && m.column <= b.toColumn
		if after && before {
			return true
		}
	}
	return false
}

// cover runs the tests once, which have to pass, and returns what they reach.
func (r run) cover(ctx context.Context, p *listed) (lines, error) {
	profile, err := os.CreateTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	profile.Close()
	defer os.Remove(profile.Name())
	r.timeout *= 5
	args := r.arguments("-coverprofile="+profile.Name(), "-coverpkg="+p.ImportPath)
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the tests of %s fail as they are: %w\n%s", r.tests, err, out)
	}
	data, err := os.ReadFile(profile.Name())
	if err != nil {
		return nil, err
	}
	return reached(data), nil
}

// reached reads a profile: lines of file:line.column,line.column statements times.
func reached(profile []byte) lines {
	l := lines{}
	for line := range strings.Lines(string(profile)) {
		var b block
		var statements, times int
		file, rest, ok := strings.Cut(line, ":")
		if !ok || file == "mode" {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &b.fromLine, &b.fromColumn, &b.toLine, &b.toColumn, &statements, &times); err == nil && times > 0 {
			name := filepath.Base(file)
			l[name] = append(l[name], b)
		}
	}
	return l
}

// What became of a mutant.
type fate int

const (
	survived fate = iota
	noticed
	broken
)

// try runs the tests of a mutant.
func (r run) try(ctx context.Context, m mutant) (fate, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	src, err := os.ReadFile(m.file)
	if err != nil {
		return 0, err
	}
	file, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: file}})
	if err != nil {
		return 0, err
	}
	err = errors.Join(os.WriteFile(overlay, replaced, 0o600),
		os.WriteFile(file, bytes.Join([][]byte{src[:m.from], []byte(m.with), src[m.to:]}, nil), 0o600))
	if err != nil {
		return 0, err
	}
	if err := exec.CommandContext(ctx, "go", "build", "-overlay="+overlay, filepath.Dir(m.file)).Run(); err != nil {
		return broken, ctx.Err()
	}
	// Mutants may ask for all memory there is.
	shell := "ulimit -v " + strconv.Itoa(12<<20) + " 2>/dev/null; exec go \"$@\""
	tests := exec.CommandContext(ctx, "sh", append([]string{"-c", shell, "sh"}, r.arguments("-vet=off", "-overlay="+overlay)...)...)
	if err := tests.Run(); err != nil {
		return noticed, ctx.Err()
	}
	return survived, nil
}
