// Package judge has a command of the user's compare the answers of two networks: check --metric 'exec: COMMAND'.
//
// The command is run without a shell, in the folder that linquant runs in, with two arguments behind its own: the files
// network.npz and reference.npz. Each has the outputs of one network, float32 of the shape [examples, …], as output0, output1, … in the
// network's order, and, int64 of the shape [examples], the labels (−1 where there is none) and the numbers of the examples in the
// data. On standard output it prints what the network loses to the reference, as decimal numbers with white space or commas between:
// one for each example in their order, or one for all. It may be run several times, each time with other examples. One that
// prints a single number for the first of these, where they are several, is run once more in the end, with all examples.
//
// It fails where it ends with another status than 0, prints anything else, or takes longer than it may.
package judge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/program"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/tensor"
)

// Command is a pipeline.Judge.
type Command struct {
	Low, High float64 // what the loss of an example lies between

	words []string
	limit time.Duration
	dir   string // of the files; "" before the first
	all   *spool // of a command that judges all examples together; nil of another
	first bool   // it has run
}

// New returns the judge that the command line is, which may take so long each time: words with spaces between, of which quotes, ' or ", keep
// those together that they enclose. Errors: no word, a quote without its end, a program that there is not.
func New(line string, limit time.Duration) (*Command, error) {
	words, err := program.Find(line)
	if err != nil {
		return nil, err
	}
	return &Command{Low: -1, High: 1, words: words, limit: limit}, nil
}

// Close removes the files.
func (c *Command) Close() error {
	if c.dir == "" {
		return nil
	}
	return errors.Join(c.all.close(), os.RemoveAll(c.dir))
}

// Losses runs the command on the examples.
func (c *Command) Losses(ctx context.Context, a pipeline.Answers) ([]float64, error) {
	if c.all != nil {
		return nil, c.all.add(a)
	}
	if c.dir == "" {
		dir, err := os.MkdirTemp("", "linquant-check-")
		if err != nil {
			return nil, err
		}
		c.dir = dir
	}
	labels, err := integers(a.Labels)
	if err != nil {
		return nil, err
	}
	examples, err := integers(a.Examples)
	if err != nil {
		return nil, err
	}
	write := func(outputs []tensor.Tensor) []checkpoint.Output {
		var list []checkpoint.Output
		for i, t := range outputs {
			list = append(list, checkpoint.FromTensor("output"+strconv.Itoa(i), t))
		}
		return append(list, checkpoint.FromTensor("labels", labels), checkpoint.FromTensor("examples", examples))
	}
	n := len(a.Examples)
	losses, err := c.run(ctx, n, write(a.Network), write(a.Reference))
	if err != nil {
		return nil, err
	}
	first := !c.first
	c.first = true
	switch {
	case len(losses) == n:
		for i, loss := range losses {
			if loss < c.Low || loss > c.High {
				return nil, fmt.Errorf("%s: it printed %g for example %d, which is not between %g and %g: --range says what is", c.name(), loss,
					a.Examples[i], c.Low, c.High)
			}
		}
		return losses, nil
	case first && len(losses) == 1:
		if c.all, err = newSpool(c.dir, a); err != nil {
			return nil, err
		}
		return nil, c.all.add(a)
	}
	return nil, fmt.Errorf("%s: it printed %s for %s: one for each is wanted, or one for all", c.name(), text.Plural(len(losses), "number"),
		text.Plural(n, "example"))
}

// All runs the command on all examples that there were.
func (c *Command) All(ctx context.Context) (float64, error) {
	if c.all == nil {
		return 0, errors.New("there were no examples")
	}
	network, reference, err := c.all.outputs()
	if err != nil {
		return 0, err
	}
	losses, err := c.run(ctx, c.all.examples, network, reference)
	if err != nil {
		return 0, err
	}
	if len(losses) != 1 {
		return 0, fmt.Errorf("%s: it printed %s for all examples, and one for the first of them", c.name(), text.Plural(len(losses), "number"))
	}
	return losses[0], nil
}

// name is what messages call the command.
func (c *Command) name() string { return text.Printable(filepath.Base(c.words[0])) }

// run writes the files, runs the command, and reads what it prints: at most most numbers.
func (c *Command) run(ctx context.Context, most int, network, reference []checkpoint.Output) ([]float64, error) {
	args := append([]string(nil), c.words[1:]...)
	for i, name := range []string{"network.npz", "reference.npz"} {
		path := filepath.Join(c.dir, name)
		if err := writeNPZ(path, [][]checkpoint.Output{network, reference}[i]); err != nil {
			return nil, err
		}
		args = append(args, path)
	}
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	// A number has at most some 30 characters, and a command that prints more than there can be is ended.
	out, complaint := &limitedBuffer{most: 4096 + 64*most, full: cancel}, &program.Tail{}
	command := exec.CommandContext(limited, c.words[0], args...)
	command.Stdout, command.Stderr, command.WaitDelay = out, complaint, 2*time.Second
	program.Together(command)
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case out.beyond():
		return nil, fmt.Errorf("%s: it prints more than a number for each of %s", c.name(), text.Plural(most, "example"))
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s: it has not ended after %v: --metric-timeout gives it more", c.name(), c.limit)
	case err != nil:
		return nil, program.Failed(c.name(), err, complaint)
	}
	return numbers(c.name(), string(out.written), most)
}

// numbers reads what a command has printed.
func numbers(name, printed string, most int) ([]float64, error) {
	var list []float64
	for _, field := range strings.FieldsFunc(printed, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' }) {
		v, err := strconv.ParseFloat(field, 64)
		switch {
		case err != nil && !math.IsInf(v, 0):
			return nil, fmt.Errorf("%s: it printed %.40q, which is no number", name, field)
		case math.IsInf(v, 0) || math.IsNaN(v):
			return nil, fmt.Errorf("%s: it printed %s: a loss is a finite number", name, field)
		case len(list) == most:
			return nil, fmt.Errorf("%s: it printed more than a number for each of %s", name, text.Plural(most, "example"))
		}
		list = append(list, v)
	}
	return list, nil
}

func writeNPZ(path string, arrays []checkpoint.Output) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(checkpoint.WriteNPZ(f, arrays), f.Close())
}

func integers(x []int) (tensor.Tensor, error) {
	wide := make([]int64, len(x))
	for i, v := range x {
		wide[i] = int64(v)
	}
	return tensor.Of(tensor.Shape{len(wide)}, wide)
}

// limitedBuffer keeps what is written up to a limit, and says when it is beyond it.
type limitedBuffer struct {
	written []byte // not a bytes.Buffer in its place, whose ReadFrom knows no limit
	most    int
	full    func()
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.written = append(b.written, p[:min(b.most+1-len(b.written), len(p))]...)
	if b.beyond() {
		b.full()
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func (b *limitedBuffer) beyond() bool { return len(b.written) > b.most }
