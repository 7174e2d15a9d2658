package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows on a terminal how far a long piece of work is. It shows nothing in the first second, and nothing at
// all where its writer is no terminal.
type progress struct {
	w     io.Writer // nil: show nothing
	start time.Time
	shown bool
}

func newProgress(stderr io.Writer) *progress {
	p := &progress{start: time.Now()}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.w = stderr
	}
	return p
}

// step says that done of total pieces are done and what comes next.
func (p *progress) step(done, total int, next string) {
	if p.w == nil || time.Since(p.start) < time.Second {
		return
	}
	p.shown = true
	const longest = 50 // A line that the terminal wraps could not be replaced.
	if runes := []rune(printable(next)); len(runes) > longest {
		next = string(runes[:longest]) + "..."
	} else {
		next = string(runes)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%d of %d  %s", done, total, next)
}

// end removes the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
