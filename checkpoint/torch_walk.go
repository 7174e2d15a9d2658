package checkpoint

import (
	"errors"
	"fmt"
	"slices"
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

	// direct and nested hold the answers of hasTensor and holdsTensors, for a dict that is mentioned many times.
	direct, nested map[pickle.Value]bool

	nameBytes int
}

// contents lists what is in the saved object: the network's tensors, those beside, and plain values beside.
func (f *torchFile) contents(saved pickle.Value) (*contents, error) {
	c := &contents{metadata: make(map[string]string)}
	w := &walker{
		file:   f,
		seen:   make(map[pickle.Value]bool),
		direct: make(map[pickle.Value]bool),
		nested: make(map[pickle.Value]bool),
	}
	root, network, err := w.findRoot(saved, c)
	if err != nil {
		return nil, err
	}
	c.root = root
	if c.tensors, err = w.collect(network); err != nil {
		return nil, err
	}
	if root != "" {
		if c.other, err = w.collect(saved); err != nil {
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

// wrappers are the keys that people put a network's tensors under, the likeliest first.
var wrappers = []string{
	"state_dict", "model_state_dict", "model_state", "model", "net", "network", "net_state_dict", "weights", "params",
	"module", "backbone", "generator", "ema", "model_ema", "ema_state_dict", "params_ema",
}

// findRoot follows wrappers to the dict of the network's tensors and returns it with its path of keys. Plain values
// that it passes become metadata.
func (w *walker) findRoot(saved pickle.Value, c *contents) (root string, network pickle.Value, err error) {
	network = saved
	for range maxNesting {
		es, ok := entries(network)
		if !ok {
			break
		}
		for _, e := range es {
			key := keyName(e.Key)
			value, ok := plain(e.Value)
			if !ok || len(key) > maxName {
				continue
			}
			if w.nameBytes += len(root) + len(key) + min(len(value), maxKey); w.nameBytes > maxNameBytes {
				return "", nil, errors.New("there are too many plain values beside the tensors; " +
					"save the weights alone: torch.save(model.state_dict(), path)")
			}
			c.metadata[join(root, key)] = value
		}
		key, inner := w.wrapped(es)
		if inner == nil {
			break
		}
		root, network = join(root, key), inner
	}
	return root, network, nil
}

// wrapped returns the entry that holds the network's tensors, if they do not stand in es themselves: a wrapper by its
// name, or else the only dict of tensors.
func (w *walker) wrapped(es []pickle.Entry) (string, pickle.Value) {
	var keys []string
	byKey := make(map[string]pickle.Value)
	direct := false
	for _, e := range es {
		key := keyName(e.Key)
		if isTensor(e.Value) {
			direct = true
		} else if len(key) <= maxName && !beside(key) && w.holdsTensors(e.Value) {
			if byKey[key] == nil {
				keys = append(keys, key)
			}
			byKey[key] = e.Value
		}
	}
	for _, key := range wrappers {
		if v := byKey[key]; v != nil {
			return key, v
		}
	}
	if len(keys) == 1 && !direct {
		return keys[0], byKey[keys[0]]
	}
	return "", nil
}

// beside reports whether a key names what stands beside a network: an optimizer's state and the like.
func beside(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"optim", "schedul", "scaler", "rng_state"}, func(part string) bool {
		return strings.Contains(key, part)
	})
}

// holdsTensors reports whether v is a dict with a tensor in it, or with a dict that has one.
func (w *walker) holdsTensors(v pickle.Value) bool {
	return ask(w.nested, v, func(es []pickle.Entry) bool {
		return w.hasTensor(v) || slices.ContainsFunc(es, func(e pickle.Entry) bool { return w.hasTensor(e.Value) })
	})
}

// hasTensor reports whether v is a dict with a tensor in it.
func (w *walker) hasTensor(v pickle.Value) bool {
	return ask(w.direct, v, func(es []pickle.Entry) bool {
		return slices.ContainsFunc(es, func(e pickle.Entry) bool { return isTensor(e.Value) })
	})
}

// ask returns the answer for the entries of a container, from answers where it was asked before.
func ask(answers map[pickle.Value]bool, v pickle.Value, question func([]pickle.Entry) bool) bool {
	if !inner(v) {
		return false
	}
	answer, known := answers[identity(v)]
	if !known {
		es, _ := entries(v)
		answer = question(es)
		answers[identity(v)] = answer
	}
	return answer
}

// isTensor reports whether v looks like a tensor, which rebuild may still refuse.
func isTensor(v pickle.Value) bool {
	switch v := v.(type) {
	case *Tensor:
		return true
	case *pickle.Object:
		return strings.HasPrefix(v.Class.Name, "_rebuild_") || v.Class.Name == "Parameter" || v.Class.Name == "Buffer"
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
	if !inner(v) || w.seen[identity(v)] {
		return list, nil
	}
	w.seen[identity(v)] = true
	es, _ := entries(v)
	items, _ := sequence(v)
	if depth == 0 {
		return list, fmt.Errorf("containers are nested more than %d deep, at %s", maxNesting, quote(at.String()))
	}
	var err error
	for _, e := range es {
		if !inner(e.Value) {
			continue
		}
		if list, err = w.collectNested(e.Value, &trail{at, e.Key}, list, depth-1); err != nil {
			return list, err
		}
	}
	for i, item := range items {
		if !inner(item) {
			continue
		}
		if list, err = w.collectNested(item, &trail{at, int64(i)}, list, depth-1); err != nil {
			return list, err
		}
	}
	return list, nil
}

// inner reports whether there may be tensors in v, so that no name is made for what has none.
func inner(v pickle.Value) bool {
	switch v.(type) {
	case *pickle.Object, *pickle.Dict, *pickle.List, *pickle.Tuple, *Tensor:
		return true
	}
	return false
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

// sequence returns the items of a list or tuple.
func sequence(v pickle.Value) ([]pickle.Value, bool) {
	switch v := v.(type) {
	case *pickle.List:
		return v.Items, true
	case *pickle.Tuple:
		return v.Items, true
	}
	return nil, false
}
