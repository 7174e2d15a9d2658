package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"linquant/graph"
)

// PanicError is a panic while a step was computed, or while its weights were packed: a fault of this module. Run, Trace
// and the others that run a program, and Compile, return it in place of ending the process, on whatever goroutine it was.
// The program stays usable.
type PanicError struct {
	Step  Step   // what was computed; of a step that was being packed, Node and Op
	Value any    // what the panic was of
	Stack []byte // of the goroutine
}

// Error names the step, in one line.
func (e *PanicError) Error() string {
	value, _, _ := strings.Cut(fmt.Sprint(e.Value), "\n")
	return fmt.Sprintf("%v node %q: panic: %s: a fault of linquant; please report it, another Config.CPU may do without",
		e.Step.Op, e.Step.Node, value)
}

// Unwrap returns the error that the panic was of, if it was of one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// recovered makes a panic the error. It is to be deferred.
func (k *step) recovered(err *error) {
	if v := recover(); v != nil {
		switch why := v.(type) {
		case *NumberError:
			*err = why
			return
		case stopped:
			*err = why.error
			return
		}
		*err = &PanicError{Step: k.Step, Value: v, Stack: debug.Stack()}
	}
}

// stopped is what a kernel panics with where the context ended it.
type stopped struct{ error }

// compute runs the kernel for the example of s.
func (k *step) compute(ctx context.Context, s *state) (err error) {
	s.ctx = ctx
	defer k.recovered(&err)
	runWhole(k.kernel, s)
	return nil
}

// computePart is compute for part i of the step.
func (k *step) computePart(s *state, w *scratch, i int) (err error) {
	defer k.recovered(&err)
	k.runPart(s, w, i)
	return nil
}

// computeGroup is compute for several examples.
func (k *step) computeGroup(examples []*state) (err error) {
	defer k.recovered(&err)
	k.grouped.runGroup(examples)
	return nil
}

// later registers work that only makes constants for a step, and may run beside other such work.
func (s *lowerer) later(job func() error) { s.jobs = append(s.jobs, packing{s.n, job}) }

// packing is the making of constants for the step of a node.
type packing struct {
	n   *graph.Node
	job func() error
}

func (p packing) run() (err error) {
	k := &step{Step: Step{Node: p.n.Label(), Op: string(p.n.Op)}}
	defer k.recovered(&err)
	return p.job()
}
