package engine

import (
	"slices"

	"linquant/graph"
)

// resize lowers a Resize: copies of the nearest elements, or sums of a few neighbours, dimension by dimension.
func (s *lowerer) resize() error {
	from := s.in[0]
	whole := s.g.Values[s.n.Outputs[0]].Shape
	if err := s.table(resizeTables(s.n, from.shape, s.out.shape)); err != nil {
		return s.errorf("%w", err)
	}
	if s.dry {
		return s.emitCopy(from, s.inPlaceOf(from))
	}
	axes := graph.ResizeOf(s.n, s.g.Values[s.n.Inputs[0]].Shape, whole)
	if s.out.quant != nil || graph.ResizesByCopy(s.n) || len(axes) == 0 {
		return s.resizeByCopy(axes)
	}
	if rows, columns, ok := graph.Bilinear(s.n, s.g.Values[s.n.Inputs[0]].Shape, whole); ok {
		s.emitPlanes(from, rows, columns)
		s.finish()
		return nil
	}
	for i := range axes {
		to := s.out
		if i < len(axes)-1 {
			shape := slices.Clone(from.shape)
			shape[axes[i].Dim-1] = whole[axes[i].Dim]
			n := from.n / from.shape[axes[i].Dim-1] * shape[axes[i].Dim-1]
			var err error
			if to, err = newPlace(s.out.name, shape, channelsLast(shape, n), nil); err != nil {
				return s.errorf("%w", err)
			}
		}
		s.emitResize(from, to, axes[i])
		from = to
	}
	s.finish()
	return nil
}

// resizeByCopy moves all dimensions at once.
func (s *lowerer) resizeByCopy(axes []graph.ResizeAxis) error {
	from, sides := s.in[0].strides(), s.inPlaceOf(s.in[0])
	for _, a := range axes {
		d := a.Dim - 1
		sides[0][d] = s.listed(len(a.From), func(i int) int { return a.From[i] * from[d] })
	}
	return s.emitCopy(s.in[0], sides)
}

// inPlaceOf returns the offsets of a value and of the output for a copy that leaves every element at its index.
func (s *lowerer) inPlaceOf(p *place) (sides [2][]offsets) {
	from, to := p.strides(), s.out.strides()
	for d, n := range s.out.shape {
		sides[0] = append(sides[0], progression(0, from[d], n))
		sides[1] = append(sides[1], progression(0, to[d], n))
	}
	return sides
}

// resizeTables returns about how many bytes say what each position of a dimension is made of, in float64 on the way.
func resizeTables(n *graph.Node, from, to []int) int64 {
	taps := map[string]int64{"nearest": 1, "cubic": 4}[n.Str("mode")]
	if taps == 0 {
		taps = 2
	}
	bytes := int64(0)
	for d, in := range from {
		if in == to[d] {
			continue
		}
		sums := taps * int64(to[d])
		if n.Int("antialias") != 0 {
			sums += taps * int64(in)
		}
		bytes += 24 * sums
	}
	return bytes
}

// emitResize appends the step of one dimension. In memory the value is a matrix for each index of the dimensions that
// lie outside of it, whose rows are the elements inside.
func (s *lowerer) emitResize(from, to *place, a graph.ResizeAxis) {
	walk := counted(len(from.shape))
	if len(from.shape) == 3 { // a picture; row-major is the same where it has one channel, or one pixel
		walk = []int{1, 2, 0}
	}
	k := &resizing{from: from, to: to, axis: a, outer: 1, inner: 1}
	k.in, k.out = from.shape[a.Dim-1], to.shape[a.Dim-1]
	before := &k.outer
	for _, d := range walk {
		if d == a.Dim-1 {
			before = &k.inner
			continue
		}
		*before *= from.shape[d]
	}
	s.emit(s.n, k, step{in: []*place{from}, out: []*place{to}})
}

type resizing struct {
	from, to              *place
	axis                  graph.ResizeAxis
	outer, in, out, inner int
}

// units are rows of the output.
func (k *resizing) units() (n, grain int) { return k.outer * k.out, max(elementGrain/k.inner, 1) }

func (k *resizing) part(s *state, _ *scratch, lo, hi int) {
	src, dst, a := s.floatsOf(k.from), s.floatsOf(k.to), &k.axis
	for r := lo; r < hi; r++ {
		i, matrix := r%k.out, src[r/k.out*k.in*k.inner:]
		row := dst[r*k.inner:][:k.inner]
		switch from := a.From[i*a.Taps:][:a.Taps]; {
		case a.Outside != nil && a.Outside[i]:
			fill(row, a.Fill)
		case a.Weight == nil:
			copy(row, matrix[from[0]*k.inner:])
		case a.Taps == 2:
			w := a.Weight[2*i:][:2]
			blend(row, matrix[from[0]*k.inner:], matrix[from[1]*k.inner:], w[0], w[1])
		default:
			for t, w := range a.Weight[i*a.Taps:][:a.Taps] {
				accumulate(row, matrix[from[t]*k.inner:], w, t == 0)
			}
		}
	}
}

// emitPlanes appends the step of a Resize that is graph.Bilinear. In memory the input is rows of columns of inner neighbours,
// outer times: a picture whose channels lie last is one plane, others are a plane for each channel.
func (s *lowerer) emitPlanes(from *place, rows, columns graph.ResizeAxis) {
	k := &planes{from: from, to: s.out, rows: rows, columns: columns, outer: 1, inner: 1}
	shape := from.shape
	k.height, k.width = shape[len(shape)-2], shape[len(shape)-1]
	if others := from.n / max(k.height*k.width, 1); len(shape) == 3 {
		k.inner = others
	} else {
		k.outer = others
	}
	k.outHeight, k.outWidth = s.out.shape[len(shape)-2], s.out.shape[len(shape)-1]
	s.emit(s.n, k, step{in: []*place{from}, out: []*place{s.out}})
}

type planes struct {
	from, to            *place
	rows, columns       graph.ResizeAxis
	height, width       int
	outHeight, outWidth int
	outer, inner        int
}

// units are rows of the output.
func (k *planes) units() (n, grain int) {
	return k.outer * k.outHeight, max(elementGrain/max(k.outWidth*k.inner, 1), 1)
}

func (k *planes) part(s *state, _ *scratch, lo, hi int) {
	src, dst := s.floatsOf(k.from), s.floatsOf(k.to)
	line := k.width * k.inner
	for r := lo; r < hi; r++ {
		i, plane := r%k.outHeight, src[r/k.outHeight*k.height*line:]
		above, below := plane[k.rows.From[2*i]*line:][:line], plane[k.rows.From[2*i+1]*line:][:line]
		row := dst[r*k.outWidth*k.inner:][:k.outWidth*k.inner]
		for j := range k.outWidth {
			w := graph.PlaneWeights(&k.rows, &k.columns, i, j)
			left, right := k.columns.From[2*j]*k.inner, k.columns.From[2*j+1]*k.inner
			if k.inner == 1 {
				sum := float32(w[0]*above[left]) + float32(w[1]*above[right])
				sum += float32(w[2] * below[left])
				row[j] = sum + float32(w[3]*below[right])
				continue
			}
			mix(row[j*k.inner:][:k.inner], above[left:], above[right:], below[left:], below[right:], w)
		}
	}
}

// mix sums four rows with weights, in this order.
func mix(dst, a, b, c, d []float32, w [4]float32) {
	a, b, c, d = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)]
	for i := range dst {
		sum := float32(w[0]*a[i]) + float32(w[1]*b[i])
		sum += float32(w[2] * c[i])
		dst[i] = sum + float32(w[3]*d[i])
	}
}

func blend(dst, a, b []float32, v, w float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = float32(v*a[i]) + float32(w*b[i])
	}
}

func accumulate(dst, a []float32, w float32, first bool) {
	a = a[:len(dst)]
	if first {
		for i := range dst {
			dst[i] = w * a[i]
		}
		return
	}
	for i := range dst {
		dst[i] += float32(w * a[i])
	}
}
