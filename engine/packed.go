package engine

import "sync"

// packs are the packed weights of layers, by what they are packed from and how. Layers that share a weight, and multiply
// alike, share what it is packed to: a file may refer to a weight any number of times.
type packs struct {
	mu   sync.Mutex
	made map[any]any
}

// packKey says of which constant, and which part of it.
type packKey struct {
	weight      string
	part, parts int
	form        any // how else: comparable, of a type of its own for each kind of layer
}

// share returns what pack makes, which is done once for each key.
func share[T any](p *packs, key packKey, pack func() T) T {
	p.mu.Lock()
	once, ok := p.made[key].(func() T)
	if !ok {
		once = sync.OnceValue(pack)
		if p.made == nil {
			p.made = map[any]any{}
		}
		p.made[key] = once
	}
	p.mu.Unlock()
	return once()
}

// key returns the key of a part of the node's weight.
func (s *lowerer) key(input, part, parts int, form any) packKey {
	return packKey{s.n.Input(input), part, parts, form}
}
