// Package program has what running programs of the user's needs: the words of a command line, the end of what a program says, and that
// what it starts ends with it.
package program

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Find returns the words of a command line, with spaces between, of which quotes, ' or ", keep those together that they enclose. The first is a
// program; no shell reads them. Errors: no word, a quote without its end, a program that there is not.
func Find(line string) ([]string, error) {
	words, err := Words(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errors.New("there is no command")
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return nil, fmt.Errorf("there is no program %q: look at its name, and whether it may be executed", words[0])
	}
	return words, nil
}

// Words returns the words of a command line.
func Words(line string) (words []string, err error) {
	var word strings.Builder
	begun, quote := false, rune(0)
	for _, r := range line {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c has no end", quote)
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// Tail keeps the end of what is written.
type Tail struct{ end []byte }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	const most = 4096
	t.end = append(t.end, p...)
	if more := len(t.end) - most; more > 0 {
		t.end = append(t.end[:0], t.end[more:]...)
	}
	return len(p), nil
}

// Last returns the last line that is not empty.
func (t *Tail) Last() string {
	lines := strings.Split(strings.TrimSpace(string(t.end)), "\n")
	return strings.TrimSpace(strings.ToValidUTF8(lines[len(lines)-1], "\uFFFD"))
}

// Failed is the error of a program that ended with one, with the last line that it said.
func Failed(name string, err error, said *Tail) error {
	if line := said.Last(); line != "" {
		return fmt.Errorf("%s: %w: %s", name, err, line)
	}
	return fmt.Errorf("%s: %w", name, err)
}
