// Package feed takes examples from a program of the user's: --calib 'cmd:PROGRAM ARGS'.
//
// The program is run without a shell, in the folder that linquant runs in. It writes NumPy files to its standard output, one after the other, as
// numpy.savez(sys.stdout.buffer, …) does, each a batch with an array for every input, [N, …], and ends with status 0, or is ended when there are as
// many examples as are wanted. Where it has ended and what it started holds its output open, that is read until nothing comes of it for a second. What
// it writes stands in files of a temporary folder until the work is done, so that memory does not grow with it.
package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/program"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
)

// Prefix begins DATA that is a command.
const Prefix = "cmd:"

// mostBatch bounds the bytes of a batch.
const mostBatch = 1 << 30

// Open runs the command of what follows Prefix, and returns the examples that it writes for a network with these inputs, most or, where a batch ends
// beyond them, some more. Closing the set removes what it wrote.
//
// Errors: those of program.Find, checkpoint.CopyNumPy and dataset.OpenInputs; a program that ends with another status than 0, with the last
// line that it said; ctx's.
func Open(ctx context.Context, data string, inputs []dataset.Input, most int) (dataset.Set, error) {
	words, err := program.Find(strings.TrimPrefix(data, Prefix))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "linquant-calib-")
	if err != nil {
		return nil, err
	}
	s := &examples{dir: dir, name: Prefix + text.Printable(filepath.Base(words[0]))}
	if err := s.fill(ctx, words, inputs, most); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if s.Set, err = dataset.OpenInputs(ctx, "npz:"+dir, dataset.Train, inputs); err != nil {
		err = fmt.Errorf("%s: %s", s.name, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "batch "))
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// examples are what a command wrote.
type examples struct {
	dataset.Set
	dir, name string
}

func (s *examples) Name() string        { return s.name }
func (s *examples) Unwrap() dataset.Set { return s.Set }
func (s *examples) Close() error        { return errors.Join(s.Set.Close(), os.RemoveAll(s.dir)) }

// fill runs the command until there are so many examples, or it ends.
func (s *examples) fill(ctx context.Context, words []string, inputs []dataset.Input, most int) (err error) {
	running, end := context.WithCancel(ctx)
	defer end()
	c := exec.CommandContext(running, words[0], words[1:]...)
	said := &program.Tail{}
	c.Stderr, c.WaitDelay = said, silence
	program.Together(c)
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	c.Stdout = in
	err = c.Start()
	_ = in.Close() // the program has its own
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	from := &output{pipe: out}
	ended := make(chan error, 1)
	go func() {
		err := c.Wait()
		from.end()
		ended <- err
	}()
	n, err := s.read(running, bufio.NewReaderSize(from, 1<<16), inputs, most)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || n >= most {
		end()
	}
	waited := <-ended
	if errors.Is(waited, exec.ErrWaitDelay) {
		waited = nil // it ended well, and its standard error is held open
	}
	if !from.closed {
		_ = c.Cancel() // what it started
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case n >= most:
		return nil // whatever became of it
	case waited != nil && running.Err() == nil: // the reason why its output ends
		return program.Failed(s.name, waited, said)
	case err != nil:
		return fmt.Errorf("%s: %w", s.name, err)
	case n == 0:
		return fmt.Errorf("%s: it wrote no batch: write each with numpy.savez(sys.stdout.buffer, NAME=array, …)", s.name)
	}
	return nil
}

// silence is how long nothing comes of an output whose program has ended until it is taken to be all.
const silence = time.Second

// output reads the standard output of a program. Once the program has ended it ends too, also where another holds it open, after the silence.
type output struct {
	pipe   *os.File
	ended  atomic.Bool
	closed bool // by all that had it
}

// end notes that the program has ended.
func (o *output) end() {
	o.ended.Store(true)
	_ = o.pipe.SetReadDeadline(time.Now().Add(silence))
}

func (o *output) Read(p []byte) (int, error) {
	if o.ended.Load() {
		_ = o.pipe.SetReadDeadline(time.Now().Add(silence))
	}
	n, err := o.pipe.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, io.EOF
	}
	o.closed = o.closed || err == io.EOF
	return n, err
}

// read writes each batch to a file, until there are so many examples, and returns how many there are.
func (s *examples) read(ctx context.Context, out *bufio.Reader, inputs []dataset.Input, most int) (n int, err error) {
	for batch := 0; n < most; batch++ {
		path := filepath.Join(s.dir, fmt.Sprintf("%08d.npz", batch))
		f, err := os.Create(path)
		if err != nil {
			return n, err
		}
		w := bufio.NewWriter(f)
		_, err = checkpoint.CopyNumPy(w, out, mostBatch)
		if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
			_ = os.Remove(path) // the folder goes with it
			if errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		set, err := dataset.OpenInputs(ctx, "npz:"+path, dataset.Train, inputs)
		if err != nil {
			return n, errors.New(strings.ReplaceAll(err.Error(), path, fmt.Sprintf("batch %d", batch)))
		}
		n += set.Len()
		if err := set.Close(); err != nil {
			return n, err
		}
	}
	return n, nil
}
