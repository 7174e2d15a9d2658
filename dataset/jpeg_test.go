package dataset

import "testing"

// A picture of 33×17 pixels with 2×2 sampling of its first component is 3×2 units of 16×16 pixels, each with 4 blocks of the
// first component and one of each other (ITU-T T.81, A.1.1 and A.2.4).
func TestJPEGBlocks(t *testing.T) {
	f, ok := parseFrame(true, []byte{8, 0, 17, 0, 33, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1})
	if !ok || f.width != 33 || f.height != 17 {
		t.Fatalf("%+v, %v", f, ok)
	}
	for i, want := range []int64{24, 6, 6} {
		if got := f.components[i].blocks; got != want {
			t.Errorf("component %d has %d blocks, want %d", i, got, want)
		}
	}
	for what, c := range map[string]struct {
		scan []byte
		want int64
	}{
		"all three":          {[]byte{0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0}, 36},
		"the second":         {[]byte{0, 8, 1, 2, 0x11, 0, 63, 0}, 6},
		"two of them":        {[]byte{0, 10, 2, 1, 0, 3, 0x11, 0, 63, 0}, 30},
		"none that there is": {[]byte{0, 8, 1, 9, 0, 0, 63, 0}, 0},
		"of a wrong length":  {[]byte{0, 9, 1, 2, 0x11, 0, 63, 0}, 0},
		"cut off":            {[]byte{0, 8, 1}, 0},
	} {
		if got := f.visits(c.scan); got != c.want {
			t.Errorf("a scan of %s visits %d blocks, want %d", what, got, c.want)
		}
	}
	for _, b := range [][]byte{nil, {8, 0, 17, 0, 33}, {8, 0, 17, 0, 33, 1}, {8, 0, 17, 0, 33, 1, 1, 0x11}} {
		if _, ok := parseFrame(false, b); ok {
			t.Errorf("%v is a frame", b)
		}
	}
}
