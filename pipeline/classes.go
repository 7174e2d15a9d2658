package pipeline

import (
	"fmt"
	"slices"

	"linquant/dataset"
	"linquant/eval"
)

// DifferentClasses warns that the classes of a set are not those of the network that is measured on it, so that labels mean
// other outputs than they should.
type DifferentClasses struct {
	Network, Data    string
	Classes, Outputs int    // how many each has
	Class            string // a class of the set that is another output's label; "" where the numbers differ
	Label, Output    int    // its numbers in the set and in the network
}

// Warning is one line.
func (w DifferentClasses) Warning() string {
	if w.Class != "" {
		return fmt.Sprintf("class %q is number %d of %s and output %d of %s: its labels mean other classes; name the classes so that their "+
			"sorted names are in the order of the outputs", w.Class, w.Label, w.Data, w.Output, w.Network)
	}
	return fmt.Sprintf("%s: its %s stand for the first of the %s of %s, in the order of their names, and what stands behind a "+
		"class that is missing is taken for another: give every output a class, at its place", w.Data, classes(w.Classes),
		count(w.Outputs, "output"), w.Network)
}

func classes(n int) string {
	if n == 1 {
		return "1 class"
	}
	return fmt.Sprintf("%d classes", n)
}

// WarnClasses returns a DifferentClasses where the set has names for its classes and they are not as many as the outputs of
// the network that the accuracy is of, or, where those have labels too, in another order.
func (n *Network) WarnClasses(set dataset.Set, a *eval.Accuracy) []Warning {
	names, labels := set.Classes(), n.pre.Labels
	w := DifferentClasses{Network: n.Name, Data: set.Name(), Classes: len(names), Outputs: a.Classes}
	switch {
	case len(names) == 0:
		return nil
	case len(names) != a.Classes:
		return []Warning{w}
	case len(labels) != a.Classes || slices.ContainsFunc(names, func(s string) bool { return !slices.Contains(labels, s) }):
		return nil // the outputs have no names, or others
	}
	for i, class := range names {
		if labels[i] != class {
			w.Class, w.Label, w.Output = class, i, slices.Index(labels, class)
			return []Warning{w}
		}
	}
	return nil
}
