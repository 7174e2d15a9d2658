package elements

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Clamp brings a number of the file into 32 bits, which changes no meaning: a dimension has at most 2³¹−1, and what is
// beyond is "to the end" or an error anyway.
func Clamp(v int64) int { return int(min(max(v, math.MinInt32), math.MaxInt32)) }

func ClampAll(v []int64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = Clamp(x)
	}
	return out
}

// EncodeInts writes numbers as little-endian integers of the given bytes each.
func EncodeInts(v []int64, size int) []byte {
	data, word := make([]byte, 0, len(v)*size), [8]byte{}
	for _, x := range v {
		binary.LittleEndian.PutUint64(word[:], uint64(x))
		data = append(data, word[:size]...)
	}
	return data
}

// List formats numbers of a file for an error, not all where there are many.
func List(v []int64) string {
	const most = 16
	s := strings.ReplaceAll(fmt.Sprint(v[:min(len(v), most)]), " ", ", ")
	if len(v) > most {
		s = fmt.Sprintf("%s, … %d in all]", s[:len(s)-1], len(v))
	}
	return s
}

func Truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func Int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// FromFront counts dimensions from the front: counting from the end came with opset 11.
func FromFront(axes []int, rank int) []int {
	axes = slices.Clone(axes)
	for i, a := range axes {
		if a < 0 {
			axes[i] += rank
		}
	}
	return axes
}
