package graph

import "linquant/tensor"

// where: the condition is 0 where the second operand is taken.
func (s site) where() (tensor.Shape, error) {
	out, err := s.broadcast(s.shape(1), s.shape(2))
	if err != nil {
		return nil, err
	}
	return s.broadcast(out, s.shape(0))
}

func (s site) evalWhere(c call) (array, error) {
	in, shape := c.in, c.shape
	var index [3][]int
	for i := range index {
		index[i] = gather(shape, broadcastSteps(in[i].shape, shape))
	}
	y := array{shape: shape, real: make([]float32, len(index[0]))}
	for i, at := range index[0] {
		from := 2
		if in[0].real[at] != 0 {
			from = 1
		}
		y.real[i] = in[from].real[index[from][i]]
	}
	return y, nil
}
