package conformance

import (
	"errors"
	"fmt"
	"math"
	"os"

	"google.golang.org/protobuf/encoding/protowire"

	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// ErrWrong is the error of a test whose outputs are not right.
var ErrWrong = errors.New("wrong result")

var dtypes = map[onnxpb.DataType]tensor.DType{
	onnxpb.Float: tensor.Float32, onnxpb.Double: tensor.Float64, onnxpb.Float16: tensor.Float16,
	onnxpb.BFloat16: tensor.BFloat16, onnxpb.Int64: tensor.Int64, onnxpb.Int32: tensor.Int32, onnxpb.Int16: tensor.Int16,
	onnxpb.Int8: tensor.Int8, onnxpb.Uint64: tensor.Uint64, onnxpb.Uint32: tensor.Uint32, onnxpb.Uint16: tensor.Uint16,
	onnxpb.Uint8: tensor.Uint8, onnxpb.Bool: tensor.Bool,
}

// readTensor reads a file with a TensorProto: as the only initializer, which has a name, of a model that is made around
// it. typ is the type that the network has for it: old files have bfloat16 as uint16.
func readTensor(path string, typ onnxpb.DataType) (t tensor.Tensor, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	wrap := func(number protowire.Number, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inner)
	}
	m, err := onnxpb.Read(wrap(7, wrap(5, append(data, wrap(8, []byte("x"))...))))
	if err != nil {
		return t, fmt.Errorf("type: it is no tensor, but a sequence or an optional (%w)", err)
	}
	pb := m.Graph.Initializers[0]
	if typ == onnxpb.BFloat16 && pb.Type == onnxpb.Uint16 {
		pb.Type = typ
	}
	dtype, ok := dtypes[pb.Type]
	if !ok {
		return t, fmt.Errorf("type: elements of type %d, such as strings, are no numbers", pb.Type)
	}
	shape := make(tensor.Shape, len(pb.Dims))
	for i, d := range pb.Dims {
		shape[i] = int(d)
	}
	raw := pb.Raw
	if raw == nil {
		raw = pb.Packed
	}
	if raw == nil {
		raw = onnxpb.AppendNumbers(nil, pb.Varints, dtype.Size())
	}
	return tensor.New(dtype, shape, raw)
}

// Limits of the difference between floats: absolute + relative × |right|. ONNX's own runner allows 1e-7 and 1e-3.
const (
	absolute = 1e-6
	relative = 1e-4
)

// relativeOf widens the limit for types with fewer bits: right outputs were rounded to them, ours are float32.
func relativeOf(d tensor.DType) float64 {
	switch d {
	case tensor.Float16:
		return 1e-3
	case tensor.BFloat16:
		return 8e-3
	}
	return relative
}

// compare returns an error where a tensor is not the right one: of the right shape, floats near, others equal.
func compare(got, want tensor.Tensor) error {
	if !got.Shape.Equal(want.Shape) {
		return fmt.Errorf("shape %v instead of %v", got.Shape, want.Shape)
	}
	if !want.DType.IsFloat() {
		if got.DType != want.DType {
			return fmt.Errorf("elements of %v instead of %v", got.DType, want.DType)
		}
		for i := range got.Data {
			if got.Data[i] != want.Data[i] {
				at := i / want.DType.Size()
				return fmt.Errorf("element %d of %v differs", at, want.DType)
			}
		}
		return nil
	}
	x, err := got.Float32s()
	if err != nil {
		return err
	}
	y, err := want.Float32s()
	if err != nil {
		return err
	}
	return near(x, y, relativeOf(want.DType))
}

func near(got, want []float32, relative float64) error {
	for i, w := range want {
		g := got[i]
		if g == w || g != g && w != w {
			continue
		}
		if d := math.Abs(float64(g) - float64(w)); !(d <= absolute+relative*math.Abs(float64(w))) {
			return fmt.Errorf("element %d is %v instead of %v", i, g, w)
		}
	}
	return nil
}
