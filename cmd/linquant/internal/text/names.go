package text

import (
	"strconv"
	"strings"
	"unicode"
)

// Width is the width of help texts: that of the narrowest usual terminal.
const Width = 80

// Printable is a name from a file as a terminal may show it.
func Printable(name string) string {
	quoted := strconv.Quote(name)
	if name != "" && quoted[1:len(quoted)-1] == name {
		return name
	}
	return quoted
}

// Quoted is a word of a command line as a shell takes it.
func Quoted(word string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("/._-=:,+@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// OneLine keeps an error that carries text from a file from breaking the terminal's lines.
func OneLine(err error) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, err.Error())
}

// Wrap breaks lines at spaces to fit the width. An indented line is an item, "  TERM  text", and goes on below its
// text.
func Wrap(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		hang := 0
		if item := strings.TrimLeft(line, " "); item != line {
			if _, text, ok := strings.Cut(item, "  "); ok {
				hang = len(line) - len(strings.TrimLeft(text, " "))
			}
		}
		var wrapped strings.Builder
		for len(line) > width {
			end := strings.LastIndexByte(line[:width+1], ' ')
			if end <= hang {
				break // a word longer than the line
			}
			wrapped.WriteString(line[:end] + "\n")
			line = strings.Repeat(" ", hang) + line[end+1:]
		}
		lines[i] = wrapped.String() + line
	}
	return strings.Join(lines, "\n")
}
