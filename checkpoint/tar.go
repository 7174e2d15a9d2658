package checkpoint

import (
	"strconv"
	"strings"
)

const tarBlock = 512

// looksLikeTar reports whether head is the header of a tar member: one with the mark of POSIX tar, or, since the oldest
// tars have none, one whose checksum is right.
func looksLikeTar(head []byte) bool {
	if len(head) < tarBlock {
		return false
	}
	if string(head[257:262]) == "ustar" {
		return true
	}
	field := head[148:156]
	want, err := strconv.ParseUint(strings.Trim(string(field), " \x00"), 8, 32)
	if err != nil || head[0] == 0 {
		return false
	}
	sum := uint64(len(field)) * ' ' // the field counts as spaces in its own checksum
	for i, b := range head {
		if i < 148 || i >= 156 {
			sum += uint64(b)
		}
	}
	return sum == want
}
