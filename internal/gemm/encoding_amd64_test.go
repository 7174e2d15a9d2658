//go:build !purego

package gemm

import (
	"bytes"
	"testing"
	"unsafe"
)

// The encodings of avxvnni_amd64.h in the machine code, and what GNU as 2.40 makes of the same instructions.
func TestEncodings(t *testing.T) {
	code := unsafe.Slice(avxvnniCode(), 320)
	for _, tc := range []struct{ instruction, want string }{
		{"{vex} vpdpbusd %ymm12,%ymm14,%ymm0", "\xc4\xc2\x0d\x50\xc4"},
		{"{vex} vpdpbusd %ymm13,%ymm14,%ymm1", "\xc4\xc2\x0d\x50\xcd"},
		{"{vex} vpdpbusd %ymm12,%ymm15,%ymm2", "\xc4\xc2\x05\x50\xd4"},
		{"{vex} vpdpbusd %ymm13,%ymm15,%ymm3", "\xc4\xc2\x05\x50\xdd"},
		{"{vex} vpdpbusd %ymm12,%ymm14,%ymm8", "\xc4\x42\x0d\x50\xc4"},
		{"{vex} vpdpbusd %ymm13,%ymm15,%ymm11", "\xc4\x42\x05\x50\xdd"},
	} {
		at := bytes.Index(code, []byte(tc.want))
		if at < 0 {
			t.Fatalf("no % x, which is %s, in the rest of the kernel", tc.want, tc.instruction)
		}
		code = code[at+len(tc.want):]
	}
}
