//go:build !purego

package gemm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// assembled is an instruction as GNU as spells it, and the machine code that it makes.
type assembled struct{ instruction, code string }

// The tile instructions of the kernels, in order.
var (
	amx2x32 = []assembled{
		{"{disp8} ldtilecfg 0x0(%rbx)", "\xc4\xe2\x78\x49\x43\x00"},
		{"tilezero %tmm0", "\xc4\xe2\x7b\x49\xc0"},
		{"tilezero %tmm1", "\xc4\xe2\x7b\x49\xc8"},
		{"tilezero %tmm2", "\xc4\xe2\x7b\x49\xd0"},
		{"tilezero %tmm3", "\xc4\xe2\x7b\x49\xd8"},
		{"{disp8} tileloadd 0x0(%rbx,%r13,1),%tmm6", "\xc4\xa2\x7b\x4b\x74\x2b\x00"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm4", "\xc4\xc2\x7b\x4b\x64\x11\x00"},
		{"tileloadd 0x40(%rbx,%r13,1),%tmm7", "\xc4\xa2\x7b\x4b\x7c\x2b\x40"},
		{"tdpbusd %tmm6,%tmm4,%tmm0", "\xc4\xe2\x49\x5e\xc4"},
		{"tdpbusd %tmm7,%tmm4,%tmm1", "\xc4\xe2\x41\x5e\xcc"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm5", "\xc4\xc2\x7b\x4b\x6c\x11\x00"},
		{"tdpbusd %tmm6,%tmm5,%tmm2", "\xc4\xe2\x49\x5e\xd5"},
		{"tdpbusd %tmm7,%tmm5,%tmm3", "\xc4\xe2\x41\x5e\xdd"},
		{"{disp8} tilestored %tmm0,0x0(%rdi,%rax,1)", "\xc4\xe2\x7a\x4b\x44\x07\x00"},
		{"tilestored %tmm1,0x40(%rdi,%rax,1)", "\xc4\xe2\x7a\x4b\x4c\x07\x40"},
		{"{disp8} tilestored %tmm2,0x0(%r9,%rax,1)", "\xc4\xc2\x7a\x4b\x54\x01\x00"},
		{"tilestored %tmm3,0x40(%r9,%rax,1)", "\xc4\xc2\x7a\x4b\x5c\x01\x40"},
		{"tilerelease", "\xc4\xe2\x78\x49\xc0"},
	}
	amxStage = []assembled{}
	amx4x16  = []assembled{
		{"{disp8} ldtilecfg 0x0(%rbx)", "\xc4\xe2\x78\x49\x43\x00"},
		{"tilezero %tmm0", "\xc4\xe2\x7b\x49\xc0"},
		{"tilezero %tmm1", "\xc4\xe2\x7b\x49\xc8"},
		{"tilezero %tmm2", "\xc4\xe2\x7b\x49\xd0"},
		{"tilezero %tmm3", "\xc4\xe2\x7b\x49\xd8"},
		{"{disp8} tileloadd 0x0(%rbx,%r13,1),%tmm7", "\xc4\xa2\x7b\x4b\x7c\x2b\x00"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm4", "\xc4\xc2\x7b\x4b\x64\x11\x00"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm5", "\xc4\xc2\x7b\x4b\x6c\x11\x00"},
		{"tdpbusd %tmm7,%tmm4,%tmm0", "\xc4\xe2\x41\x5e\xc4"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm6", "\xc4\xc2\x7b\x4b\x74\x11\x00"},
		{"tdpbusd %tmm7,%tmm5,%tmm1", "\xc4\xe2\x41\x5e\xcd"},
		{"{disp8} tileloadd 0x0(%r9,%rdx,1),%tmm4", "\xc4\xc2\x7b\x4b\x64\x11\x00"},
		{"tdpbusd %tmm7,%tmm6,%tmm2", "\xc4\xe2\x41\x5e\xd6"},
		{"tdpbusd %tmm7,%tmm4,%tmm3", "\xc4\xe2\x41\x5e\xdc"},
		{"{disp8} tilestored %tmm0,0x0(%rdi,%rax,1)", "\xc4\xe2\x7a\x4b\x44\x07\x00"},
		{"{disp8} tilestored %tmm1,0x0(%rbx,%rax,1)", "\xc4\xe2\x7a\x4b\x4c\x03\x00"},
		{"{disp8} tilestored %tmm2,0x0(%rbx,%rax,1)", "\xc4\xe2\x7a\x4b\x54\x03\x00"},
		{"{disp8} tilestored %tmm3,0x0(%rbx,%rax,1)", "\xc4\xe2\x7a\x4b\x5c\x03\x00"},
		{"tilerelease", "\xc4\xe2\x78\x49\xc0"},
	}
)

// The encodings of amx_amd64.h in the machine code of the kernels, and what GNU as 2.40 makes of the same instructions.
func TestAMXEncodings(t *testing.T) {
	for _, kernel := range []struct {
		code         *byte
		instructions []assembled
	}{
		{amxCode(), slices.Concat(amx2x32, amx4x16)}, // one after the other
		{amxStageCode(), amxStage},
	} {
		code := unsafe.Slice(kernel.code, 800)
		for _, tc := range kernel.instructions {
			at := bytes.Index(code, []byte(tc.code))
			if at < 0 {
				t.Fatalf("no % x, which is %s, in the rest of the kernel", tc.code, tc.instruction)
			}
			code = code[at+len(tc.code):]
		}
	}
}

// What stands above is what GNU as for amd64 makes.
func TestAMXEncodingsAssembled(t *testing.T) {
	as, err := exec.LookPath("as")
	if err != nil || runtime.GOOS != "linux" {
		if os.Getenv("LINQUANT_REQUIRE_AS") == "1" {
			t.Fatal("no GNU as: ", err)
		}
		t.Skip("no GNU as: ", err)
	}
	var source, want strings.Builder
	for _, tc := range slices.Concat(amx2x32, amx4x16, amxStage) {
		source.WriteString(tc.instruction + "\n")
		want.WriteString(tc.code)
	}
	object, text := filepath.Join(t.TempDir(), "object"), filepath.Join(t.TempDir(), "text")
	for _, args := range [][]string{{as, "-o", object, "-"}, {"objcopy", "-O", "binary", "-j", ".text", object, text}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdin = strings.NewReader(source.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	got, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("GNU as makes\n% x, the tests have\n% x", got, want.String())
	}
}
