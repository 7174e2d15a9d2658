// Package pattern is the one way in which names of layers and tensors are chosen.
//
// A pattern is a list of globs with commas between, such as "layer1.*,!*.downsample.*". In a glob * stands for any
// characters, a slash and a dot among them, ? for any one character, [a-f] for one of a range and [^a-f] for one of no such,
// and \ before a character for itself. ! before a glob excludes what it matches. The last glob that matches a name decides;
// a list that begins with an exclusion begins with all names. A name that is the whole pattern, character by character, is
// matched whatever these mean.
package pattern

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pattern is a parsed pattern. The zero value matches nothing.
type Pattern struct {
	Text  string
	globs []glob
}

// glob is one of a list.
type glob struct {
	text    string
	exclude bool
}

// ErrSyntax says what a pattern may have.
var ErrSyntax = errors.New("it is no pattern: write * for any characters, ? for any one, [a-f] for a range, ! before what is " +
	"excluded, commas between, and \\ before a character that stands for itself")

// Parse reads a pattern. Errors: ErrSyntax.
func Parse(text string) (Pattern, error) {
	p := Pattern{Text: text}
	for rest := text; ; {
		end, err := globEnd(rest)
		if err != nil {
			return Pattern{}, err
		}
		g := glob{text: rest[:end]}
		if g.text != "" && g.text[0] == '!' {
			g = glob{g.text[1:], true}
		}
		if g.text == "" {
			return Pattern{}, ErrSyntax
		}
		p.globs = append(p.globs, g)
		if end == len(rest) {
			return p, nil
		}
		rest = rest[end+1:]
	}
}

// globEnd returns where the first glob of a list ends: at a comma, or at the end.
func globEnd(text string) (int, error) {
	for i := 0; i < len(text); {
		if text[i] == ',' {
			return i, nil
		}
		one, err := element(text[i:])
		if err != nil {
			return 0, err
		}
		i += one
	}
	return len(text), nil
}

// element returns the length of what stands for one character, or of a *.
func element(text string) (int, error) {
	switch text[0] {
	case '\\':
		if len(text) < 2 {
			return 0, ErrSyntax
		}
		_, n := utf8.DecodeRuneInString(text[1:])
		return 1 + n, nil
	case '[':
		_, n, ok := inRange(text, 0)
		if !ok {
			return 0, ErrSyntax
		}
		return n, nil
	}
	_, n := utf8.DecodeRuneInString(text)
	return n, nil
}

// inRange reports whether r is in the range that text begins with, and the length of that. ok is false where it has no end,
// nothing in it, or a range whose ends are swapped.
func inRange(text string, r rune) (in bool, length int, ok bool) {
	at := 1
	negated := at < len(text) && text[at] == '^'
	if negated {
		at++
	}
	next := func() (rune, bool) {
		if at < len(text) && text[at] == '\\' {
			at++
		}
		if at >= len(text) {
			return 0, false
		}
		c, n := utf8.DecodeRuneInString(text[at:])
		at += n
		return c, true
	}
	for empty := true; ; empty = false {
		if at < len(text) && text[at] == ']' && !empty {
			return in != negated, at + 1, true
		}
		if at < len(text) && (text[at] == ']' || text[at] == '-') {
			return false, 0, false
		}
		lo, found := next()
		hi := lo
		if found && at < len(text) && text[at] == '-' {
			at++
			hi, found = next()
		}
		if !found || hi < lo {
			return false, 0, false
		}
		in = in || lo <= r && r <= hi
	}
}

// Match reports whether the pattern chooses what has these names, of which one is enough for a glob.
func (p Pattern) Match(names ...string) bool {
	chosen := len(p.globs) > 0 && p.globs[0].exclude
	if slices.Contains(names, p.Text) {
		return true
	}
	for _, g := range p.globs {
		for _, name := range names {
			if match(g.text, name) {
				chosen = !g.exclude
				break
			}
		}
	}
	return chosen
}

// match matches a whole name. A star takes as few characters as what follows it allows, so that the time is at most that of
// the product of the lengths.
func match(glob, name string) bool {
	at, star, taken := 0, -1, 0
	for i := 0; i < len(name); {
		_, size := utf8.DecodeRuneInString(name[i:])
		if at < len(glob) && glob[at] == '*' {
			star, taken = at, i
			at++
			continue
		}
		if at < len(glob) {
			if length, ok := matchOne(glob[at:], name[i:]); ok {
				at, i = at+length, i+size
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[taken:])
		taken += size
		at, i = star+1, taken
	}
	for at < len(glob) && glob[at] == '*' {
		at++
	}
	return at == len(glob)
}

// matchOne matches the first character of a name, and returns the length of what stands for it.
func matchOne(glob, name string) (int, bool) {
	switch glob[0] {
	case '?':
		return 1, true
	case '[':
		r, _ := utf8.DecodeRuneInString(name)
		in, n, _ := inRange(glob, r)
		return n, in
	case '\\':
		_, n := utf8.DecodeRuneInString(glob[1:])
		return 1 + n, strings.HasPrefix(name, glob[1:1+n])
	}
	_, n := utf8.DecodeRuneInString(glob)
	return n, strings.HasPrefix(name, glob[:n])
}
