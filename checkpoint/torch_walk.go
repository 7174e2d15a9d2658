package checkpoint

import (
	"fmt"
	"iter"
	"strings"

	"linquant/internal/pickle"
)

const maxNesting = 64 // containers in containers

var errNoTensors = unsupported("there are no tensors in the file; save a network's with torch.save(model.state_dict(), path)")

// walker collects the tensors of a saved object under their paths of keys.
type walker struct {
	file *torchFile

	// seen holds the containers on the way and done: a pickle is a graph, not a tree, in which parts are shared and may
	// even hold themselves. A shared container is listed where it is met first.
	seen map[pickle.Value]bool

	// holding has the answers of holdsTensors, for a container that is mentioned many times.
	holding map[pickle.Value]bool

	left map[pickle.Value]bool // not to be listed yet

	nameBytes int
	bytes     int64 // of the tensors listed so far
}

// contents lists what is in the saved object: the network's tensors, those beside, and plain values beside.
func (f *torchFile) contents(saved pickle.Value) (*contents, error) {
	c := &contents{metadata: make(map[string]string)}
	w := &walker{file: f, seen: make(map[pickle.Value]bool), holding: make(map[pickle.Value]bool)}
	root, network, err := w.findRoot(saved, c)
	if err != nil {
		return nil, err
	}
	c.root = root
	left := w.leave(network)
	if c.tensors, err = w.collect(network); err != nil {
		return nil, err
	}
	clear(w.left)
	if root != "" {
		if c.other, err = w.collect(saved); err != nil {
			return nil, err
		}
	}
	for _, e := range left {
		at := &trail{nil, e.Key}
		if root != "" {
			at.up = &trail{nil, root}
		}
		if c.other, err = w.collectNested(e.Value, at, c.other, maxNesting); err != nil {
			return nil, err
		}
	}
	if len(c.tensors) == 0 {
		if len(c.other) == 0 {
			return nil, errNoTensors
		}
		c.tensors, c.other = c.other, nil
		c.root = ""
	}
	return c, nil
}

// leave marks the containers in v that stand beside a network, so that they are no part of it, and returns them.
func (w *walker) leave(v pickle.Value) (left []pickle.Entry) {
	w.left = make(map[pickle.Value]bool)
	es, _ := entries(v)
	for _, e := range es {
		if !isTensor(e.Value) && inner(e.Value) && beside(keyName(e.Key)) {
			w.left[identity(e.Value)] = true
			left = append(left, e)
		}
	}
	return left
}

// isTensor reports whether v looks like a tensor, which rebuild may still refuse.
func isTensor(v pickle.Value) bool {
	switch v := v.(type) {
	case *Tensor:
		return true
	case *pickle.Object:
		return strings.HasPrefix(v.Class.Name, "_rebuild_") || v.Class.Name == "Parameter" || v.Class.Name == "Buffer" || isArray(v)
	}
	return false
}

// collect lists the tensors in v that were not listed before, depth first in the order of the file.
func (w *walker) collect(v pickle.Value) ([]*Tensor, error) {
	return w.collectNested(v, nil, nil, maxNesting)
}

func (w *walker) collectNested(v pickle.Value, at *trail, list []*Tensor, depth int) ([]*Tensor, error) {
	if isTensor(v) {
		t, err := w.named(v, at.String())
		if err != nil || t == nil {
			return list, err
		}
		return append(list, t), nil
	}
	if !inner(v) || w.seen[identity(v)] || w.left[identity(v)] {
		return list, nil
	}
	w.seen[identity(v)] = true
	if depth == 0 {
		return list, fmt.Errorf("containers are nested more than %d deep, at %s", maxNesting, quote(at.String()))
	}
	var err error
	for key, value := range children(v) {
		if !inner(value) {
			continue
		}
		if list, err = w.collectNested(value, &trail{at, key}, list, depth-1); err != nil {
			return list, err
		}
	}
	return list, nil
}

// inner reports whether there may be tensors in v, so that no name is made for what has none.
func inner(v pickle.Value) bool {
	switch v.(type) {
	case *pickle.Object, *pickle.Dict, *pickle.List, *pickle.Tuple, *pickle.Set, *Tensor:
		return true
	}
	return false
}

// children yields what a container holds, with keys or numbers.
func children(v pickle.Value) iter.Seq2[pickle.Value, pickle.Value] {
	return func(yield func(key, value pickle.Value) bool) {
		es, _ := entries(v)
		items, _ := sequence(v)
		if o, ok := v.(*pickle.Object); ok && es == nil {
			switch a, _ := arrayOf(o); {
			case a.raw != nil: // an array of objects
				items, _ = sequence(a.raw)
			case o.State != nil: // a Namespace has its attributes there
				es, _ = entries(o.State)
			case len(o.Items) > 0: // a deque
				items = o.Items
			case len(o.Args) > 0: // a set
				items, _ = sequence(o.Args[0])
			}
		}
		for _, e := range es {
			if !yield(e.Key, e.Value) {
				return
			}
		}
		for i, item := range items {
			if !yield(int64(i), item) {
				return
			}
		}
	}
}

// named rebuilds the tensor v under a name.
func (w *walker) named(v pickle.Value, name string) (*Tensor, error) {
	if name == "" {
		name = "tensor" // the object saved is a tensor itself
	}
	w.nameBytes += len(name)
	if len(name) > maxName || w.nameBytes > maxNameBytes {
		return nil, fmt.Errorf("the names of tensors are too long, at %s: the file is damaged", quote(name))
	}
	t, err := w.file.rebuild(v)
	if err != nil {
		return nil, inTensor("tensor", name, err)
	}
	if t == nil { // a parameter that was None
		return nil, nil
	}
	if w.bytes += t.Bytes(); w.bytes > w.file.totalLimit {
		return nil, inTensor("tensor", name, unsupported("the tensors up to here share storages and have %d bytes together, of the %d "+
			"that a file of this size may have; save each once, with .clone()", w.bytes, w.file.totalLimit))
	}
	named := *t
	named.Name = name
	return &named, nil
}

// identity returns what tells v from other containers: v, or the list that an OrderedDict of Python 2 was made of,
// which several may share.
func identity(v pickle.Value) pickle.Value {
	if o, ok := v.(*pickle.Object); ok && len(o.Args) > 0 && len(o.Entries) == 0 {
		if list, ok := o.Args[0].(*pickle.List); ok {
			return list
		}
	}
	return v
}

// entries returns what a dict holds. An OrderedDict of Python 2 has its entries as a list of pairs.
func entries(v pickle.Value) ([]pickle.Entry, bool) {
	switch v := v.(type) {
	case *pickle.Dict:
		return v.Entries, true
	case *pickle.Object:
		if v.Class.Name != "OrderedDict" && v.Class.Name != "defaultdict" {
			return nil, false
		}
		if len(v.Args) == 0 || len(v.Entries) > 0 {
			return v.Entries, true
		}
		items, _ := sequence(v.Args[0])
		var es []pickle.Entry
		for _, item := range items {
			if pair, ok := sequence(item); ok && len(pair) == 2 {
				es = append(es, pickle.Entry{Key: pair[0], Value: pair[1]})
			}
		}
		return es, true
	}
	return nil, false
}

// sequence returns the items of a list, tuple or set.
func sequence(v pickle.Value) ([]pickle.Value, bool) {
	switch v := v.(type) {
	case *pickle.List:
		return v.Items, true
	case *pickle.Tuple:
		return v.Items, true
	case *pickle.Set:
		return v.Items, true
	}
	return nil, false
}
