package hostilenet

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"linquant/internal/onnxpb"
)

// encoding is what the messages themselves get wrong.
func encoding() []recipe {
	in := []int64{1, 8}
	plain := func(m *model, x string) string { return m.node("Relu", "y", nil, x) }
	changed := func(name string, last func(data []byte) []byte) recipe {
		r := layered(name, in, plain)
		r.last = last
		return r
	}
	tensor := func(name string, t onnxpb.Tensor) recipe {
		return layered(name, in, func(m *model, x string) string {
			t.Name = "w"
			m.Graph.Initializers = append(m.Graph.Initializers, t)
			return m.node("Add", "y", nil, x, "w")
		})
	}
	return []recipe{
		changed("a length beyond the file", func(d []byte) []byte {
			return protowire.AppendVarint(protowire.AppendTag(d, 7, protowire.BytesType), 1<<62)
		}),
		changed("a truncated file", func(d []byte) []byte { return d[:len(d)-3] }),
		changed("half a megabyte of empty nodes", func(d []byte) []byte {
			return append(d, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), bytesOf(1<<18, 0x0a, 0))...)
		}),
		changed("half a megabyte of empty initializers", func(d []byte) []byte {
			return append(d, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), bytesOf(1<<18, 0x2a, 0))...)
		}),
		changed("half a megabyte of empty outputs", func(d []byte) []byte {
			return append(d, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), bytesOf(1<<18, 0x62, 0))...)
		}),
		changed("half a megabyte of sparse initializers", func(d []byte) []byte {
			return append(d, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), bytesOf(1<<18, 0x7a, 0))...)
		}),
		changed("half a megabyte of opsets", func(d []byte) []byte { return append(d, bytesOf(1<<18, 0x42, 0)...) }),
		changed("half a megabyte of zeros", func([]byte) []byte { return make([]byte, 1<<19) }),
		changed("groups in groups", func(d []byte) []byte { return append(d, bytesOf(1<<19, 0x0b)...) }),
		tensor("a tensor of 2^62 elements", onnxpb.Tensor{Type: onnxpb.Float, Dims: []int64{1 << 31, 1 << 31}}),
		tensor("a tensor with negative dimensions", onnxpb.Tensor{Type: onnxpb.Float, Dims: []int64{-1, -1 << 63}}),
		tensor("a tensor of 100,000 dimensions", onnxpb.Tensor{Type: onnxpb.Float, Dims: repeat(1, 100000), Raw: make([]byte, 4)}),
		tensor("a tensor of text", onnxpb.Tensor{Type: onnxpb.String, Dims: []int64{1 << 40}}),
		tensor("a tensor of 2-bit codes", onnxpb.Tensor{Type: onnxpb.Int2, Dims: []int64{4 << 20}, Raw: make([]byte, 1<<20)}),
		tensor("a tensor of 4-bit codes", onnxpb.Tensor{Type: onnxpb.Uint4, Dims: []int64{2 << 20}, Raw: make([]byte, 1<<20)}),
		tensor("a tensor of half floats", onnxpb.Tensor{Type: onnxpb.Float16, Dims: []int64{1 << 19, 1}, Raw: make([]byte, 1<<20)}),
		tensor("numbers of one byte", onnxpb.Tensor{Type: onnxpb.Int64, Dims: []int64{1 << 20}, Varints: make([]byte, 1<<20)}),
		tensor("external data of 2^62 bytes", onnxpb.Tensor{
			Type: onnxpb.Float, Dims: []int64{1 << 30}, Outside: true,
			External: []onnxpb.Entry{{Key: "location", Value: "net.onnx"}, {Key: "offset", Value: "0"}, {Key: "length", Value: "4611686018427387904"}},
		}),
		tensor("external data far up", onnxpb.Tensor{
			Type: onnxpb.Float, Dims: []int64{1}, Outside: true,
			External: []onnxpb.Entry{{Key: "location", Value: strings.Repeat("../", 10000) + "etc/passwd"}},
		}),
		tensor("external data with an offset that wraps", onnxpb.Tensor{
			Type: onnxpb.Float, Dims: []int64{1}, Outside: true,
			External: []onnxpb.Entry{{Key: "location", Value: "net.onnx"}, {Key: "offset", Value: "9223372036854775807"}, {Key: "length", Value: "4"}},
		}),
	}
}

func bytesOf(n int, pattern ...byte) []byte { return slices.Repeat(pattern, n) }
