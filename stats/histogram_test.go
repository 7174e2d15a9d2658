package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestFloatsNumpy(t *testing.T) {
	for _, c := range numpyCases(t) {
		h, err := Floats(c.x(), c.Bins)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if !slices.Equal(h.Counts, c.Counts) {
			t.Errorf("%s: counts %v, numpy has %v", c.Name, h.Counts, c.Counts)
		}
		if h.Lo != c.Lo || h.Width != (c.Hi-c.Lo)/float64(c.Bins) {
			t.Errorf("%s: bins from %v, %v wide; numpy has %v to %v", c.Name, h.Lo, h.Width, c.Lo, c.Hi)
		}
	}
}

func TestFloatsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values().Draw(t, "x")
		bins := rapid.OneOf(rapid.IntRange(1, 40), rapid.Just(1000)).Draw(t, "bins")
		h, err := Floats(x, bins)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]int64, bins)
		for _, v := range finiteOf(x) {
			i := 0
			for i+1 < bins && v >= h.Lo+float64(float64(i+1)*h.Width) {
				i++
			}
			want[i]++
		}
		if !slices.Equal(h.Counts, want) {
			t.Fatalf("%+v, a search through the edges has counts %v", h, want)
		}
		checkDensity(t, h)
	})
}

func checkDensity(t *rapid.T, h Histogram) {
	area := 0.0
	for _, d := range h.Density() {
		area += d * h.Width
	}
	want := 1.0
	if h.Total() == 0 {
		want = 0
	}
	if math.Abs(area-want) > 1e-12 {
		t.Fatalf("the density of %+v integrates to %v, want %v", h, area, want)
	}
}

// All-equal values beyond 2^23 have no v ± 0.5 in float32, and beyond 2^53 none in float64: the bins must hold them.
func TestFloatsEqualAndLarge(t *testing.T) {
	for _, v := range []float32{1 << 23, 1<<24 + 2, 1e20, -1e20, top, -top} {
		for _, bins := range []int{1, 2, 255, maxBins} {
			h, err := Floats([]float32{v, v, nan}, bins)
			if err != nil {
				t.Fatal(err)
			}
			if h.Counts[bins/2] != 2 || h.Total() != 2 {
				t.Errorf("%v in %d bins: the middle bin counts %d of %d, want 2", v, bins, h.Counts[bins/2], h.Total())
			}
			if !(h.Width > 0) || h.Lo+h.Width == h.Lo {
				t.Errorf("%v in %d bins: bins from %v are %v wide", v, bins, h.Lo, h.Width)
			}
		}
	}
}

// With the most bins, edges between neighbouring float32 values must still be distinct.
func TestFloatsMaxBins(t *testing.T) {
	lo := float32(1 << 24)
	hi := math.Nextafter32(lo, inf)
	h, err := Floats([]float32{lo, hi, hi}, maxBins)
	if err != nil {
		t.Fatal(err)
	}
	if h.Counts[0] != 1 || h.Counts[maxBins-1] != 2 {
		t.Errorf("first bin %d, last bin %d, want 1 and 2", h.Counts[0], h.Counts[maxBins-1])
	}
}

func TestFloatsRefusesBins(t *testing.T) {
	for _, bins := range []int{math.MinInt, -1, 0, maxBins + 1, math.MaxInt} {
		if _, err := Floats([]float32{1}, bins); err == nil {
			t.Errorf("%d bins: no error", bins)
		}
	}
}

func TestCodesProperties(t *testing.T) {
	t.Run("int8", rapid.MakeCheck(func(t *rapid.T) { checkCodes(t, rapid.Int8(), math.MinInt8, math.MaxInt8) }))
	t.Run("uint8", rapid.MakeCheck(func(t *rapid.T) { checkCodes(t, rapid.Uint8(), 0, math.MaxUint8) }))
}

func checkCodes[Q int8 | uint8](t *rapid.T, code *rapid.Generator[Q], least, most int) {
	q := rapid.SliceOf(code).Draw(t, "q")
	lo := rapid.IntRange(-300, 300).Draw(t, "lo")
	hi := rapid.IntRange(-300, 300).Draw(t, "hi")
	h := Codes(q, lo, hi)
	lo, hi = max(lo, least), min(hi, most)
	if h.Lo != float64(lo)-0.5 || h.Width != 1 || len(h.Counts) != max(0, hi-lo+1) {
		t.Fatalf("codes %d to %d: %+v", lo, hi, h)
	}
	want := map[int]int64{}
	for _, c := range q {
		want[int(c)]++
	}
	for i, got := range h.Counts {
		if got != want[lo+i] {
			t.Fatalf("code %d is counted %d times, want %d", lo+i, got, want[lo+i])
		}
	}
	if len(h.Counts) > 0 {
		checkDensity(t, h)
	}
}

func TestCodesHugeRange(t *testing.T) {
	h := Codes([]int8{-128, 127, 127}, math.MinInt, math.MaxInt)
	if h.Lo != -128.5 || len(h.Counts) != 256 || h.Counts[0] != 1 || h.Counts[255] != 2 {
		t.Errorf("bins from %v, %d of them", h.Lo, len(h.Counts))
	}
	if h := Codes([]uint8{1}, math.MaxInt, math.MinInt); h.Counts != nil {
		t.Errorf("a range from above to below has %d bins", len(h.Counts))
	}
}
