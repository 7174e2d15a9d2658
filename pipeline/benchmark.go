package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"

	"linquant/engine"
	"linquant/eval"
	"linquant/tensor"
)

// Benchmark is how fast a model runs on a batch.
type Benchmark struct {
	eval.Latency
	MACs      float64 // multiply-accumulates a second, at the median
	PeakBytes int64   // packed weights, activations and scratch
}

// benchmarkBuffers is how many different batches of inputs a benchmark goes around.
const benchmarkBuffers = 4

// Benchmark runs the model on random inputs, which are 1 where they are integers or booleans, for at least the given time (see eval.Time). threads is the number that it was
// compiled for, 0 one for each processor. Errors: *ConfigError, and those of Run.
func (m *Model) Benchmark(ctx context.Context, batch, threads int, atLeast time.Duration) (*Benchmark, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	switch {
	case batch < 1:
		return nil, &ConfigError{Field: "batch", Value: strconv.Itoa(batch), Reason: "use 1 or more"}
	case atLeast < 0:
		return nil, &ConfigError{Field: "atLeast", Value: atLeast.String(), Reason: "use 0 or more"}
	}
	if err := checkThreads("threads", threads); err != nil {
		return nil, err
	}
	threads = cmp.Or(threads, runtime.GOMAXPROCS(0))
	inputs := make([][][]float32, benchmarkBuffers)
	for i := range inputs {
		var err error
		if inputs[i], err = m.random(batch, uint64(i*1000)); err != nil {
			return nil, err
		}
	}
	outputs, err := m.Room(batch)
	if err != nil {
		return nil, err
	}
	l, err := eval.Time(ctx, m, inputs, outputs, batch, atLeast)
	if err != nil {
		return nil, err
	}
	// What is held while so many threads run a batch: the weights, and for each of the threads scratch and the activations
	// of the examples that it computes at once.
	memory := m.Memory()
	examples := min(memory.Group, (batch+threads-1)/threads)
	peak := memory.Weights + int64(threads)*(int64(examples)*memory.Activations+memory.Scratch)
	return &Benchmark{l, l.ImagesPerSecond() * float64(m.MACs()), peak}, nil
}

// ProfileRandom is Profile on one random example.
func (m *Model) ProfileRandom(ctx context.Context) ([]engine.StepTime, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	inputs, err := m.random(1, 0)
	if err != nil {
		return nil, err
	}
	return m.Profile(ctx, inputs)
}

// Room returns memory for the outputs of a batch. Errors: a batch of less than 0, or of more than 2³¹−1.
func (m *Model) Room(batch int) ([][]float32, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	var outputs [][]float32
	for _, out := range m.Outputs() {
		y, err := room(batch, out)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, y)
	}
	return outputs, nil
}

// room returns memory for a batch of an input or output.
func room(batch int, io engine.IO) ([]float32, error) {
	if batch < 0 || batch > math.MaxInt32 {
		return nil, fmt.Errorf("a batch of %d examples: use 0 to %d", batch, math.MaxInt32)
	}
	size, err := append(tensor.Shape{batch}, io.Shape...).Elements()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", io.Name, err)
	}
	return make([]float32, size), nil
}

// random returns inputs that depend on seed alone.
func (m *Model) random(batch int, seed uint64) ([][]float32, error) {
	var inputs [][]float32
	for k, in := range m.Inputs() {
		x, err := room(batch, in)
		if err != nil {
			return nil, err
		}
		if in.Quant == nil && in.DType != tensor.Float32 { // an index that every table has, and a mask that hides nothing
			for i := range x {
				x[i] = 1
			}
		} else {
			fillUniform(x, seed+uint64(k))
		}
		inputs = append(inputs, x)
	}
	return inputs, nil
}

// fillUniform fills x with numbers from 0 to 1 that depend on seed alone (splitmix64).
func fillUniform(x []float32, seed uint64) {
	for i := range x {
		seed += 0x9e3779b97f4a7c15
		v := seed
		v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
		v = (v ^ v>>27) * 0x94d049bb133111eb
		x[i] = float32(v>>40) / (1 << 24)
	}
}
