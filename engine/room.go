package engine

import "fmt"

// What a program has beside its weights, tables that say where elements lie and in which order they are read, is bounded:
// a small file could ask for any amount. Where there is another way to compute, it is taken once there is no more room;
// else the network is refused.

var (
	// leastTables is how many bytes of tables every network may have, besides tablesPerByte for each of its constants.
	leastTables   int64 = 40 << 20
	tablesPerByte int64 = 8

	// leastPlanned is for how many taps of output pixels every network may have plans of windows, besides a tap for each byte of its
	// constants. Planning takes about 20 ns for each.
	leastPlanned int64 = 1 << 24

	// leastRead is how many elements of constants every network may read, besides each of its own readsEach times: layers
	// may share a weight.
	leastRead int64 = 1 << 26
	readsEach int64 = 64
)

// room is what is left of those.
type room struct{ tables, planned, read int64 }

func roomFor(constants int64) room {
	return room{leastTables + tablesPerByte*constants, leastPlanned + constants, leastRead + readsEach*constants}
}

// read takes the work to read so many elements of a constant.
func (c *compiler) read(elements int) error {
	if int64(elements) > c.room.read {
		return fmt.Errorf("its constants and those of nodes before it have %d times the elements of all constants: so many layers cannot "+
			"share so large ones", readsEach)
	}
	c.room.read -= int64(elements)
	return nil
}

// table takes the memory of a table, in bytes.
func (c *compiler) table(bytes int64) error {
	if c.dry {
		return nil
	}
	if bytes > c.room.tables {
		return fmt.Errorf("what says where its elements lie would take %d MB, with that of nodes before it more than a network of this "+
			"size may have: make its values, kernels or pads smaller", bytes>>20)
	}
	c.room.tables -= bytes
	c.weights += bytes
	return nil
}

// plannable takes the work to plan windows over so many output pixels, and reports whether there is room for that.
func (c *compiler) plannable(taps int64) bool {
	if taps > c.room.planned {
		return false
	}
	c.room.planned -= taps
	return true
}
