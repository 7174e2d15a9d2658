package builtin

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

func area(m *mask) (sum int64) {
	for _, v := range m {
		sum += int64(v)
	}
	return sum
}

func TestFillOfWholeAndHalfPixels(t *testing.T) {
	var m mask
	m.fill(outline{{{2 * unit, 3 * unit}, {5 * unit, 3 * unit}, {5 * unit, 4*unit + unit/2}, {2 * unit, 4*unit + unit/2}}})
	for i, got := range m {
		x, y := i%size, i/size
		want := int32(0)
		if x >= 2 && x < 5 {
			want = map[int]int32{3: opaque, 4: opaque / 2}[y]
		}
		if got != want {
			t.Errorf("pixel %d, %d has the coverage %d, not %d", x, y, got, want)
		}
	}
}

// A ring is a hole in a polygon if it winds the other way, and none if it winds the same way.
func TestFillWinding(t *testing.T) {
	square := func(low, high int) []point { return []point{{low, low}, {high, low}, {high, high}, {low, high}} }
	outer, inner := square(4*unit, 20*unit), square(8*unit, 12*unit)
	hole := []point{inner[3], inner[2], inner[1], inner[0]}
	for _, c := range []struct {
		name  string
		shape outline
		want  int64
	}{
		{"alone", outline{outer}, 16 * 16},
		{"with a hole", outline{outer, hole}, 16*16 - 4*4},
		{"twice inside", outline{outer, inner}, 16 * 16},
		{"the other way round", outline{hole}, 4 * 4},
		{"partly outside", outline{square(-5*unit, 3*unit)}, 3 * 3},
		{"far outside", outline{square(40*unit, 50*unit)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m mask
			m.fill(c.shape)
			if got := area(&m); got != c.want*opaque {
				t.Errorf("the area is %v pixels, not %d", float64(got)/opaque, c.want)
			}
		})
	}
}

// TestFillArea compares with the area of a triangle, from its corners.
func TestFillArea(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coordinate := rapid.IntRange(0, size*unit)
		corner := func(name string) point { return point{coordinate.Draw(t, name+".x"), coordinate.Draw(t, name+".y")} }
		a, b, c := corner("a"), corner("b"), corner("c")
		var m mask
		m.fill(outline{{a, b, c}})
		want := math.Abs(float64((b.x-a.x)*(c.y-a.y)-(c.x-a.x)*(b.y-a.y))) / 2 / (unit * unit)
		// Scanlines miss at most what lies in one of them at either end of each edge.
		if got := float64(area(&m)) / opaque; math.Abs(got-want) > size/lines+0.5 {
			t.Fatalf("the area is %v pixels, not %v", got, want)
		}
	})
}

func TestRotation(t *testing.T) {
	for _, k := range []int{-1024, -260, -1, 0, 1, 100, 260, 1024} {
		r := rotation(k)
		sin, cos := math.Sincos(2 * math.Atan(float64(k)/1024))
		for _, v := range []struct {
			got  int64
			want float64
		}{{r.xx, cos}, {r.xy, -sin}, {r.yx, sin}, {r.yy, cos}} {
			if math.Abs(float64(v.got)/one-v.want) > 2.0/one {
				t.Errorf("rotation(%d) has %v for %v", k, float64(v.got)/one, v.want)
			}
		}
	}
}

func TestAfter(t *testing.T) {
	shape := outline{{{100, 0}, {0, 2000}, {-700, 900}}}
	first, then := transform{xx: 2 * one, xy: one / 2, yy: one}, rotation(200)
	then.x0, then.y0 = 30, -40
	got, want := then.after(first).apply(shape)[0], then.apply(first.apply(shape))[0]
	for i := range want {
		if dx, dy := got[i].x-want[i].x, got[i].y-want[i].y; max(dx, -dx, dy, -dy) > 1 {
			t.Errorf("point %d is at %v, not at %v", i, got[i], want[i])
		}
	}
}

func TestGlyphsAreCentred(t *testing.T) {
	for i, font := range glyphs() {
		for j, o := range font {
			low, high := o[0][0], o[0][0]
			for _, line := range o {
				for _, p := range line {
					low = point{min(low.x, p.x), min(low.y, p.y)}
					high = point{max(high.x, p.x), max(high.y, p.y)}
				}
			}
			// Digits of every font are about 0.72 em high.
			if h := high.y - low.y; h < glyphUnit*68/100 || h > glyphUnit*78/100 {
				t.Errorf("font %d: %c is %v em high", i, characters[j], float64(h)/glyphUnit)
			}
			if x, y := low.x+high.x, low.y+high.y; max(x, -x, y, -y) > 2 {
				t.Errorf("font %d: the middle of %c is at %d, %d", i, characters[j], x/2, y/2)
			}
		}
	}
}

func TestHSV(t *testing.T) {
	for _, c := range []struct {
		hue, saturation, value int
		r, g, b                int32
	}{
		{0, 0, 100, 100, 100, 100},
		{0, 255, 200, 200, 0, 0},
		{256, 255, 200, 200, 200, 0},
		{2 * 256, 255, 200, 0, 200, 0},
		{3 * 256, 255, 200, 0, 200, 200},
		{4 * 256, 255, 200, 0, 0, 200},
		{5 * 256, 255, 200, 200, 0, 200},
		{6 * 256, 255, 200, 200, 0, 0},
		{128, 255, 200, 200, 100, 0},
	} {
		if got, want := hsv(c.hue, c.saturation, c.value), (color{c.r * depth, c.g * depth, c.b * depth}); got != want {
			t.Errorf("hsv(%d, %d, %d) is %v, not %v", c.hue, c.saturation, c.value, got, want)
		}
	}
}

// The first numbers of splitmix64 from the seed 1234567, as Vigna's reference implementation gives them
// (https://prng.di.unimi.it/splitmix64.c).
func TestSplitmix64(t *testing.T) {
	r := random(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431} {
		if got := r.next(); got != want {
			t.Errorf("number %d is %d, not %d", i, got, want)
		}
	}
}

func TestBell(t *testing.T) {
	r := newRandom(3, 4)
	var sum, squares float64
	const n = 20_000
	for range n {
		v := float64(bell(r.next()))
		sum += v
		squares += v * v
	}
	if mean := sum / n; math.Abs(mean) > 0.3 {
		t.Errorf("the mean is %v, not 0", mean)
	}
	if d := math.Sqrt(squares / n); math.Abs(d-bellDeviation) > 0.4 {
		t.Errorf("the standard deviation is %v, not %d", d, bellDeviation)
	}
}
