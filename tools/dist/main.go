// Dist makes what is handed out of the commit that is checked out: for each platform an archive of the static binary with its
// licences and README, a list of its parts (CycloneDX), and SHA256SUMS over all of it:
//
//	go run ./tools/dist [-o DIR] [-platforms linux/amd64,windows/amd64]
//
// It builds a clone of the commit, so that nothing else in the folder counts, and records no time but the commit's and no path
// of the machine: the same commit and the same version of Go give the same bytes everywhere.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"linquant/tools/internal/linked"
)

func main() {
	out := flag.String("o", "dist", "the folder for the archives; what it holds of an earlier run goes")
	list := flag.String("platforms", join(linked.Platforms), "what to build for")
	flag.Parse()
	platforms, err := parse(*list)
	if err == nil {
		err = run(".", *out, platforms, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func join(platforms []linked.Platform) string {
	var names []string
	for _, p := range platforms {
		names = append(names, p.String())
	}
	return strings.Join(names, ",")
}

func parse(list string) ([]linked.Platform, error) {
	var platforms []linked.Platform
	for name := range strings.SplitSeq(list, ",") {
		system, arch, ok := strings.Cut(name, "/")
		if !ok {
			return nil, fmt.Errorf("%q is no platform: write OS/ARCH, such as linux/amd64", name)
		}
		platforms = append(platforms, linked.Platform{OS: system, Arch: arch})
	}
	return platforms, nil
}

// run makes the archives of the commit that is checked out in the folder root.
func run(root, out string, platforms []linked.Platform, log io.Writer) error {
	source, err := checkout(root, log)
	if err != nil {
		return err
	}
	defer os.RemoveAll(source.dir)
	licences, err := licencesByModule(source.dir, platforms)
	if err != nil {
		return err
	}
	if err := makeWay(out); err != nil {
		return err
	}
	var made []string
	for _, p := range platforms {
		files, err := pack(source, p, licences, out)
		if err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
		fmt.Fprintln(log, strings.Join(files, "\n"))
		made = append(made, files...)
	}
	return writeSums(out, made)
}

// makeWay makes a folder for what is handed out, without what an earlier run left there. A folder that holds anything else is
// refused.
func makeWay(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != sumsName && !strings.HasPrefix(e.Name(), "linquant-") {
			return fmt.Errorf("%s holds %s, which is none of the archives: choose another folder", dir, e.Name())
		}
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// pack builds for one platform and writes its archive and the list of its parts. It returns their names.
func pack(source source, p linked.Platform, licences map[string][]string, out string) ([]string, error) {
	binary, err := build(source.dir, p)
	if err != nil {
		return nil, err
	}
	b, err := inspect(binary, p, source.revision)
	if err != nil {
		return nil, err
	}
	parts, err := bill(b, binary, licences, source.time)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("linquant-%s-%s-%s", b.Main.Version, p.OS, p.Arch)
	command := "linquant"
	if p.OS == "windows" {
		command += ".exe"
	}
	files := []file{{name: command, data: binary, executable: true}, {name: "linquant.cdx.json", data: parts}}
	for _, path := range handedOut {
		data, err := os.ReadFile(filepath.Join(source.dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: filepath.Base(path), data: data})
	}
	archive, write := name+".tar.gz", writeTar
	if p.OS == "windows" {
		archive, write = name+".zip", writeZip
	}
	f, err := os.Create(filepath.Join(out, archive))
	if err != nil {
		return nil, err
	}
	err = write(f, name, files, source.time)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return []string{archive, name + ".cdx.json"}, os.WriteFile(filepath.Join(out, name+".cdx.json"), parts, 0o644)
}

// handedOut are the files that stand beside the binary in an archive.
var handedOut = []string{"LICENSE", "cmd/linquant/THIRD_PARTY_NOTICES.txt", "README.md", "CHANGELOG.md"}

// source is a clone of a commit.
type source struct {
	dir, revision string
	time          time.Time
}
