package checkpoint

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

// qtensor is the opcodes for a tensor of so many codes (one opcode) over the storage "0", with a quantizer's parameters.
func qtensor(elements, params string) string {
	storage := strings.Replace(storage0("K\x40"), "FloatStorage", "QInt8Storage", 1)
	return "ctorch._utils\n_rebuild_qtensor\n(" + storage + "K\x00(" + elements + "t(K\x01t(" + params + "t\x89NtR"
}

func float(x float64) string {
	return "G" + string(binary.BigEndian.AppendUint64(nil, math.Float64bits(x)))
}

// PyTorch computes with scales rounded to float32, so these are what a tensor has.
func TestTorchQuantScales(t *testing.T) {
	f := mustOpen(t, torchPickle(t, qtensor("K\x02", "ctorch\nper_tensor_affine\n"+float(0.1)+"K\x05")))
	want := quant.TensorParams(quant.Int(8), 0.1, 5)
	if q := f.Tensors()[0].Quant; q == nil || !q.Equal(want) {
		t.Errorf("%+v, want %+v", q, want)
	}
	x, err := f.Tensors()[0].Float32s(nil) // the codes are 0
	if wants := float32(-5) * float32(0.1); err != nil || x[0] != wants || x[1] != wants {
		t.Errorf("%v, %v; want %v", x, err, wants)
	}
}

func TestTorchQuantHostile(t *testing.T) {
	perChannel := func(axis string, scales, zeros string) string {
		return "ctorch\nper_channel_affine\n(" + scales + "l(" + zeros + "l" + axis
	}
	ones := float(1) + float(1)
	for name, c := range map[string]struct {
		params string
		words  []string
	}{
		"a scale of 0":           {"ctorch\nper_tensor_affine\n" + float(0) + "K\x00", []string{"scale 0: 0 is no usable scale", "damaged"}},
		"a scale of NaN":         {"ctorch\nper_tensor_affine\n" + float(math.NaN()) + "K\x00", []string{"scale 0", "damaged"}},
		"a scale beyond float32": {"ctorch\nper_tensor_affine\n" + float(1e300) + "K\x00", []string{"scale 0", "damaged"}},
		"a zero point of 8 bits": {"ctorch\nper_tensor_affine\n" + float(1) + "K\x80", []string{"zero point 0 is 128", "damaged"}},
		"a zero point of 2^62":   {"ctorch\nper_tensor_affine\n" + float(1) + exp62, []string{"zero point 0 is 4.6", "damaged"}},
		"a zero point of 2^36":   {perChannel("K\x00", ones, "K\x00"+exp36), []string{"zero point 1 is 6.8", "damaged"}},
		"a zero point of 1/2":    {perChannel("K\x00", ones, "K\x00"+float(0.5)), []string{"zero point 1 is 0.5", "damaged"}},
		"an axis there is not":   {perChannel("K\x01", ones, "K\x00K\x00"), []string{"not the ones PyTorch writes"}},
		"a negative axis":        {perChannel(minusOne, ones, "K\x00K\x00"), []string{"not the ones PyTorch writes"}},
		"too few scales":         {perChannel("K\x00", float(1), "K\x00K\x00"), []string{"its scales: 1 of them for 2 channels"}},
		"too many zero points":   {perChannel("K\x00", ones, "K\x00K\x00K\x00"), []string{"its zero points: 3 of them for 2 channels"}},
		"another scheme":         {"ctorch\nper_channel_affine_float_qparams\n", []string{"per_channel_affine_float_qparams", "dequantize()"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openBytes(torchPickle(t, qtensor("K\x02", c.params)))
			wantError(t, err, append(c.words, "tensor")...)
		})
	}
	f := mustOpen(t, torchPickle(t, qtensor("K\x02", perChannel("K\x00", ones, "K\x00K\x07"))))
	if q := f.Tensors()[0].Quant; q.Per != quant.PerChannel || q.ZeroPoint[1] != 7 || !f.Tensors()[0].Shape.Equal(tensor.Shape{2}) {
		t.Errorf("%+v", q)
	}
}

// Lists that a pickle mentions over and over would make many scales of few bytes.
func TestTorchQuantSharedScales(t *testing.T) {
	const n = 250
	scales := strings.Repeat("h\x05", n) // the number 1 from the memo
	var object strings.Builder
	object.WriteString(float(1) + "q\x050(" + scales + "lq\x060(" + strings.Repeat("K\x00", n) + "lq\x070}(")
	for i := range 90 {
		object.WriteString("X\x02\x00\x00\x00" + string(rune('a'+i/10)) + string(rune('0'+i%10)))
		object.WriteString("ctorch._utils\n_rebuild_qtensor\n(h\x08K\x00(K\xfat(K\x00t(ctorch\nper_channel_affine\nh\x06h\x07K\x00t\x89NtR")
	}
	object.WriteString("u")
	storage := strings.Replace(storage0("K\x40"), "FloatStorage", "QInt8Storage", 1) + "q\x080"
	b := torchPickle(t, storage+object.String())
	if 90*n > len(b) {
		_, err := openBytes(b)
		wantError(t, err, "more channels than bytes")
		return
	}
	t.Fatalf("%d bytes: too many for a test of %d scales", len(b), 90*n)
}
