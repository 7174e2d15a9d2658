package engine

import (
	"runtime"
	"testing"
)

// A helper that did the last part of one generation may be stopped before it looks whether the worker sleeps, and go on when
// the worker sleeps in the next generation. That must not end the wait for parts that are not done.
func TestStaleWake(t *testing.T) {
	b := &workQueue{wake: make(chan struct{}, 1)}
	returned := make(chan struct{})
	go func() {
		b.wait(1)
		close(returned)
	}()
	wake := func() {
		for !b.waiting.CompareAndSwap(true, false) {
			select {
			case <-returned:
				t.Fatal("the wait ended before all parts were done")
			default:
				runtime.Gosched()
			}
		}
		b.wake <- struct{}{}
	}
	wake() // the stale one
	for !b.waiting.Load() {
		select {
		case <-returned:
			t.Fatal("the wait ended before all parts were done")
		default:
			runtime.Gosched()
		}
	}
	b.done.Store(1)
	wake()
	<-returned
}
