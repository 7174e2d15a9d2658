package checkpoint

import (
	"fmt"
	"math"

	"linquant/tensor"
)

// extent turns dimensions from a file into a shape and the size of its elements in bytes, or an error if either does
// not fit the machine's int, so that what passes can be allocated once it was found to be inside the file.
func extent(dims []uint64, dtype tensor.DType) (tensor.Shape, int, error) {
	shape := make(tensor.Shape, len(dims))
	for i, d := range dims {
		if d > math.MaxInt {
			return nil, 0, fmt.Errorf("dimension %d of shape %v is larger than this machine can address", i, dims)
		}
		shape[i] = int(d)
	}
	n, err := shape.Elements()
	if err != nil {
		return nil, 0, err
	}
	if n > math.MaxInt/dtype.Size() {
		return nil, 0, fmt.Errorf("shape %v of %v has more bytes than this machine can address", shape, dtype)
	}
	return shape, n * dtype.Size(), nil
}
