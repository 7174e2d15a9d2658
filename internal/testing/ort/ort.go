// Package ort runs models in ONNX Runtime, for tests that compare its results with ours.
//
// The environment variable LINQUANT_ORT_PYTHON names a Python interpreter that has the packages onnxruntime, onnx and
// numpy. Without it tests are skipped, or fail where LINQUANT_REQUIRE_ORT is 1, as it is in continuous integration.
//
// ONNX Runtime on x86 processors without VNNI instructions saturates sums of pairs of products of uint8 activations
// with int8 weights: its integers are then wrong, not ours. Saturates says whether this processor is one.
package ort

import (
	"bufio"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/tensor"
)

// Options says how a model is run.
type Options struct {
	DisableOptimizations bool
	ExposeAll            bool // every value that a node computes is returned
	IgnoreMissing        bool // outputs that the model does not have are left out of the result
	Unsaturated          bool // sums of products do not saturate on any processor (session.x64quantprecision)
}

// Result is what a model has computed.
type Result struct {
	Values    map[string]tensor.Tensor
	Operators map[string]int // how often the model has each operator as it was run, optimizations applied
}

// Run runs the model in the file on the inputs and returns the named outputs, which may be values inside the model; nil
// stands for the outputs of the model. An error ends the test. To return a value keeps optimizations from removing it:
// to see the integers of a fused QDQ layer ask for the values that hold codes and not for those around them.
func Run(t testing.TB, model string, inputs map[string]tensor.Tensor, outputs []string, opt Options) map[string]tensor.Tensor {
	t.Helper()
	return RunDetailed(t, model, inputs, outputs, opt).Values
}

// RunDetailed is Run that also says what was run.
func RunDetailed(t testing.TB, model string, inputs map[string]tensor.Tensor, outputs []string, opt Options) Result {
	t.Helper()
	Require(t)
	r, err := run(t.TempDir(), model, inputs, outputs, opt)
	if err != nil {
		t.Fatalf("ONNX Runtime, %s: %v", filepath.Base(model), err)
	}
	return r
}

// Try is RunDetailed for models that ONNX Runtime may refuse: folder is for files in between.
// Require must have been called.
func Try(folder, model string, inputs map[string]tensor.Tensor, outputs []string, opt Options) (Result, error) {
	return run(folder, model, inputs, outputs, opt)
}

// Require skips the test where there is no ONNX Runtime, or fails it where LINQUANT_REQUIRE_ORT is 1.
func Require(t testing.TB) {
	t.Helper()
	if os.Getenv("LINQUANT_ORT_PYTHON") != "" {
		return
	}
	if os.Getenv("LINQUANT_REQUIRE_ORT") == "1" {
		t.Fatal("LINQUANT_REQUIRE_ORT is 1 and LINQUANT_ORT_PYTHON is not set")
	}
	t.Skip("set LINQUANT_ORT_PYTHON to a Python that has onnxruntime, onnx and numpy")
}

// Saturates reports whether ONNX Runtime's sums of uint8 times int8 products saturate on this processor.
func Saturates() bool {
	return runtime.GOARCH == "amd64" && !cpu.Has(cpu.AVXVNNI) && !cpu.Has(cpu.AVX512VNNI)
}

// FitPairs leaves codes of 7 bits in constants of int8 where sums saturate, so that two products with uint8 fit int16.
func FitPairs(g *graph.Graph) {
	if !Saturates() {
		return
	}
	for _, v := range g.Values {
		if v.Const == nil || v.Quant == nil || v.Const.DType != tensor.Int8 {
			continue
		}
		half := *v.Const
		half.Data = make([]byte, len(v.Const.Data))
		for i, code := range v.Const.Data {
			half.Data[i] = byte(int8(code) / 2)
		}
		v.Const = &half
	}
}

//go:embed run.py
var script string

// process is the interpreter, which all tests of a binary share: to import onnxruntime takes a second. It ends with its
// standard input, when the test binary does.
type process struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
	log *tail
}

var start = sync.OnceValues(func() (*process, error) {
	cmd := exec.Command(os.Getenv("LINQUANT_ORT_PYTHON"), "-c", script)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &process{in: in, out: bufio.NewReader(out), log: &tail{}}
	cmd.Stderr = p.log
	return p, cmd.Start()
})

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	l.text = l.text[max(0, len(l.text)-2000):]
	return len(b), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}

type request struct {
	Model    string   `json:"model"`
	Inputs   string   `json:"inputs"`
	Names    []string `json:"names"`
	Outputs  []string `json:"outputs"`
	Result   string   `json:"result"`
	Optimize bool     `json:"optimize"`
	Expose   bool     `json:"expose"`
	Ignore   bool     `json:"ignore_missing"`
	Precise  bool     `json:"unsaturated"`

	Time     bool    `json:"time"`
	Threads  int     `json:"threads"`
	Batch    int     `json:"batch"`
	ForAbout float64 `json:"seconds"`
}

type answer struct {
	Error     string         `json:"error"`
	Names     []string       `json:"names"`
	Operators map[string]int `json:"operators"`
	Seconds   []float64      `json:"seconds"`
}

func run(folder, model string, inputs map[string]tensor.Tensor, outputs []string, opt Options) (Result, error) {
	p, err := start()
	if err != nil {
		return Result{}, fmt.Errorf("LINQUANT_ORT_PYTHON does not start: %w", err)
	}
	path, err := filepath.Abs(model)
	if err != nil {
		return Result{}, err
	}
	q := request{
		Model: path, Outputs: outputs, Optimize: !opt.DisableOptimizations, Expose: opt.ExposeAll,
		Ignore: opt.IgnoreMissing, Precise: opt.Unsaturated, Inputs: filepath.Join(folder, "inputs.npz"), Result: filepath.Join(folder, "result.npz"),
	}
	if q.Names, err = write(q.Inputs, inputs); err != nil {
		return Result{}, err
	}
	a, err := p.ask(q)
	if err != nil {
		return Result{}, err
	}
	values, err := read(q.Result, a.Names)
	return Result{Values: values, Operators: a.Operators}, err
}

// ask sends one request and waits for its answer.
func (p *process) ask(q request) (answer, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("the Python process has ended: %s", p.log)
	}
	reply, err := p.out.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("the Python process has ended: %s", p.log)
	}
	var a answer
	if err := json.Unmarshal(reply, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// write writes the arrays to an npz file, under numbers, and returns the names that these stand for.
func write(path string, arrays map[string]tensor.Tensor) ([]string, error) {
	names := []string{}
	var outputs []checkpoint.Output
	for name, t := range arrays {
		outputs = append(outputs, checkpoint.FromTensor(strconv.Itoa(len(names)), t))
		names = append(names, name)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := checkpoint.WriteNPZ(f, outputs); err != nil {
		_ = f.Close()
		return nil, err
	}
	return names, f.Close()
}

// read reads the arrays of an npz file.
func read(path string, names []string) (map[string]tensor.Tensor, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	arrays := map[string]tensor.Tensor{}
	for i, name := range names {
		t, err := f.Tensor(strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		if arrays[name], err = t.Read(); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}
