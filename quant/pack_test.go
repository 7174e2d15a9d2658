package quant_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
)

func TestPackKnownBytes(t *testing.T) {
	// 3-bit codes 1, -1, 2, -4: 001, 111, 010, 100, from the lowest bit up.
	dst := make([]byte, quant.PackedLen(4, 3))
	if err := quant.Pack(dst, []int8{1, -1, 2, -4}, 3); err != nil {
		t.Fatal(err)
	}
	equal(t, "packed", dst, []byte{0b10_111_001, 0b0000_100_0})
}

func TestPackRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(2, 8).Draw(t, "bits")
		lo, hi := quant.Int(bits).Range()
		codes := rapid.SliceOf(rapid.Int8Range(int8(lo), int8(hi))).Draw(t, "codes")
		packed := make([]byte, quant.PackedLen(len(codes), bits))
		if err := quant.Pack(packed, codes, bits); err != nil {
			t.Fatal(err)
		}
		back := make([]int8, len(codes))
		if err := quant.Unpack(back, packed, bits); err != nil {
			t.Fatal(err)
		}
		for i := range codes {
			if codes[i] != back[i] {
				t.Fatalf("code %d: packed %d, unpacked %d", i, codes[i], back[i])
			}
		}
	})
}

func TestPackRefuses(t *testing.T) {
	if err := quant.Pack(make([]byte, 1), []int8{4}, 3); err == nil {
		t.Error("4 was packed into 3 signed bits")
	}
	if err := quant.Pack(make([]byte, 2), []int8{1}, 3); err == nil {
		t.Error("a destination of the wrong length was accepted")
	}
	if err := quant.Unpack(make([]int8, 1), make([]byte, 1), 9); err == nil {
		t.Error("9 bits were accepted")
	}
}
