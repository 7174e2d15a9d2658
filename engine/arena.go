package engine

import (
	"cmp"
	"slices"
)

// alignment of a buffer in elements, so that no two share a cache line.
func (b *buffer) aligned() int {
	to := 64
	if b.float {
		to = 16
	}
	return (b.n + to - 1) / to * to
}

// plan gives every buffer of the steps its offset, and returns the elements that the arena of codes and that of floats
// need. Buffers that live at different times share memory.
func plan(steps []step) (codes, floats int) {
	var list, parts []*buffer
	seen := map[*buffer]bool{}
	live := func(at int, places []*place) {
		for _, p := range places {
			b := p.buffer
			if b == nil {
				continue
			}
			if b.host != nil {
				if !seen[b] {
					seen[b] = true
					parts = append(parts, b)
				}
				b, _ = b.root()
			}
			if !seen[b] {
				seen[b] = true
				b.first = at
				list = append(list, b)
			}
			b.last = max(b.last, at)
		}
	}
	for i := range steps {
		live(i, steps[i].in)
		live(i, steps[i].out)
		live(i+1, steps[i].kept) // looked at when the step is done, so the step must not write over it
	}
	over := writeOver(steps)
	list = slices.DeleteFunc(list, func(b *buffer) bool { return over[b] != nil })
	codes, floats = pack(list, false), pack(list, true)
	for b := range over {
		b.offset = final(over, b).offset
	}
	for _, b := range parts {
		host, at := b.root()
		b.host, b.at, b.offset = host, at, host.offset+at
	}
	return codes, floats
}

// writeOver lets steps that compute each element from the element in the same place write over an operand that nobody
// reads later. It returns for every buffer that lies on another that other.
func writeOver(steps []step) map[*buffer]*buffer {
	over := map[*buffer]*buffer{}
	for i := range steps {
		s := &steps[i]
		if !s.inPlace {
			continue
		}
		out := s.out[0].buffer
		for _, p := range s.in {
			if p.buffer == nil || p.row() > 0 || s.out[0].row() > 0 {
				continue
			}
			in := final(over, p.buffer)
			if in.last == i && out.first == i && in.float == out.float && in.n == out.n {
				in.last = out.last
				over[out] = in
				break
			}
		}
	}
	return over
}

func final(over map[*buffer]*buffer, b *buffer) *buffer {
	for over[b] != nil {
		b = over[b]
	}
	return b
}

// mostCompared is how many pairs of buffers are looked at: time that grows with the square of their number.
const mostCompared = 1 << 25

// sweep places buffers in the order in which they begin to live: each where one of its size lay that lives no more, or
// behind all others. It takes more memory than pack, and time that hardly grows faster than the number of buffers.
func sweep(todo []*buffer) int {
	slices.SortStableFunc(todo, func(a, b *buffer) int { return cmp.Compare(a.first, b.first) })
	ending := slices.Clone(todo)
	slices.SortStableFunc(ending, func(a, b *buffer) int { return cmp.Compare(a.last, b.last) })
	size, free := 0, map[int][]int{} // offsets, by size
	for _, b := range todo {
		for len(ending) > 0 && ending[0].last < b.first { // it has been placed, as it began before
			n := ending[0].aligned()
			free[n] = append(free[n], ending[0].offset)
			ending = ending[1:]
		}
		n := b.aligned()
		if at := free[n]; len(at) > 0 {
			b.offset, free[n] = at[len(at)-1], at[:len(at)-1]
			continue
		}
		b.offset = size
		size += n
	}
	return size
}

// pack places the buffers of one kind, the largest first, each at the lowest offset where no buffer lies that lives at
// the same time, and returns the size of the arena.
func pack(list []*buffer, float bool) int {
	var todo, done []*buffer // done is sorted by offset
	for _, b := range list {
		if b.float == float {
			todo = append(todo, b)
		}
	}
	slices.SortStableFunc(todo, func(a, b *buffer) int { return cmp.Compare(b.n, a.n) })
	size, left := 0, mostCompared
	for _, b := range todo {
		if left -= len(done); left < 0 {
			return sweep(todo)
		}
		b.offset = 0
		for _, other := range done {
			if other.last < b.first || other.first > b.last {
				continue
			}
			if b.offset+b.aligned() <= other.offset {
				break
			}
			b.offset = max(b.offset, other.offset+other.aligned())
		}
		at, _ := slices.BinarySearchFunc(done, b, func(o, b *buffer) int { return cmp.Compare(o.offset, b.offset) })
		done = slices.Insert(done, at, b)
		size = max(size, b.offset+b.aligned())
	}
	return size
}
