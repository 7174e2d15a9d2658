package convert

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/follow"
	"linquant/quant"
	"linquant/tensor"
)

// ONNX Runtime's own operators on weights of few bits in blocks become a DequantizeLinear of the weight and the operator on reals.

// matMulNBits: B [N, blocks, bytes of a block] has the rows of the transposed weight in codes without a sign, the first in the lowest bits
// of a byte, and the last block of a row is filled up. A zero point is half the range, or one for each block: codes,
// packed as the weight is, or reals.
func matMulNBits(s build.Node) error {
	n, k, bits, block := s.Raw.Int("N"), s.Raw.Int("K"), s.Raw.Int("bits"), s.Raw.Int("block_size")
	if s.Raw.Input(4) != "" {
		return s.Errorf("it has g_idx, which orders the rows of its weight: write the weight in its own order (act_order off)")
	}
	if bits != 2 && bits != 4 && bits != 8 || n < 1 || k < 1 || block < 16 || block&(block-1) != 0 {
		return s.Errorf("it has N %d, K %d, %d bits and blocks of %d: 2, 4 and 8 bits and blocks of a power of two from 16 on are supported",
			n, k, bits, block)
	}
	blocks := (k-1)/block + 1
	codes, err := unpacked(s, 1, bits, n, blocks*block)
	if err != nil {
		return err
	}
	scale, err := realsOf(s, 2, tensor.Shape{n, blocks})
	if err != nil {
		return err
	}
	w := ""
	zero, known := s.Net.Follows(s.Raw.Input(3))
	if known && zero.DType == tensor.Float32 {
		if w, err = realZeroWeight(s, codes, scale, bits, k); err != nil {
			return err
		}
	} else {
		if w, err = blockWeight(s, codes, scale, bits, k); err != nil {
			return err
		}
	}
	if w, err = s.Insert("weight", graph.Transpose, graph.Attrs{"perm": []int{1, 0}}, w); err != nil {
		return err
	}
	bias := s.Raw.Input(5)
	if bias == "" {
		return becomePair(s, graph.MatMul, s.Raw.Inputs[0], w)
	}
	y, err := s.Insert("products", graph.MatMul, graph.Attrs{}, s.Raw.Inputs[0], w)
	if err != nil {
		return err
	}
	return becomePair(s, graph.Add, y, bias)
}

// unpacked returns input i, codes of so many bits, as a matrix with one code a byte.
func unpacked(s build.Node, i, bits, rows, columns int) (tensor.Tensor, error) {
	c, ok := s.Net.Follows(s.Raw.Input(i))
	if !ok {
		return tensor.Tensor{}, s.NotConstant(i)
	}
	bytes, err := quant.PackedRows.Len(quant.Uint(bits), tensor.Shape{rows, columns})
	if err != nil {
		return tensor.Tensor{}, s.Errorf("%w", err)
	}
	if c.DType != tensor.Uint8 || c.Type != (quant.Type{}) || len(c.Data) != bytes {
		return tensor.Tensor{}, s.Errorf("input %d (%q) is %v of shape %v: it must have %d bytes, for %d×%d codes of %d bits",
			i, s.Raw.Input(i), c.DType, c.Shape, bytes, rows, columns, bits)
	}
	if err := s.Net.Left.Take(int64(rows) * int64(columns)); err != nil {
		return tensor.Tensor{}, s.Errorf("%w", err)
	}
	u, err := quant.Codes{
		Params: quant.Params{Type: quant.Uint(bits)}, Shape: tensor.Shape{rows, columns}, Packing: quant.PackedRows, Data: c.Data,
	}.Unpack()
	if err != nil {
		return tensor.Tensor{}, s.Errorf("input %d (%q): %w", i, s.Raw.Input(i), err)
	}
	return tensor.New(tensor.Uint8, u.Shape, u.Data)
}

// realsOf returns input i, a constant of so many reals, in that shape.
func realsOf(s build.Node, i int, shape tensor.Shape) (tensor.Tensor, error) {
	c, ok := s.Net.Follows(s.Raw.Input(i))
	if !ok {
		return tensor.Tensor{}, s.NotConstant(i)
	}
	if n, _ := shape.Elements(); c.DType != tensor.Float32 || c.Elements() != n {
		return tensor.Tensor{}, s.Errorf("input %d (%q) is %v of shape %v: it must be reals of shape %v", i, s.Raw.Input(i), c.DType, c.Shape, shape)
	}
	return tensor.New(c.DType, shape, c.Data)
}

// blockWeight adds the reals of codes [rows, blocks·block], of which columns are meant, in blocks along their rows; the zero points are
// input 3, or half the range.
func blockWeight(s build.Node, codes, scale tensor.Tensor, bits, columns int) (string, error) {
	rows, block := codes.Shape[0], codes.Shape[1]/scale.Shape[1]
	if columns < codes.Shape[1] {
		cut := make([]byte, 0, rows*columns)
		for r := range rows {
			cut = append(cut, codes.Data[r*codes.Shape[1]:][:columns]...)
		}
		codes.Shape, codes.Data = tensor.Shape{rows, columns}, cut
	}
	zero, err := tensor.New(tensor.Uint8, scale.Shape, slices.Repeat([]byte{1 << (bits - 1)}, scale.Elements()))
	if s.Raw.Input(3) != "" {
		zero, err = unpacked(s, 3, bits, scale.Shape[0], scale.Shape[1])
	}
	if err != nil {
		return "", err
	}
	inputs := []string{"", constantOf(s, "scale", scale), ""}
	if inputs[0], err = byteConstant(s, "codes", codes.Shape, codes.Data, bits); err != nil {
		return "", err
	}
	if inputs[2], err = byteConstant(s, "zero", zero.Shape, zero.Data, bits); err != nil {
		return "", err
	}
	return s.Insert("rows", graph.DequantizeLinear, graph.Attrs{"axis": 1, "block_size": block}, inputs...)
}

func constantOf(s build.Node, what string, t tensor.Tensor) string {
	name := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	s.Net.Graph.AddConst(name, t)
	return name
}

// realZeroWeight is blockWeight with zero points that are reals, input 3.
func realZeroWeight(s build.Node, codes, scale tensor.Tensor, bits, columns int) (string, error) {
	rows, blocks := scale.Shape[0], scale.Shape[1]
	zero, err := realsOf(s, 3, tensor.Shape{rows, blocks, 1})
	if err != nil {
		return "", err
	}
	scale.Shape = zero.Shape
	q, err := byteConstant(s, "codes", tensor.Shape{rows, blocks, codes.Shape[1] / blocks}, codes.Data, bits)
	if err != nil {
		return "", err
	}
	c := chainOf{s: s}
	w := c.add("numbers", graph.DequantizeLinear, nil, q, c.constant("one", 1))
	w = c.add("centred", graph.Sub, nil, w, constantOf(s, "zero", zero))
	w = c.add("scaled", graph.Mul, nil, w, constantOf(s, "scale", scale))
	w = c.add("rows", graph.Reshape, graph.Attrs{"shape": []int{rows, codes.Shape[1]}}, w)
	if columns < codes.Shape[1] {
		w = c.add("cut", graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{columns}, "axes": []int{1}, "steps": []int{1}}, w)
	}
	return w, c.err
}

// gatherBlockQuantized gathers along one axis of a table of codes in blocks along another: codes of 4 bits without a zero point are
// those of a signed type less 0, or of bytes that hold several, the first in the lowest bits, less half their range.
func gatherBlockQuantized(s build.Node) error {
	c, ok := s.Net.Follows(s.Raw.Inputs[0])
	scale, known := s.Net.Follows(s.Raw.Inputs[2])
	if !ok || !known {
		return s.NotConstant(0)
	}
	rank, block, bits := len(c.Shape), s.Raw.Int("block_size"), s.Raw.Int("bits")
	axis, along := s.Raw.Int("gather_axis"), s.Raw.Int("quantize_axis")
	if along < 0 {
		along += rank
	}
	if block < 16 || block&(block-1) != 0 || along < 0 || along >= rank {
		return s.Errorf("it has blocks of %d along axis %d of %v: blocks have a power of two of elements, from 16 on", block, along, c.Shape)
	}
	inputs := []string{s.Raw.Inputs[0], s.Raw.Inputs[2], s.Raw.Input(3)}
	if c.DType == tensor.Uint8 && c.Type == (quant.Type{}) {
		if bits != 2 && bits != 4 && bits != 8 || along != rank-1 {
			return s.Errorf("it has bytes with codes of %d bits, in blocks along axis %d of %v: 2, 4 and 8 bits along the last axis are supported", bits, along, c.Shape)
		}
		var err error
		if inputs[0], err = unpackedLast(s, c, "codes", bits); err != nil {
			return err
		}
		if zero, ok := s.Net.Follows(inputs[2]); ok {
			inputs[2], err = unpackedLast(s, zero, "zero", bits)
		} else {
			zeros := slices.Repeat([]byte{1 << (bits - 1)}, scale.Elements())
			inputs[2], err = byteConstant(s, "zero", scale.Shape, zeros, bits)
		}
		if err != nil {
			return err
		}
	}
	table, err := s.Insert("table", graph.DequantizeLinear, graph.Attrs{"axis": along, "block_size": block}, inputs...)
	if err != nil {
		return err
	}
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Gather, graph.Attrs{"axis": axis}, []string{table, s.Raw.Inputs[1]}
	return Gather(s)
}

// unpackedLast adds the codes of bytes that hold several of the last axis.
func unpackedLast(s build.Node, c follow.Value, what string, bits int) (string, error) {
	each := 8 / bits
	shape := slices.Clone(c.Shape)
	if len(shape) == 0 {
		return "", s.Errorf("its %s have no axis", what)
	}
	shape[len(shape)-1] *= each
	if err := s.Net.Left.Take(int64(len(c.Data)) * int64(each)); err != nil {
		return "", s.Errorf("%w", err)
	}
	data := make([]byte, 0, len(c.Data)*each)
	for _, b := range c.Data {
		for k := range each {
			data = append(data, b>>(k*bits)&byte(1<<bits-1))
		}
	}
	return byteConstant(s, what, shape, data, bits)
}

// byteConstant adds codes without a sign, one a byte.
func byteConstant(s build.Node, what string, shape tensor.Shape, data []byte, bits int) (string, error) {
	t, err := tensor.New(tensor.Uint8, shape, data)
	if err != nil {
		return "", s.Errorf("%w", err)
	}
	name := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	if v := s.Net.Graph.AddConst(name, t); bits < 8 {
		v.Type = quant.Uint(bits)
	}
	return name, nil
}
