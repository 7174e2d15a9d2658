// Rename moves the module to another path: that of its home, once it has one.
//
//	go run ./tools/rename example.com/owner/linquant
//
// It changes what names the module or its packages: go.mod of all modules of the tree, imports, generated code and its
// generator, comments, documentation, scripts and CI. The command is still called linquant, and so is the metadata in files.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/rename PATH, in the root of the module\nPATH is the module's new path, such as example.com/owner/linquant")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	n, err := run(".", flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files changed. Look at 'git diff', then: go vet ./... && go test -short ./...\n", n)
}

// run renames the module in root and returns how many files that changed. All files are read and rewritten in memory before
// the first is written.
func run(root, path string) (int, error) {
	r, err := newRenamer(root, path)
	if err != nil {
		return 0, err
	}
	changed := map[string][]byte{}
	err = walk(root, func(name string) error {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		after, err := r.rewrite(name, data)
		if err != nil {
			return err
		}
		if string(after) != string(data) {
			changed[name] = after
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for name, data := range changed {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil { // a file that is there keeps its mode
			return 0, err
		}
	}
	return len(changed), nil
}

// texts are the endings of the names of files that may name the module; files without an ending are looked at too.
var texts = []string{"", ".go", ".s", ".h", ".mod", ".md", ".txtar", ".py", ".sh", ".yml", ".yaml"}

// walk calls visit for every file that may name the module, by its name below root. Data of tests is not looked at but for
// scripts and programs, nor is this program, whose tests are about such names.
func walk(root string, visit func(name string) error) error {
	return filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && filepath.ToSlash(name) == "tools/rename":
			return filepath.SkipDir
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "fuzz" && filepath.Base(filepath.Dir(path)) == "testdata"):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !slices.Contains(texts, filepath.Ext(name)) && d.Name() != "run":
			return nil
		}
		return visit(name)
	})
}
