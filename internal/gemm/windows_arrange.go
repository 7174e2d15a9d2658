package gemm

// arrange divides output rows among tiles of at most height rows, each of rows that see the same taps as far as that
// is possible.
func arrange(outputs, taps, height int, row func(i, t int) int) (tiles [][]int) {
	var classes []leftover
	known := map[string]int{}
	key := make([]byte, taps)
	for i := range outputs {
		for t := range key {
			key[t] = 0
			if row(i, t) >= 0 {
				key[t] = 1
			}
		}
		at, ok := known[string(key)]
		if !ok {
			at = len(classes)
			known[string(key)] = at
			seen := make([]bool, taps)
			for t, k := range key {
				seen[t] = k == 1
			}
			classes = append(classes, leftover{seen: seen})
		}
		c := &classes[at]
		if c.rows = append(c.rows, i); len(c.rows) == height {
			tiles = append(tiles, c.rows)
			c.rows = nil
		}
	}
	var left []leftover
	for _, c := range classes {
		if len(c.rows) > 0 {
			left = append(left, c)
		}
	}
	for _, l := range pair(left, height) {
		tiles = append(tiles, l.rows)
	}
	return tiles
}

// leftover is some rows that do not fill a tile, and the taps that at least one of them sees.
type leftover struct {
	rows []int
	seen []bool
}

// cost is the time that a tile takes, in rows times taps. Fewer than 4 rows take as long as 4: their sums would wait for
// each other.
func (l leftover) cost(height int) int {
	taps := 0
	for _, s := range l.seen {
		if s {
			taps++
		}
	}
	return tileHeight(len(l.rows), height) * taps
}

// tileHeight returns the height of the kernel for so many rows, where the tallest has a height of its own.
func tileHeight(rows, tallest int) int { return min((rows+3)&^3, tallest) }

// pair joins leftovers as long as that saves time, those first that save most.
func pair(left []leftover, height int) []leftover {
	if len(left) > maxLeftovers {
		return left
	}
	for {
		var best, x, y int
		var joined leftover
		for i, a := range left {
			for j, b := range left[:i] {
				if len(a.rows)+len(b.rows) > height {
					continue
				}
				c := join(b, a)
				if saves := a.cost(height) + b.cost(height) - c.cost(height); saves > best {
					best, x, y, joined = saves, i, j, c
				}
			}
		}
		if best == 0 {
			return left
		}
		left[y] = joined
		left = append(left[:x], left[x+1:]...)
	}
}

func join(a, b leftover) leftover {
	c := leftover{rows: append(append([]int{}, a.rows...), b.rows...), seen: make([]bool, len(a.seen))}
	for t := range c.seen {
		c.seen[t] = a.seen[t] || b.seen[t]
	}
	return c
}
