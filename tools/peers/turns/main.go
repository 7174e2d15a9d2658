// Turns is linquant's side of tools/peers/bench.py: it loads a network, runs it for a while whenever it is told to, and says
// how long each run took. It reads commands from its standard input and writes an answer to each, all JSON, one a line:
//
//	{"do": "load", "path": "x.onnx", "threads": 1, "batch": 8, "input": "x.f32", "buffers": 4}
//	{"do": "turn", "seconds": 0.3, "cpu": false}
//	{"do": "answer", "output": "y.f32"}
//
// The input file has float32 numbers, buffers batches one after the other; answer writes as many batches of outputs.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"linquant/engine"
	"linquant/pipeline"
)

// command is a line of the standard input.
type command struct {
	Do      string  `json:"do"`
	Path    string  `json:"path"`
	Threads int     `json:"threads"`
	Batch   int     `json:"batch"`
	Input   string  `json:"input"`
	Buffers int     `json:"buffers"`
	Seconds float64 `json:"seconds"`
	CPU     bool    `json:"cpu"` // times are of processors, not of the clock
	Output  string  `json:"output"`
}

// reply is a line of the standard output.
type reply struct {
	Error   string    `json:"error,omitempty"`
	Version string    `json:"version,omitempty"`
	Times   []float64 `json:"times,omitempty"` // seconds
}

// network is what was loaded last.
type network struct {
	program *pipeline.Model
	inputs  [][]float32 // a batch each
	output  []float32
	next    int
}

func main() {
	var n *network
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var c command
		var r reply
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			r, err = n.do(context.Background(), c, &n)
		}
		if err != nil {
			r = reply{Error: err.Error()}
		}
		if err := out.Encode(r); err != nil {
			fmt.Fprintln(os.Stderr, "turns:", err)
			os.Exit(1)
		}
	}
}

// do carries out one command; load replaces *loaded.
func (n *network) do(ctx context.Context, c command, loaded **network) (reply, error) {
	if c.Do == "load" {
		made, err := load(ctx, c)
		if err != nil {
			return reply{}, err
		}
		*loaded = made
		return reply{Version: made.program.CPU()}, made.run(ctx)
	}
	if n == nil {
		return reply{}, errors.New("nothing is loaded")
	}
	switch c.Do {
	case "turn":
		var r reply
		begin := time.Now()
		now := func() (time.Duration, error) { return time.Since(begin), nil }
		if c.CPU {
			now = processorTime
		}
		for len(r.Times) == 0 || time.Since(begin).Seconds() < c.Seconds {
			start, err := now()
			if err != nil {
				return reply{}, err
			}
			if err := n.run(ctx); err != nil {
				return reply{}, err
			}
			end, err := now()
			if err != nil {
				return reply{}, err
			}
			r.Times = append(r.Times, (end - start).Seconds())
		}
		return r, nil
	case "answer":
		var data []byte
		n.next = 0
		for range n.inputs {
			if err := n.run(ctx); err != nil {
				return reply{}, err
			}
			var err error
			if data, err = binary.Append(data, binary.LittleEndian, n.output); err != nil {
				return reply{}, err
			}
		}
		return reply{}, os.WriteFile(c.Output, data, 0o666)
	}
	return reply{}, fmt.Errorf("%q: use load, turn or answer", c.Do)
}

// run runs the next of the inputs.
func (n *network) run(ctx context.Context) error {
	in := n.inputs[n.next]
	n.next = (n.next + 1) % len(n.inputs)
	return n.program.Run(ctx, [][]float32{n.output}, [][]float32{in})
}

func load(ctx context.Context, c command) (*network, error) {
	p, err := pipeline.LoadFile(ctx, c.Path, engine.Config{Threads: c.Threads})
	if err != nil {
		return nil, err
	}
	if len(p.Inputs()) != 1 || len(p.Outputs()) != 1 {
		return nil, fmt.Errorf("%s: %d inputs and %d outputs, one of each is measured", c.Path, len(p.Inputs()), len(p.Outputs()))
	}
	data, err := os.ReadFile(c.Input)
	if err != nil {
		return nil, err
	}
	in, err := p.Inputs()[0].Shape.Elements()
	if err != nil {
		return nil, err
	}
	out, err := p.Outputs()[0].Shape.Elements()
	if err != nil {
		return nil, err
	}
	n := &network{program: p, output: make([]float32, c.Batch*out)}
	numbers := make([]float32, c.Buffers*c.Batch*in)
	if len(data) != 4*len(numbers) {
		return nil, fmt.Errorf("%s: %d bytes, not %d", c.Input, len(data), 4*len(numbers))
	}
	if _, err := binary.Decode(data, binary.LittleEndian, numbers); err != nil {
		return nil, err
	}
	size := len(numbers) / c.Buffers
	for i := range c.Buffers {
		n.inputs = append(n.inputs, numbers[i*size:(i+1)*size])
	}
	return n, nil
}
