// Notices writes the licences of everything that is linked into the command, on any platform that archives are made for:
//
//	go run ./tools/notices
//
// The texts come from the module cache and from the Go distribution.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"linquant/internal/atomicfile"
	"linquant/tools/internal/linked"
)

// file is where the command embeds the notices from.
var file = filepath.Join("cmd", "linquant", "THIRD_PARTY_NOTICES.txt")

func main() {
	out := flag.String("o", file, "the file to write")
	flag.Parse()
	err := atomicfile.Write(*out, func(w io.Writer) error { return write(w, ".") })
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// remarks say what a licence wants said, or what is not plain from its text.
var remarks = map[string]string{
	linked.Std:                         "The runtime and the standard library of Go.",
	"codeberg.org/go-fonts/liberation": "Contains the font Liberation Sans, under the SIL Open Font License; the code around it is\nunder the BSD licence.",
	"github.com/golang/freetype": "Portions of this software are copyright © 2010 The FreeType Project (www.freetype.org). All rights\n" +
		"reserved. Of the two licences offered, the FreeType License is chosen.",
	"golang.org/x/image": "Contains the Go fonts, under the same licence.",
}

// write writes the notices of the module in the folder root: a list, then each text once, under the names of all that it is
// the licence of.
func write(w io.Writer, root string) error {
	modules, err := linked.Modules(root, linked.Platforms)
	if err != nil {
		return err
	}
	type section struct {
		of   []string
		text string
	}
	var sections []*section
	byText := map[string]*section{}
	var list strings.Builder
	for _, m := range modules {
		licences, err := m.Licences()
		if err != nil {
			return err
		}
		name := strings.TrimSpace(m.Path + " " + m.Version)
		if m.Path == linked.Std {
			name = "Go" // of whichever version builds: the text is the same
		}
		fmt.Fprintf(&list, "  %s: %s\n", name, strings.Join(linked.IDs(licences), ", "))
		if r := remarks[m.Path]; r != "" {
			fmt.Fprintf(&list, "    %s\n", strings.ReplaceAll(r, "\n", "\n    "))
		}
		for _, l := range licences {
			s := byText[l.Text]
			if s == nil {
				s = &section{text: l.Text}
				byText[l.Text] = s
				sections = append(sections, s)
			}
			s.of = append(s.of, name+", "+l.File)
		}
	}
	fmt.Fprintf(w, `linquant is under the MIT license of its file LICENSE. Its binary contains the software and the fonts below,
which are under licences of their own. Written by tools/notices.

%s`, list.String())
	for _, s := range sections {
		if _, err := fmt.Fprintf(w, "\n%s\n%s\n\n%s", strings.Repeat("=", 80), strings.Join(s.of, "\n"), s.text); err != nil {
			return err
		}
	}
	return nil
}
