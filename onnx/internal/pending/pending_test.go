package pending

import (
	"slices"
	"testing"
)

// A permutation of dimensions without some of them: what NumPy's transpose does to an array that was squeezed before.
func TestWithoutAxes(t *testing.T) {
	for _, test := range []struct{ perm, axes, want []int }{
		{[]int{2, 0, 3, 1, 4}, []int{2}, []int{0, 2, 1, 3}},
		{[]int{2, 0, 3, 1}, []int{0}, []int{1, 2, 0}},
		{[]int{2, 0, 3, 1}, []int{3, 1}, []int{1, 0}},
	} {
		if got := withoutAxes(test.perm, test.axes); !slices.Equal(got, test.want) {
			t.Errorf("%v without %v is %v, want %v", test.perm, test.axes, got, test.want)
		}
	}
}
