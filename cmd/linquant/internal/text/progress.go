package text

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Progress shows on a terminal how far a long piece of work is. It shows nothing in the first second, and nothing at
// all where its writer is no terminal.
type Progress struct {
	w     io.Writer // nil: show nothing
	start time.Time
	last  time.Time // when the line was drawn
	shown bool
}

// NewProgress returns one that draws on stderr, if that is a terminal.
func NewProgress(stderr io.Writer) *Progress {
	p := &Progress{start: time.Now()}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.w = stderr
	}
	return p
}

// Step says that done of total pieces are done and what comes next.
func (p *Progress) Step(done, total int, next string) {
	if p.early() {
		return
	}
	p.line(fmt.Sprintf("%d of %d", done, total), next)
}

// Rate is Step for many equal pieces: it also shows how many are done in a second and how long the rest will take.
func (p *Progress) Rate(done, total int, what, of string) {
	if p.early() || done == 0 || done < total && time.Since(p.last) < time.Second/8 {
		return
	}
	elapsed := time.Since(p.start)
	perSecond := float64(done) / elapsed.Seconds()
	left := time.Duration(float64(total-done) / perSecond * float64(time.Second)).Round(time.Second)
	p.bar(done, total, fmt.Sprintf("%s, %s/s, %s left", what, Rate(perSecond), left), of)
}

// Left is Rate for pieces that are not alike, where it is known how long the rest will take; 0 is not known.
func (p *Progress) Left(done, total int, what string, left time.Duration, of string) {
	if p.early() {
		return
	}
	if left > 0 {
		what += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.bar(done, total, what, of)
}

// bar draws how much is done.
func (p *Progress) bar(done, total int, what, of string) {
	const width = 20
	bar := make([]byte, width)
	for i := range bar {
		bar[i] = '-'
		if i*total < done*width {
			bar[i] = '#'
		}
	}
	p.line(fmt.Sprintf("[%s] %d of %d %s", bar, done, total, what), of)
}

// early reports whether nothing is to be shown yet, or ever.
func (p *Progress) early() bool { return p.w == nil || time.Since(p.start) < time.Second }

// line replaces the line. It is cut to a terminal's width: a line that the terminal wraps could not be replaced.
func (p *Progress) line(done, of string) {
	p.shown, p.last = true, time.Now()
	text := []rune(done + "  " + Printable(of))
	if most := Width - 1; len(text) > most {
		text = append(text[:most-3], '.', '.', '.')
	}
	fmt.Fprint(p.w, "\r\x1b[K"+string(text))
}

// End removes the line.
func (p *Progress) End() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.shown = false
}
