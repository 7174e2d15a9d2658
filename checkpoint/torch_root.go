package checkpoint

import (
	"errors"
	"slices"
	"strings"

	"linquant/internal/pickle"
)

// wrappers are the keys that people put a network's tensors under, the likeliest first. Those that say state are never a
// layer of a network, so that a tensor beside them is none of its tensors; the others may be.
var wrappers = []string{
	"state_dict", "model_state_dict", "model_state", "net_state_dict", "network_state_dict", "model", "net", "network", "weights",
	"params", "module",
}

// findRoot follows keys to what holds the network's tensors and returns it with its path of keys. It goes on as long as
// one part alone may be the network; several parts (a backbone and a head, parameters and statistics) are all kept, under
// their keys. Plain values that it passes become metadata.
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

// part is an entry that may be the network, or one of its parts.
type part struct {
	key   string
	value pickle.Value
}

// wrapped returns the entry that is the network, if it does not stand in es itself: the only one that holds tensors, when
// those of an optimizer, moving averages and copies of the network do not count.
func (w *walker) wrapped(es []pickle.Entry) (string, pickle.Value) {
	var parts []part
	numbers, tensors := false, false // beside them, with one element and with more
	lightning := false
	for _, e := range es {
		key := keyName(e.Key)
		lightning = lightning || key == "pytorch-lightning_version"
		switch {
		case isTensor(e.Value):
			if single(e.Value) || strings.Contains(strings.ToLower(key), "rng_state") {
				numbers = true
			} else {
				tensors = true
			}
		case len(key) <= maxName && !beside(key) && w.holdsTensors(e.Value, maxNesting):
			same := func(p part) bool { return identity(p.value) == identity(e.Value) }
			if i := slices.IndexFunc(parts, same); i < 0 {
				parts = append(parts, part{key, e.Value})
			} else if rank(key) < rank(parts[i].key) {
				parts[i].key = key
			}
		}
	}
	if i := slices.IndexFunc(parts, func(p part) bool { return p.key == wrappers[0] }); i >= 0 && lightning {
		return parts[i].key, parts[i].value // whatever callbacks and data modules put beside it
	}
	parts = w.withoutCopies(parts)
	if len(parts) != 1 {
		return "", nil
	}
	key := parts[0].key
	known, state := rank(key) < len(wrappers), strings.Contains(key, "state")
	if tensors && !(known && state) || numbers && !known {
		return "", nil
	}
	return key, parts[0].value
}

// withoutCopies leaves out moving averages of parameters, and what has the same tensors as the likeliest wrapper: the best
// state so far, say.
func (w *walker) withoutCopies(parts []part) []part {
	if len(parts) < 2 {
		return parts
	}
	own := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return averaged(p.key) })
	if len(own) == 0 {
		return parts
	}
	best := slices.MinFunc(own, func(a, b part) int { return rank(a.key) - rank(b.key) })
	if rank(best.key) == len(wrappers) {
		if len(own) == 1 {
			return own
		}
		return parts
	}
	rest := slices.DeleteFunc(own, func(p part) bool { return p.key != best.key && sameOutline(p.value, best.value) })
	if len(rest) == 1 {
		return rest
	}
	return parts
}

// rank returns the place of a key among the wrappers, their number if it is none.
func rank(key string) int {
	if i := slices.Index(wrappers, key); i >= 0 {
		return i
	}
	return len(wrappers)
}

// beside reports whether a key names what stands beside a network: an optimizer's state and the like.
func beside(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"optim", "schedul", "scaler", "rng_state", "hyper_parameters", "hparams", "callbacks"}, func(part string) bool {
		return strings.Contains(key, part)
	})
}

// averaged reports whether a key names a moving average of a network's parameters.
func averaged(key string) bool {
	words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return r < 'a' || r > 'z' })
	return slices.ContainsFunc(words, func(word string) bool { return word == "ema" || word == "swa" })
}

// sameOutline reports whether two dicts have the same keys, and tensors of the same shapes under them.
func sameOutline(a, b pickle.Value) bool {
	ea, ok1 := entries(a)
	eb, ok2 := entries(b)
	return ok1 && ok2 && slices.EqualFunc(ea, eb, func(x, y pickle.Entry) bool {
		return keyName(x.Key) == keyName(y.Key) && isTensor(x.Value) == isTensor(y.Value) && slices.Equal(dims(x.Value), dims(y.Value))
	})
}

// holdsTensors reports whether there is a tensor of more than one element in a container, or in one in it.
func (w *walker) holdsTensors(v pickle.Value, depth int) bool {
	if isTensor(v) || !inner(v) || depth == 0 {
		return false
	}
	answer, known := w.holding[identity(v)]
	if known {
		return answer
	}
	w.holding[identity(v)] = false // where it holds itself
	for _, value := range children(v) {
		if isTensor(value) && !single(value) || w.holdsTensors(value, depth-1) {
			w.holding[identity(v)] = true
			return true
		}
	}
	return false
}

// single reports whether a tensor has one element, as a counter or an accuracy has.
func single(v pickle.Value) bool {
	d := dims(v)
	return d != nil && !slices.ContainsFunc(d, func(n int64) bool { return n != 1 })
}

// dims returns the shape of what looks like a tensor; nil where it is not found.
func dims(v pickle.Value) []int64 {
	for range maxCalls {
		o, ok := v.(*pickle.Object)
		if !ok {
			break
		}
		switch name := o.Class.Name; {
		case isArray(o):
			a, _ := arrayOf(o)
			return a.shape
		case strings.HasPrefix(name, "_rebuild_from_type") && len(o.Args) > 2:
			inner, ok := o.Args[0].(pickle.Global)
			args, ok2 := o.Args[2].(*pickle.Tuple)
			if !ok || !ok2 {
				return nil
			}
			v = &pickle.Object{Class: inner, Args: args.Items}
		case strings.HasPrefix(name, "_rebuild_parameter") || name == "Parameter" || name == "Buffer":
			if len(o.Args) == 0 {
				return nil
			}
			v = o.Args[0]
		case len(o.Args) > 2:
			d, ok := numbers(o.Args[2])
			if !ok {
				return nil
			}
			return d
		default:
			return nil
		}
	}
	if t, ok := v.(*Tensor); ok {
		return shapeOf(t.Shape)
	}
	return nil
}
