package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"linquant/tools/internal/linked"
)

// TestDist makes the archives of a commit twice, of clones at two places and with two caches, so that everything is compiled
// twice: all files are the same to the byte. What is in them is what is said: the sums, the parts, the commit; and what is
// changed in the folder and not committed is not in them.
func TestDist(t *testing.T) {
	if os.Getenv("LINQUANT_TEST_RELEASE") != "1" {
		t.Skip("compiles everything twice: LINQUANT_TEST_RELEASE=1 asks for it")
	}
	system := linked.Platform{OS: "linux", Arch: runtime.GOARCH}
	revision, err := git("../..", nil, "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	var outs []string
	for _, name := range []string{"one", "another"} {
		root, out := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
		top, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := git(".", []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
			"clone", "--quiet", "--shared", top, root); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		if name == "another" {
			t.Setenv("GOCACHE", t.TempDir())
			if err := os.WriteFile(filepath.Join(root, "README.md"), []byte("not committed"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(root, out, []linked.Platform{system}, &said); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Contains(said.String(), " M README.md"), name == "another"; got != want {
			t.Errorf("changes that are left out are named: %v, want %v", got, want)
		}
		outs = append(outs, out)
	}
	names := compare(t, outs[0], outs[1])
	if len(names) != 3 {
		t.Fatalf("files: %v, want an archive, its parts and the sums", names)
	}

	archive := filepath.Join(outs[0], names[slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, ".tar.gz") })])
	into := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", archive, "-C", into).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	folder := filepath.Join(into, strings.TrimSuffix(filepath.Base(archive), ".tar.gz"))
	for _, name := range []string{"LICENSE", "THIRD_PARTY_NOTICES.txt", "README.md", "CHANGELOG.md", "linquant.cdx.json"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
	binary, err := os.ReadFile(filepath.Join(folder, "linquant"))
	if err != nil {
		t.Fatal(err)
	}
	checkParts(t, folder, binary, system, revision)
	if runtime.GOOS != system.OS {
		return
	}
	said, err := exec.Command(filepath.Join(folder, "linquant"), "version").Output()
	if err != nil || !strings.Contains(string(said), "\ncommit "+revision+" of ") || strings.Contains(string(said), "not committed") {
		t.Errorf("version: %q, %v, want the commit %s", said, err, revision)
	}
}

// compare holds two folders to the same files, and the first to its sums. It returns their names.
func compare(t *testing.T, one, another string) []string {
	t.Helper()
	entries, err := os.ReadDir(one)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	sums := map[string]string{}
	for _, e := range entries {
		first, err := os.ReadFile(filepath.Join(one, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(another, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s: made twice, it differs", e.Name())
		}
		names = append(names, e.Name())
		sums[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(first))
	}
	text, err := os.ReadFile(filepath.Join(one, sumsName))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		if sums[name] != sum {
			t.Errorf("%s: %q", sumsName, line)
		}
	}
	if len(lines) != len(names)-1 {
		t.Errorf("%s has %d lines for %d files", sumsName, len(lines), len(names)-1)
	}
	return names
}

// checkParts holds the list of parts to the binary, and the binary to being static and of this commit.
func checkParts(t *testing.T, folder string, binary []byte, p linked.Platform, revision string) {
	t.Helper()
	b, err := inspect(binary, p, revision)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inspect(binary, p, "another commit"); err == nil {
		t.Error("a binary of another commit than the one asked for is taken")
	}
	data, err := os.ReadFile(filepath.Join(folder, "linquant.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var parts document
	if err := json.Unmarshal(data, &parts); err != nil {
		t.Fatal(err)
	}
	if got, want := parts.Metadata.Component.Hashes[0].Content, fmt.Sprintf("%x", sha256.Sum256(binary)); got != want {
		t.Errorf("the parts are of the binary %s, want %s", got, want)
	}
	if len(parts.Components) != len(b.Deps)+1 {
		t.Errorf("%d parts for %d modules and Go", len(parts.Components), len(b.Deps))
	}
	for _, c := range parts.Components {
		if len(c.Licences) == 0 || c.Version == "" {
			t.Errorf("%s: version %q, licences %v", c.Name, c.Version, c.Licences)
		}
	}
}

// TestPlatforms: what is no platform is refused before anything is built.
func TestPlatforms(t *testing.T) {
	if got, err := parse(join(linked.Platforms)); err != nil || !slices.Equal(got, linked.Platforms) {
		t.Errorf("parse(join(all)) = %v, %v", got, err)
	}
	if _, err := parse("linux"); err == nil {
		t.Error(`parse("linux") succeeds`)
	}
	if err := run(t.TempDir(), filepath.Join(t.TempDir(), "out"), linked.Platforms, io.Discard); err == nil {
		t.Error("a folder that is no clone is taken")
	}
}
