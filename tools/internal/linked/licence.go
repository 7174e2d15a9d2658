package linked

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Licence is a file that says under which terms something linked may be passed on.
type Licence struct {
	// File is its path below the module's folder.
	File string
	// ID is its SPDX identifier; "" for a file that adds to the licence beside it, such as a grant of patents.
	ID   string
	Text string
}

var (
	licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright)`)
	noticeName  = regexp.MustCompile(`(?i)^(notice|patents)`)
)

// chosen are the files of modules that let their user choose between licences: what is chosen, under a name that the rules
// for names do not find.
var chosen = map[string]string{"github.com/golang/freetype": "licenses/ftl.txt"}

// Licences returns the files of licences that stand in the module's folder and in those of its linked packages. A module
// without any, and a licence that [Identify] does not know, is an error.
func (m Module) Licences() ([]Licence, error) {
	var files []string
	for _, folder := range m.folders() {
		entries, err := os.ReadDir(filepath.Join(m.Dir, filepath.FromSlash(folder)))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() && (licenceName.MatchString(e.Name()) || noticeName.MatchString(e.Name())) {
				files = append(files, path.Join(folder, e.Name()))
			}
		}
	}
	if file, ok := chosen[m.Path]; ok {
		files = append(files, file)
	}
	var licences []Licence
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(file)))
		if err != nil {
			return nil, err
		}
		l := Licence{File: file, Text: clean(string(data))}
		if !noticeName.MatchString(path.Base(file)) {
			if l.ID = Identify(l.Text); l.ID == "" && chosen[m.Path] == "" {
				return nil, fmt.Errorf("%s %s: the licence in %s is none that is known: read it, and add it to tools/internal/linked/licence.go",
					m.Path, m.Version, file)
			}
		}
		licences = append(licences, l)
	}
	if IDs(licences) == nil {
		return nil, fmt.Errorf("%s %s: no licence in %s: it may not be passed on", m.Path, m.Version, m.Dir)
	}
	return licences, nil
}

// IDs returns the identifiers of licences, sorted, each once; nil for none.
func IDs(licences []Licence) []string {
	var ids []string
	for _, l := range licences {
		if l.ID != "" {
			ids = append(ids, l.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// phrases of licences, the first of which decides.
var phrases = []struct{ id, phrase string }{
	{"OFL-1.1", "sil open font license version 1.1"},
	{"FTL", "the freetype project license"},
	{"Apache-2.0", "apache license version 2.0"},
	{"CC-BY-4.0", "creative commons attribution 4.0 international"},
	{"BSD-3-Clause", "endorse or promote products derived from this software without specific prior written permission"},
	{"BSD-2-Clause", "redistribution and use in source and binary forms, with or without modification, are permitted"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
}

// Identify returns the SPDX identifier of a licence by what only it says, "" for one that is not known.
func Identify(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, p := range phrases {
		if strings.Contains(text, p.phrase) {
			return p.id
		}
	}
	return ""
}

// clean returns the text with lines that end in \n, no blanks at their ends, and one \n at the last.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\f", "\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}
