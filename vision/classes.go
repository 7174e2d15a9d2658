package vision

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"linquant/graph"
	"linquant/internal/arith"
)

// Class is one answer of a classifier.
type Class struct {
	Index       int
	Label       string  // "" where the model has no labels
	Probability float32 // 0 to 1
}

// Answers says what the numbers of a classifier's output are.
type Answers uint8

// What a network can end in.
const (
	Scores        Answers = iota // a layer, or anything else: a softmax makes probabilities of them
	Probabilities                // a Softmax or a Sigmoid
	Logarithms                   // a LogSoftmax
)

// AnswersOf returns what the first output of g is.
func AnswersOf(g *graph.Graph) Answers {
	producers := g.Producers()
	for name := g.Outputs[0]; ; {
		n := producers[name]
		if n == nil {
			return Scores
		}
		switch n.Op {
		case graph.Softmax, graph.Sigmoid:
			return Probabilities
		case graph.LogSoftmax:
			return Logarithms
		case graph.QuantizeLinear, graph.DequantizeLinear, // the same numbers
			graph.Flatten, graph.Reshape, graph.Squeeze, graph.Unsqueeze, graph.Identity, graph.Dropout:
			name = n.Inputs[0]
		default:
			return Scores
		}
	}
}

// Top returns the k most probable classes of one example's output, the most probable first and of equals the first; what
// is no number comes last. labels are the names of the classes, as many as there are. It makes y probabilities.
func (a Answers) Top(y []float32, k int, labels []string) []Class {
	switch a {
	case Scores:
		arith.Softmax(y, y)
	case Logarithms:
		for i, v := range y {
			y[i] = float32(arith.Exp(float64(v)))
		}
	}
	all := make([]Class, len(y))
	for i, p := range y {
		all[i] = Class{Index: i, Probability: p}
		if i < len(labels) {
			all[i].Label = labels[i]
		}
	}
	slices.SortStableFunc(all, func(a, b Class) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:min(max(k, 0), len(all))]
}

// ReadLabels reads the names of classes, UTF-8 with one a line, from a text of at most 16 MiB and a million lines.
func ReadLabels(r io.Reader) ([]string, error) {
	const most, mostLines = 16 << 20, 1_000_000
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // a byte order mark
	switch {
	case len(text) > most:
		return nil, errors.New("more than 16.8 MB are no list of labels: give a text file with one a line")
	case bytes.Count(text, []byte("\n")) > mostLines:
		return nil, errors.New("more than a million lines are no list of labels: give a text file with one a line")
	case !utf8.Valid(text):
		return nil, errors.New("it is no UTF-8 text: give a text file with one label a line")
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil, errors.New("it is empty: give a text file with one label a line")
	}
	return lines, nil
}
