package main

import (
	"context"
	"os"
	"regexp"
	"testing"
	"time"
)

// kinds has a mutant in every kind of function that copies are made of, and in those that have none.
const kinds = `package p

import "errors"

type Stack[T any] struct{ all []T }

func (s *Stack[T]) Push(v ...T) { s.all = append(s.all, v...); s.pushed(len(v)) }

func (*Stack[T]) pushed(n int) { total += n }

var total int

func Map[T, U any](x []T, f func(T) U) (out []U) {
	for i := 0; i < len(x); i++ {
		out = append(out, f(x[i]))
	}
	return out
}

type size int

func (s size) twice() (_ size, err error) { return s * 2, nil }

func Last(_ int, x, y int) int { return x + y }

func Guard(f func()) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it panics")
		}
	}()
	f()
	return nil
}

var double = func(x int) int { return x * 2 }

var first int

func init() { first = 3 }

func Unused(x []int) int { n := len(x); return 2 - n }
`

const kindsTests = `package p

import "testing"

func Test(t *testing.T) {
	var s Stack[int]
	s.Push(4, 5)
	s.Push()
	twice, _ := size(4).twice()
	m := Map([]int{1, 2}, func(i int) string { return "ab"[i-1 : i] })
	panics := Guard(func() { panic(1) }) != nil && Guard(func() {}) == nil
	if total != 2 || len(s.all) != 2 || twice != 8 || len(m) != 2 || m[1] != "b" || Last(1, 2, 3) != 5 || !panics || double(3) != 6 || first != 3 {
		t.Fail()
	}
	Unused(nil)
}
`

// TestCopies: mutants are noticed in functions of every kind, and the only ones that are not are those that nothing tests.
func TestCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.26\n", "p.go": kinds, "p_test.go": kindsTests} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := mutate("p.go")
	if err != nil {
		t.Fatal(err)
	}
	survive := 0
	for _, m := range all {
		if m.line > 40 {
			survive++
		}
	}
	r := run{timeout: time.Minute}
	scores, err := r.packages(context.Background(), []string{"."}, regexp.MustCompile(""), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s := scores[0]; s.survived != survive || s.noticed != len(all)-survive-s.broken || s.broken != 0 {
		t.Errorf("%+v of %d mutants, of which %d survive", s, len(all), survive)
	}
}
