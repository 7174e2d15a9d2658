// Command asmgen writes the assembly of linquant that would otherwise repeat itself: for two widths of vectors, for
// tiles of 1 to 16 rows, for several conventions of rounding. It uses avo, whose methods are the instructions, and which
// checks their operands. Registers are chosen by hand here: the inner loops are tuned.
//
//	go run -C tools/asmgen . -o ../..
//
// Each file is made by a function in the file of its family; files lists them. Instructions that avo does not know, and
// kernels of which there is one each, are written by hand in the packages.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// A file of assembly, relative to the module, and what writes it.
type file struct {
	path  string
	lanes int
	write func(*kernel)
}

func main() {
	out := flag.String("o", "../..", "the folder of the module, or another that gets its generated files")
	flag.Parse()
	for _, f := range files {
		if err := f.generate(*out); err != nil {
			logger := log.New(os.Stderr, f.path+": ", 0)
			build.LogError(logger, err, 10)
			os.Exit(1)
		}
	}
	for _, f := range neonFiles {
		if err := f.generate(*out); err != nil {
			log.Fatal(err)
		}
	}
}

func (f file) generate(root string) error {
	k := &kernel{Context: build.NewContext(), lanes: f.lanes}
	k.ConstraintExpr("!purego")
	f.write(k)
	code, err := k.Result()
	if err != nil {
		return err
	}
	code.Includes = append(append(code.Includes, "go_asm.h"), k.headers...)
	if err := pass.Compile.Execute(code); err != nil {
		return err
	}
	text, err := printer.NewGoAsm(printer.Config{Name: "tools/asmgen"}).Print(code)
	if err != nil {
		return err
	}
	return save(root, f.path, text)
}

func save(root, path string, text []byte) error {
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o666)
}
