package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"linquant/tools/internal/linked"
)

// checkout clones the commit that is checked out in root to a folder of its own, which the caller removes. Changes that are
// not committed are left out, and said.
func checkout(root string, log io.Writer) (source, error) {
	var s source
	facts, err := git(root, nil, "show", "--no-patch", "--format=%H %ct", "HEAD")
	if err != nil {
		return s, err
	}
	revision, seconds, _ := strings.Cut(facts, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return s, fmt.Errorf("git show: %w", err)
	}
	s.revision, s.time = revision, time.Unix(unix, 0).UTC()
	switch changed, err := git(root, nil, "status", "--porcelain"); {
	case err != nil:
		return s, err
	case changed != "":
		fmt.Fprintf(log, "changes that are not committed are left out:\n%s\n", changed)
	}
	top, err := git(root, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return s, err
	}
	if s.dir, err = os.MkdirTemp("", "linquant-dist-"); err != nil {
		return s, err
	}
	// Git has just read this repository, so whose it is was settled; the other end of a clone would ask again, of the folder
	// .git below it.
	trust := []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}
	_, err = git(root, trust, "clone", "--quiet", "--shared", "--no-checkout", top, s.dir)
	if err == nil {
		_, err = git(s.dir, nil, "-c", "advice.detachedHead=false", "checkout", "--quiet", revision)
	}
	if err != nil {
		return s, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// git runs git in dir and returns what it prints, without the last line's end.
func git(dir string, env []string, args ...string) (string, error) {
	c := exec.Command("git", args...)
	var said bytes.Buffer
	c.Dir, c.Stderr, c.Env = dir, &said, append(os.Environ(), env...)
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// build returns the command's binary for p, of the clone in dir.
func build(dir string, p linked.Platform) ([]byte, error) {
	out, err := os.MkdirTemp("", "linquant-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	path := filepath.Join(out, "binary")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", path, linked.Command)
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, linked.Env(p), os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	return os.ReadFile(path)
}

// inspect returns what the Go command recorded in a binary, and refuses one that is not what was to be built: of another commit or
// platform, or needing other files to run.
func inspect(binary []byte, p linked.Platform, revision string) (*buildinfo.BuildInfo, error) {
	b, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for _, s := range b.Settings {
		got[s.Key] = s.Value
	}
	want := map[string]string{
		"GOOS": p.OS, "GOARCH": p.Arch, "CGO_ENABLED": "0", "-trimpath": "true", "vcs.revision": revision, "vcs.modified": "false",
		"GOEXPERIMENT": "",
	}
	for key, value := range want {
		if got[key] != value {
			return nil, fmt.Errorf("the binary was built with %s=%q instead of %q", key, got[key], value)
		}
	}
	if p.OS == "linux" {
		return b, static(bytes.NewReader(binary))
	}
	return b, nil
}

// static returns an error for an ELF binary that needs a loader or a library to run. The other systems know no binaries
// without their libraries.
func static(r io.ReaderAt) error {
	f, err := elf.NewFile(r)
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			loader, err := io.ReadAll(p.Open())
			return errors.Join(fmt.Errorf("the binary is not static: it asks for the loader %s", bytes.TrimRight(loader, "\x00")), err)
		case elf.PT_DYNAMIC:
			return errors.New("the binary is not static: it is to be linked to libraries when it starts")
		}
	}
	return nil
}
