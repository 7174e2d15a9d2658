package judge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/program"
	"linquant/pipeline"
	"linquant/tensor"
)

// The test is its own command: what it shall do is its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && filepath.Base(os.Args[2]) == "network.npz" {
		if err := command(os.Args[1], os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintf(os.Stderr, "a warning\n\nlast: %v\n", err)
			os.Exit(7)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(what, network, reference string) error {
	a, err := read(network)
	if err != nil {
		return err
	}
	b, err := read(reference)
	if err != nil {
		return err
	}
	if !cmp.Equal(a["labels"], b["labels"]) || !cmp.Equal(a["examples"], b["examples"]) {
		return errors.New("the files are of different examples")
	}
	n := len(a["labels"])
	switch what {
	case "each": // 100 times the example's number, its label and the difference of the second output's first value
		width := len(a["output1"]) / n
		for i := range n {
			fmt.Printf("%g,\n", 100*a["examples"][i]+a["labels"][i]+b["output1"][i*width]-a["output1"][i*width])
		}
	case "all":
		sum := 0.0
		for i, v := range a["output0"] {
			sum += b["output0"][i] - v
		}
		fmt.Println(sum)
	case "few":
		fmt.Println("1 2")
	case "many":
		fmt.Println(strings.Repeat("1 ", n+1))
	case "endless":
		for {
			fmt.Print("1")
		}
	case "word":
		fmt.Println("0.5 accuracy")
	case "nan":
		fmt.Println(strings.Repeat("nan ", n))
	case "fail":
		return errors.New("no such metric")
	case "sleep":
		time.Sleep(time.Minute)
	}
	return nil
}

// read returns the arrays of a file.
func read(path string) (map[string][]float64, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	arrays := map[string][]float64{}
	for _, t := range f.Tensors() {
		x, err := t.Read()
		if err != nil {
			return nil, err
		}
		values, err := x.Float32s()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			arrays[t.Name] = append(arrays[t.Name], float64(v))
		}
	}
	return arrays, nil
}

func judged(t *testing.T, what string, limit time.Duration) *Command {
	t.Helper()
	c, err := New(strconv.Quote(os.Args[0])+" '"+what+"'", limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(c.dir); c.dir != "" && err == nil {
			t.Errorf("%s is left", c.dir)
		}
	})
	return c
}

// answers are those of n examples from the given one on: two outputs of one value and of two.
func answers(t *testing.T, first, n int) pipeline.Answers {
	t.Helper()
	a := pipeline.Answers{}
	var x, y []float32
	for i := first; i < first+n; i++ {
		a.Examples, a.Labels = append(a.Examples, i), append(a.Labels, i%10)
		x, y = append(x, float32(i)), append(y, float32(2*i), 1)
	}
	of := func(shape tensor.Shape, v []float32) tensor.Tensor {
		out, err := tensor.Of(shape, v)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	zeros := make([]float32, 2*n)
	a.Network = []tensor.Tensor{of(tensor.Shape{n}, zeros[:n]), of(tensor.Shape{n, 2}, zeros)}
	a.Reference = []tensor.Tensor{of(tensor.Shape{n}, x), of(tensor.Shape{n, 2}, y)}
	return a
}

func TestEach(t *testing.T) {
	c := judged(t, "each", time.Minute)
	c.High = 1000
	for _, at := range [][2]int{{0, 3}, {3, 4}, {7, 1}} {
		got, err := c.Losses(t.Context(), answers(t, at[0], at[1]))
		var want []float64
		for i := at[0]; i < at[0]+at[1]; i++ {
			want = append(want, float64(100*i+i%10+2*i))
		}
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
}

func TestAll(t *testing.T) {
	c := judged(t, "all", time.Minute)
	if _, err := c.All(t.Context()); err == nil {
		t.Error("of no examples there is a loss")
	}
	for _, at := range [][2]int{{0, 3}, {3, 4}, {7, 1}} {
		if got, err := c.Losses(t.Context(), answers(t, at[0], at[1])); err != nil || got != nil {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if got, err := c.All(t.Context()); err != nil || got != 0+1+2+3+4+5+6+7 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCommandFails(t *testing.T) {
	start := time.Now()
	for what, want := range map[string]string{
		"few":     "it printed 2 numbers for 3 examples: one for each is wanted, or one for all",
		"many":    "it printed more than a number for each of 3 examples",
		"endless": "it prints more than a number for each of 3 examples",
		"word":    `it printed "accuracy", which is no number`,
		"nan":     "it printed nan: a loss is a finite number",
		"fail":    "exit status 7: last: no such metric",
		"nothing": "it printed 0 numbers",
		"each":    "it printed 103 for example 1, which is not between -1 and 1: --range says what is",
	} {
		if got, err := judged(t, what, time.Minute).Losses(t.Context(), answers(t, 0, 3)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", what, got, err, want)
		}
	}
	if _, err := judged(t, "sleep", 100*time.Millisecond).Losses(t.Context(), answers(t, 0, 3)); err == nil ||
		!strings.Contains(err.Error(), "it has not ended after 100ms: --metric-timeout gives it more") {
		t.Errorf("it sleeps: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := judged(t, "sleep", time.Hour).Losses(ctx, answers(t, 0, 3)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                           nil,
		" a  b ":                     {"a", "b"},
		`python -c 'print(1, "x")' `: {"python", "-c", `print(1, "x")`},
		`"C:\a b\c.exe" ''`:          {`C:\a b\c.exe`, ""},
		`a'b 'c`:                     {"ab c"},
	} {
		if got, err := program.Words(line); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	for line, want := range map[string]string{"a 'b": "has no end", " ": "no command", "nowhere-to-be-found x": "no program"} {
		if _, err := New(line, time.Second); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
