package arith

import (
	"math"
	"unsafe"
)

// Signs returns the sum of the negative and of the positive among codes less their zero point. It branches on none of
// them, since their signs are random and whole networks are looked at.
func Signs[T int8 | uint8](codes []T, zero int32) (negative, positive int64) {
	total := int64(0)
	for _, q := range codes {
		v := int64(int32(q) - zero)
		total += v
		negative += v & (v >> 63) // v where it is negative
	}
	return negative, total - negative
}

// Reach returns the least and the largest that Σ(qx − zx)·w + bias can be for any codes qx of an input, and whether an
// int32 holds both. The weights w are given by their Signs, and qx − zx is between lo and hi, with lo ≤ 0 ≤ hi: each
// product is taken at whichever end makes it smallest or largest, so that the interval is exact.
func Reach(negative, positive, lo, hi, bias int64) (least, most int64, fits bool) {
	least, most = positive*lo+negative*hi+bias, positive*hi+negative*lo+bias
	return least, most, least >= math.MinInt32 && most <= math.MaxInt32
}

// Signed returns the memory of bytes as signed codes.
func Signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
