package pickle

// memo holds the values that a pickle numbers, to mention them again. The numbers that count up from 0, as Python's
// do, index a slice, which is smaller and faster than a map; any others are in a map.
type memo struct {
	counted []Value
	others  map[uint64]Value // no number below len(counted)
}

// count returns how many numbers are set.
func (m *memo) count() uint64 { return uint64(len(m.counted)) + uint64(len(m.others)) }

func (m *memo) get(index uint64) (Value, bool) {
	if index < uint64(len(m.counted)) {
		return m.counted[index], true
	}
	v, ok := m.others[index]
	return v, ok
}

// put sets a number, and reports whether that is one of the others.
func (m *memo) put(index uint64, v Value) bool {
	next := uint64(len(m.counted))
	_, other := m.others[index]
	switch {
	case index < next:
		m.counted[index] = v
	case index == next && !other:
		m.counted = append(m.counted, v)
	default:
		if m.others == nil {
			m.others = make(map[uint64]Value)
		}
		m.others[index] = v
		return true
	}
	return false
}
