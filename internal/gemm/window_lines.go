package gemm

// A tile of a narrow panel has only 16 sums for each row of activations that is read. Where output rows that follow
// each other are those of neighbouring pixels, and their windows are three pixels wide, every pixel is read once for the
// three output rows that see it.

const (
	lineRows = 16 // of a tile
	lineTaps = 3  // that lie side by side
)

// addLines appends tiles of such rows, and returns the output rows that are left.
func (p *codePlan) addLines(outputs int) (rest []int) {
	k := &p.kernels.codeWindows
	lines := k.lines.Has() && p.channels <= k.lineChannels && p.Int8Windows.taps%lineTaps == 0
	for i := 0; i < outputs; {
		end := i + 1
		if end < outputs && lines && p.isLine(i) {
			for end < outputs && p.follows(end, p.out(i+1)-p.out(i)) {
				end++
			}
		}
		if end-i < lineRows {
			for ; i < end; i++ {
				rest = append(rest, i)
			}
			continue
		}
		// The last tile may compute some rows again.
		for at := i; at < end; at += lineRows {
			p.addLine(min(at, end-lineRows))
		}
		i = end
	}
	return rest
}

// isLine reports whether the windows of output row i, of which there must be a next one, are made of lines of pixels.
func (p *codePlan) isLine(i int) bool {
	for t := 0; t < p.Int8Windows.taps; t += lineTaps {
		for k := 1; k < lineTaps; k++ {
			first, at := p.in(i, t), p.in(i, t+k)
			if first < 0 && at >= 0 || first >= 0 && at != first+k*p.depth {
				return false
			}
		}
	}
	return true
}

// follows reports whether output row i sees what the one before it does, one pixel further, and lies step behind it.
func (p *codePlan) follows(i, step int) bool {
	for t := range p.Int8Windows.taps {
		before, at := p.in(i-1, t), p.in(i, t)
		if before < 0 && at >= 0 || before >= 0 && at != before+p.depth {
			return false
		}
	}
	return p.out(i) == p.out(i-1)+step
}

// addLine appends the tile of the rows from output row i on.
func (p *codePlan) addLine(i int) {
	p.kernels.codeWindows.lines.Get()
	rows := make([]int, lineRows)
	for k := range rows {
		rows[k] = i + k
	}
	first, firstOut := p.origins(rows)
	pattern, absent := &codePattern{height: lineRows}, make([]bool, p.Int8Windows.taps)
	pattern.outs[1] = int32(p.out(i+1) - firstOut)
	for t := 0; t < len(absent); t += lineTaps {
		at := p.in(i, t)
		if at >= 0 {
			pattern.taps = append(pattern.taps, codeTap{weight: 16 * t * p.depth, depth: p.depth})
			pattern.taps[len(pattern.taps)-1].rows[0] = int32(at - first)
		}
		for k := range lineTaps {
			absent[t+k] = at < 0
		}
	}
	p.finish(pattern, absent, first, firstOut)
}
