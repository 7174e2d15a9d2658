// Gomlx is GoMLX's side of tools/peers/bench.py: onnx-gomlx reads the file and GoMLX's backend in pure Go runs it. It takes
// the commands of tools/peers/turns, and is a module of its own so that linquant depends on none of it.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/gomlx/gomlx/backends"
	_ "github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/onnx-gomlx/onnx"
	"golang.org/x/sys/unix"
)

type command struct {
	Do      string  `json:"do"`
	Path    string  `json:"path"`
	Threads int     `json:"threads"`
	Batch   int     `json:"batch"`
	Input   string  `json:"input"`
	Buffers int     `json:"buffers"`
	Shape   []int   `json:"shape"`
	Seconds float64 `json:"seconds"`
	CPU     bool    `json:"cpu"`
	Output  string  `json:"output"`
}

type reply struct {
	Error   string    `json:"error,omitempty"`
	Version string    `json:"version,omitempty"`
	Times   []float64 `json:"times,omitempty"`
}

var (
	exec   *context.Exec
	inputs []*tensors.Tensor
	next   int
)

func main() {
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // what libraries print is no answer
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		var r reply
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			r, err = do(c)
		}
		if err != nil {
			r = reply{Error: err.Error()}
		}
		if out.Encode(r) != nil {
			os.Exit(1)
		}
	}
}

func do(c command) (r reply, err error) {
	defer func() {
		if p := recover(); p != nil { // how GoMLX says what it does not support
			err = fmt.Errorf("%v", p)
		}
	}()
	switch {
	case c.Do == "load":
		return reply{Version: version()}, load(c)
	case exec == nil:
		return reply{}, errors.New("nothing is loaded")
	case c.Do == "turn":
		for begin := time.Now(); len(r.Times) == 0 || time.Since(begin).Seconds() < c.Seconds; {
			start := now(c.CPU)
			if _, err := run(); err != nil {
				return r, err
			}
			r.Times = append(r.Times, (now(c.CPU) - start).Seconds())
		}
		return r, nil
	case c.Do == "answer":
		var data []byte
		next = 0
		for range inputs {
			y, err := run()
			if err != nil {
				return r, err
			}
			if data, err = binary.Append(data, binary.LittleEndian, y); err != nil {
				return r, err
			}
		}
		return r, os.WriteFile(c.Output, data, 0o666)
	}
	return r, fmt.Errorf("%q: use load, turn or answer", c.Do)
}

// now returns how long processors have worked for this process, or the clock.
func now(cpu bool) time.Duration {
	clock := int32(unix.CLOCK_MONOTONIC)
	if cpu {
		clock = unix.CLOCK_PROCESS_CPUTIME_ID
	}
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

func run() ([]float32, error) {
	x := inputs[next]
	next = (next + 1) % len(inputs)
	y, err := exec.Exec(x)
	if err != nil {
		return nil, err
	}
	return tensors.CopyFlatData[float32](y[0])
}

func load(c command) error {
	exec = nil
	model, err := onnx.ReadFile(c.Path)
	if err != nil {
		return err
	}
	backend, err := backends.NewWithConfig(fmt.Sprintf("go:parallelism=%d", c.Threads))
	if err != nil {
		return err
	}
	ctx := context.New()
	if err := model.VariablesToContext(ctx); err != nil {
		return err
	}
	names, _ := model.Inputs()
	made, err := context.NewExec(backend, ctx, func(ctx *context.Context, x *graph.Node) *graph.Node {
		return model.CallGraph(ctx, x.Graph(), map[string]*graph.Node{names[0]: x})[0]
	})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(c.Input)
	if err != nil {
		return err
	}
	numbers := make([]float32, len(data)/4)
	if _, err := binary.Decode(data, binary.LittleEndian, numbers); err != nil {
		return err
	}
	inputs, next = nil, 0
	size := len(numbers) / c.Buffers
	for i := range c.Buffers {
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(numbers[i*size:(i+1)*size], append([]int{c.Batch}, c.Shape...)...))
	}
	exec = made
	_, err = run()
	return err
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/gomlx/gomlx" {
				return "GoMLX " + m.Version
			}
		}
	}
	return "GoMLX"
}
