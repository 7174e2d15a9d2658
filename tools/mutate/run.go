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
	"slices"
	"strconv"
	"strings"
	"time"
)

// A run is how tests are run.
type run struct {
	tests   string
	timeout time.Duration
	skip    string
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
	if r.skip != "" {
		args = append(args, "-skip="+r.skip)
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

// overlay writes sources to a folder, and beside them what tells the go command to take them.
func overlay(dir string, sources map[string][]byte) (string, error) {
	replace := map[string]string{}
	for file, text := range sources {
		replace[file] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[file], text, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, text, 0o600)
}

// limited is a command that may not have all memory there is, which mutants may ask for.
func limited(ctx context.Context, name string, args ...string) *exec.Cmd {
	shell := "ulimit -v " + strconv.Itoa(12<<20) + " 2>/dev/null; exec \"$0\" \"$@\""
	return exec.CommandContext(ctx, "sh", append([]string{"-c", shell, name}, args...)...)
}

// try runs the tests of one mutant.
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
	over, err := overlay(dir, map[string][]byte{m.file: bytes.Join([][]byte{src[:m.from], []byte(m.with), src[m.to:]}, nil)})
	if err != nil {
		return 0, err
	}
	if err := exec.CommandContext(ctx, "go", "build", "-overlay="+over, filepath.Dir(m.file)).Run(); err != nil {
		return broken, ctx.Err()
	}
	if err := limited(ctx, "go", r.arguments("-vet=off", "-overlay="+over)...).Run(); err != nil {
		return noticed, ctx.Err()
	}
	return survived, nil
}

// all runs the tests of mutants of one package.
func (r run) all(ctx context.Context, p *listed, mutants []mutant) ([]fate, error) {
	fates := make([]fate, len(mutants))
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var rest []int // those that compile
	for i := range mutants {
		rest = append(rest, i)
	}
	for len(rest) > 0 {
		some := make([]mutant, len(rest))
		for i, at := range rest {
			some[i] = mutants[at]
		}
		t, left, err := combine(some)
		if err != nil {
			return nil, err
		}
		over, err := overlay(dir, t.sources)
		if err != nil {
			return nil, err
		}
		build := exec.CommandContext(ctx, "go", "build", "-gcflags="+p.ImportPath+"=-e", "-overlay="+over, p.Dir)
		if out, err := build.CombinedOutput(); err != nil {
			bad := t.broken(out)
			if len(bad) == 0 {
				return nil, errors.Join(ctx.Err(), fmt.Errorf("%s with its mutants does not compile: %w\n%s", p.ImportPath, err, out))
			}
			for _, i := range slices.Backward(bad) {
				fates[rest[i]] = broken
				rest = slices.Delete(rest, i, i+1)
			}
			continue
		}
		programs, err := r.programs(ctx, dir, over)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if out := r.test(ctx, programs, 0, 10*r.timeout); out != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("the tests of %s fail with copies of functions\n%s", r.tests, out))
		}
		timeout := r.timeout + 3*time.Since(began) // a busy machine must not be taken for a mutant
		for i, at := range rest {
			if slices.Contains(left, i) {
				if fates[at], err = r.try(ctx, some[i]); err != nil {
					return nil, err
				}
				continue
			}
			if r.test(ctx, programs, i+1, timeout) != nil {
				fates[at] = noticed
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		break
	}
	return fates, nil
}

// A program is the tests of a package, and the folder in which they run.
type program struct{ name, dir string }

// programs builds the tests.
func (r run) programs(ctx context.Context, dir, over string) ([]program, error) {
	args := append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}"}, strings.Fields(r.tests)...)
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return nil, err
	}
	var programs []program
	for i, in := range strings.Fields(string(out)) {
		p := program{filepath.Join(dir, strconv.Itoa(i)+".test"), in}
		build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay="+over, "-o", p.name, in)
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", in, err, out)
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// test runs tests with the mutant of a number, 0 for none, and returns what they print if they fail.
func (r run) test(ctx context.Context, programs []program, number int, timeout time.Duration) []byte {
	args := []string{"-test.failfast", "-test.paniconexit0", "-test.timeout=" + timeout.String()}
	if !r.long {
		args = append(args, "-test.short")
	}
	if r.skip != "" {
		args = append(args, "-test.skip="+r.skip)
	}
	for _, p := range programs {
		c := limited(ctx, p.name, args...)
		c.Dir = p.dir
		c.Env = append(os.Environ(), numberVariable+"="+strconv.Itoa(number), "PWD="+p.dir)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Appendf(out, "%v", err)
		}
	}
	return nil
}
