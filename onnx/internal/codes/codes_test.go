package codes

import (
	"slices"
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

// TestTransposed exchanges rows and columns of codes of every width, and the dimension that has the scales.
func TestTransposed(t *testing.T) {
	perChannel := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{1, 2}}
	small, err1 := tensor.Of(tensor.Shape{2, 3}, []int8{1, 2, 3, 4, 5, 6})
	wide, err2 := tensor.Of(tensor.Shape{2, 3}, []int32{1, 2, 3, 4, 5, 6 << 20})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	got, p := Transposed(small, perChannel)
	if want, _ := tensor.Of(tensor.Shape{3, 2}, []int8{1, 4, 2, 5, 3, 6}); !got.Shape.Equal(want.Shape) || !slices.Equal(got.Data, want.Data) || p.Axis != 1 {
		t.Errorf("%v %v, axis %d", got.Shape, got.Data, p.Axis)
	}
	if back, p := Transposed(got, p); !back.Shape.Equal(small.Shape) || !slices.Equal(back.Data, small.Data) || p.Axis != 0 {
		t.Errorf("back: %v %v, axis %d", back.Shape, back.Data, p.Axis)
	}
	got, p = Transposed(wide, quant.TensorParams(quant.Int(32), 1, 0))
	if want, _ := tensor.Of(tensor.Shape{3, 2}, []int32{1, 4, 2, 5, 3, 6 << 20}); !slices.Equal(got.Data, want.Data) || p.Axis != 0 {
		t.Errorf("%v, axis %d", got.Data, p.Axis)
	}
}

func TestAllZero(t *testing.T) {
	for _, c := range []struct {
		zero []int32
		want bool
	}{{nil, true}, {[]int32{0, 0}, true}, {[]int32{0, 1}, false}, {[]int32{-1}, false}} {
		if AllZero(c.zero) != c.want {
			t.Errorf("%v: %v", c.zero, !c.want)
		}
	}
}
