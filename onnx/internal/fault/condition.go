package fault

import (
	"fmt"

	"linquant/internal/near"
)

// Condition is the error of a branch whose condition is not known before the network runs.
type Condition struct {
	Value  string   // the condition
	Inputs []string // of the network, that it is computed from; none where it is made within another branch
}

func (c *Condition) Error() string {
	text := fmt.Sprintf("its condition %q is computed while the network runs, and only a branch that follows from constants and shapes "+
		"can be taken", c.Value)
	switch len(c.Inputs) {
	case 0:
		return text + ": export the model with its branches resolved"
	case 1:
		return fmt.Sprintf("%s: it follows from the input %q; give that as a constant, or export the model with its branches resolved", text, c.Inputs[0])
	}
	return fmt.Sprintf("%s: it follows from the inputs %s; give them as constants, or export the model with its branches resolved", text, near.List(c.Inputs))
}

// Open is the error of an input whose shape the file leaves open.
type Open struct {
	Input     string
	Dimension int    // the first that has no number; -1: there is no shape at all
	Symbol    string // what the file calls it
}

func (o *Open) Error() string {
	if o.Dimension < 0 {
		return "it has no shape: give one, or export the model with one, such as [N, 3, 32, 32]"
	}
	return fmt.Sprintf("dimension %d has no fixed length (%q): give the input a shape, or export the model with a number there; only the "+
		"first may vary", o.Dimension, o.Symbol)
}

// Unknown is the error for a value that is asked for and is none of the file's, or none that can be an input or output as asked.
type Unknown struct{ Value, Text string }

func (u *Unknown) Error() string { return u.Text }
