package quant

import "fmt"

// PackedLen returns the bytes that n codes of the given width take when packed: ceil(n·bits/8).
func PackedLen(n, bits int) int { return n/8*bits + (n%8*bits+7)/8 }

// Pack fills dst with the codes of src, each in bits bits of two's complement, the first code in the lowest bits of the
// first byte; unused bits of the last byte are 0. dst has PackedLen(len(src), bits) bytes. A code that does not fit is
// an error.
func Pack(dst []byte, src []int8, bits int) error {
	if err := checkPacked(dst, src, bits); err != nil {
		return err
	}
	lo, hi := Int(bits).Range()
	clear(dst)
	for i, code := range src {
		if int32(code) < lo || int32(code) > hi {
			return fmt.Errorf("code %d at index %d does not fit %d bits", code, i, bits)
		}
		bit := i % 8 * bits
		at := i/8*bits + bit/8
		v := uint16(uint8(code)&(1<<bits-1)) << (bit % 8)
		dst[at] |= byte(v)
		if v > 0xff {
			dst[at+1] |= byte(v >> 8)
		}
	}
	return nil
}

// Unpack is the inverse of Pack: it fills dst with the codes, sign-extended, that src holds.
func Unpack(dst []int8, src []byte, bits int) error {
	if err := checkPacked(src, dst, bits); err != nil {
		return err
	}
	for i := range dst {
		bit := i % 8 * bits
		at := i/8*bits + bit/8
		v := uint16(src[at])
		if bit%8+bits > 8 {
			v |= uint16(src[at+1]) << 8
		}
		dst[i] = int8(v>>(bit%8)<<(8-bits)) >> (8 - bits)
	}
	return nil
}

func checkPacked(packed []byte, codes []int8, bits int) error {
	if bits < 2 || bits > 8 {
		return fmt.Errorf("%d-bit codes cannot be packed: use 2 to 8 bits", bits)
	}
	if want := PackedLen(len(codes), bits); len(packed) != want {
		return fmt.Errorf("%d codes of %d bits pack into %d bytes, not %d", len(codes), bits, want, len(packed))
	}
	return nil
}
