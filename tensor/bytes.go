package tensor

import (
	"encoding/binary"
	"unsafe"
)

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf returns data's elements as little-endian bytes: data's own memory where the machine stores them so.
func bytesOf[T Element](data []T) []byte {
	if len(data) == 0 {
		return []byte{}
	}
	size := int(unsafe.Sizeof(data[0]))
	view := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*size)
	if littleEndian || size == 1 {
		return view
	}
	out := append([]byte(nil), view...)
	reverseElements(out, size)
	return out
}

// copyElements fills dst from little-endian bytes; src may start at any address. A bool is true for any non-zero byte,
// because a Go bool with another bit pattern than 0 or 1 is undefined.
func copyElements[T Element](dst []T, src []byte) {
	if flags, ok := any(dst).([]bool); ok {
		for i, b := range src {
			flags[i] = b != 0
		}
		return
	}
	size := int(unsafe.Sizeof(dst[0]))
	view := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)*size)
	copy(view, src)
	if !littleEndian {
		reverseElements(view, size)
	}
}

// reverseElements reverses the bytes of each element of size bytes.
func reverseElements(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// Bytes returns the memory of data as a view of bytes, to read a tensor's little-endian elements straight into a typed
// slice. On a big-endian machine there is no such view: ok is false, and the way is through As or ReadFloat32s.
func Bytes[T Element](data []T) (b []byte, ok bool) {
	if !littleEndian {
		return nil, false
	}
	return bytesOf(data), true
}
