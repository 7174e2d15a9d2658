package onnx

import (
	"strings"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// The attention of ONNX Runtime's optimizer, of 2 heads, 5 queries and 6 elements.
func TestAttention(t *testing.T) {
	const microsoft = "com.microsoft"
	wide := func(op string, inputs, outputs []string, attrs ...onnxpb.Attr) onnxpb.Node {
		return nodeOf(op, microsoft, inputs, outputs, append(attrs, intAttr("num_heads", 2))...)
	}
	weights := []onnxpb.Tensor{constOf("w", waves(t, 2, 6, 18)), constOf("b", waves(t, 3, 18))}
	x := waves(t, 1, 3, 5, 6)
	with := func(pairs ...any) map[string]tensor.Tensor {
		in := map[string]tensor.Tensor{"x": x}
		for i := 0; i < len(pairs); i += 2 {
			in[pairs[i].(string)] = pairs[i+1].(tensor.Tensor)
		}
		return in
	}
	lengths := tensorOf(t, tensor.Shape{3}, []int32{5, 2, 4})
	keys := tensorOf(t, tensor.Shape{3, 5}, []int32{1, 1, 1, 0, 0, 0, 1, 2, 1, 1, 1, 0, 1, 0, 1})
	pairs := make([]int32, 3*5*5)
	for i := range pairs {
		pairs[i] = int32(i*7%3) & 1
		if i%5 == i/5%5 {
			pairs[i] = 1
		}
	}
	each := tensorOf(t, tensor.Shape{3, 5, 5}, pairs)
	y, yPresent := []string{"y"}, []string{"y", "present"}
	apart := with("k", waves(t, 4, 3, 7, 6), "v", waves(t, 5, 3, 7, 4))
	apart["x"] = x
	bias := []onnxpb.Tensor{constOf("b", waves(t, 3, 16))}
	tables := []onnxpb.Tensor{
		constOf("words", waves(t, 2, 9, 6)), constOf("places", waves(t, 3, 8, 6)), constOf("parts", waves(t, 4, 2, 6)),
		constOf("gamma", waves(t, 5, 6)), constOf("beta", waves(t, 6, 6)),
	}
	tokens := map[string]tensor.Tensor{
		"x": tensorOf(t, tensor.Shape{3, 5}, []int32{1, 2, 3, 8, 0, 4, 4, 5, 6, 7, 1, 1, 2, 0, 3}),
		"p": tensorOf(t, tensor.Shape{3, 5}, []int32{0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0}), "m": keys,
	}
	few := map[string]tensor.Tensor{"x": tokens["x"]}
	codes := append([]onnxpb.Tensor{
		constOf("wq", tensorOf(t, tensor.Shape{6, 18}, wideCodes(6*18))), floatsOf("ws", 0.01), constOf("wz", tensorOf(t, nil, []int8{0})),
	}, weights[1])
	codes[1].Dims = nil
	codes = codes[:len(codes):len(codes)]
	// One example: the range is that of the whole input in ONNX.
	one := map[string]tensor.Tensor{"x": waves(t, 1, 1, 5, 6), "m": tensorOf(t, tensor.Shape{1, 5}, []int32{1, 1, 0, 2, 0})}
	quantizer := nodeOf("DynamicQuantizeLinear", "", []string{"x"}, []string{"q", "qs", "qz"})
	for name, c := range map[string]struct {
		small
		outputs []string
	}{
		"plain":         {small{with(), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b"}, y)}}, y},
		"without bias":  {small{with(), weights[:1], []onnxpb.Node{wide("Attention", []string{"x", "w"}, y, floatAttr("scale", 0.3))}}, y},
		"lengths":       {small{with("m", lengths), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b", "m"}, y)}}, y},
		"mask of keys":  {small{with("m", keys), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b", "m"}, y)}}, y},
		"mask of pairs": {small{with("m", each), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b", "m"}, y)}}, y},
		"causal":        {small{with(), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b"}, y, intAttr("unidirectional", 1))}}, y},
		"sizes of its own": {small{
			with(),
			[]onnxpb.Tensor{constOf("w", waves(t, 2, 6, 16)), constOf("b", waves(t, 3, 16))},
			[]onnxpb.Node{wide("Attention", []string{"x", "w", "b"}, y, intsAttr("qkv_hidden_sizes", 4, 4, 8))},
		}, y},
		"added scores": {small{
			with("s", waves(t, 7, 1, 2, 5, 5)), weights, []onnxpb.Node{wide("Attention", []string{"x", "w", "b", "", "", "s"}, y)},
		}, y},
		"past": {small{
			with("p", waves(t, 7, 2, 3, 2, 4, 3)), weights,
			[]onnxpb.Node{wide("Attention", []string{"x", "w", "b", "", "p"}, yPresent, intAttr("unidirectional", 1))},
		}, yPresent},
		"apart":      {small{apart, bias, []onnxpb.Node{wide("MultiHeadAttention", []string{"x", "k", "v", "b"}, y)}}, y},
		"apart, few": {small{apart, nil, []onnxpb.Node{wide("MultiHeadAttention", []string{"x", "k", "v"}, y, floatAttr("scale", 0.25))}}, y},
		"apart, masked": {small{
			with("k", waves(t, 4, 3, 5, 6), "v", waves(t, 5, 3, 5, 6), "m", keys, "s", waves(t, 7, 1, 2, 5, 5)), weights[1:],
			[]onnxpb.Node{wide("MultiHeadAttention", []string{"x", "k", "v", "b", "m", "s"}, y, floatAttr("mask_filter_value", -1000))},
		}, y},
		"apart, a past": {small{
			with("k", waves(t, 4, 3, 5, 6), "v", waves(t, 5, 3, 5, 6), "pk", waves(t, 6, 3, 2, 4, 3), "pv", waves(t, 8, 3, 2, 4, 3)), nil,
			[]onnxpb.Node{wide("MultiHeadAttention", []string{"x", "k", "v", "", "", "", "pk", "pv"}, []string{"y", "keys", "values"})},
		}, []string{"y", "keys", "values"}},
		"apart, of an encoder": {small{
			with("k", waves(t, 4, 3, 2, 7, 3), "v", waves(t, 5, 3, 2, 7, 3)), nil,
			[]onnxpb.Node{wide("MultiHeadAttention", []string{"x", "k", "v"}, y)},
		}, y},
		"codes": {small{one, codes, []onnxpb.Node{
			quantizer, wide("QAttention", []string{"q", "wq", "b", "qs", "ws", "m", "qz", "wz"}, y),
		}}, y},
		"codes of a scale": {small{with("m", keys), append(codes, constOf("qs", tensorOf(t, nil, []float32{0.01})), constOf("qz", tensorOf(t, nil, []uint8{121}))), []onnxpb.Node{
			nodeOf("QuantizeLinear", "", []string{"x", "qs", "qz"}, []string{"q"}),
			wide("QAttention", []string{"q", "wq", "b", "qs", "ws", "m", "qz", "wz"}, y),
		}}, y},
		"embedding": {small{tokens, tables, []onnxpb.Node{
			nodeOf("EmbedLayerNormalization", microsoft, []string{"x", "p", "words", "places", "parts", "gamma", "beta", "m"},
				[]string{"y", "length", "sum"}, floatAttr("epsilon", 0.01)),
		}}, []string{"y", "length", "sum"}},
		"embedding of words": {small{few, tables, []onnxpb.Node{
			nodeOf("EmbedLayerNormalization", microsoft, []string{"x", "", "words", "places", "", "gamma", "beta"}, []string{"y", "length"}),
		}}, y},
	} {
		t.Run(name, func(t *testing.T) { c.compare(t, c.outputs...) })
	}
}

// wideCodes are codes of 7 bits, so that no processor saturates.
func wideCodes(n int) []int8 {
	codes := make([]int8, n)
	for i := range codes {
		codes[i] = int8(i*29%127 - 63)
	}
	return codes
}

func TestAttentionRefused(t *testing.T) {
	in := map[string]tensor.Tensor{"x": waves(t, 1, 3, 5, 6), "m": tensorOf(t, tensor.Shape{6}, []int32{1, 2, 3, 0, 0, 0})}
	weights := []onnxpb.Tensor{constOf("w", waves(t, 2, 6, 18))}
	for says, n := range map[string]onnxpb.Node{
		"4 heads do not fit":                      nodeOf("Attention", "com.microsoft", []string{"x", "w"}, []string{"y"}, intAttr("num_heads", 4)),
		"18 columns are no queries":               nodeOf("Attention", "com.microsoft", []string{"x", "w"}, []string{"y"}, intAttr("num_heads", 2), intsAttr("qkv_hidden_sizes", 6, 6)),
		`its mask "m" is [6] for 5 keys`:          nodeOf("Attention", "com.microsoft", []string{"x", "w", "", "m"}, []string{"y"}, intAttr("num_heads", 2)),
		"turns positions (do_rotary)":             nodeOf("Attention", "com.microsoft", []string{"x", "w"}, []string{"y"}, intAttr("num_heads", 2), intAttr("do_rotary", 1)),
		"queries, keys and values are one input":  nodeOf("MultiHeadAttention", "com.microsoft", []string{"x"}, []string{"y"}, intAttr("num_heads", 2)),
		"and values [3 2 5 3], [3 1 5 6] and [3 ": nodeOf("MultiHeadAttention", "com.microsoft", []string{"x", "k", "k"}, []string{"y"}, intAttr("num_heads", 2)),
	} {
		t.Run(says, func(t *testing.T) {
			c := small{in, weights, []onnxpb.Node{nodeOf("Unsqueeze", "", []string{"x", "one"}, []string{"k"}), n}}
			c.consts = append(c.consts[:1:1], intsOf("one", 1))
			_, err := Import(t.Context(), c.file(t, "y"), "small.onnx")
			if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, says)
			}
		})
	}
}
