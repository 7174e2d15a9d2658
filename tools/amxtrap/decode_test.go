//go:build linux && amd64

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Instructions as GNU as 2.40 spells and encodes them, and what is to be understood. Registers are numbered as
// instructions number them: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, …
var decoded = []struct {
	gnu, code string
	want      instruction
}{
	{"ldtilecfg (%rax)", "\xc4\xe2\x78\x49\x00", instruction{op: loadConfig, base: 0, index: none}},
	{
		"ldtilecfg -0x40(%r13,%r14,4)", "\xc4\x82\x78\x49\x44\xb5\xc0",
		instruction{op: loadConfig, base: 13, index: 14, shift: 2, disp: -64},
	},
	{
		"ldtilecfg 0x1000(%rip)", "\xc4\xe2\x78\x49\x05\x00\x10\x00\x00",
		instruction{op: loadConfig, base: next, index: none, disp: 4096},
	},
	{
		"ldtilecfg 0x1000", "\xc4\xe2\x78\x49\x04\x25\x00\x10\x00\x00",
		instruction{op: loadConfig, base: none, index: none, disp: 4096},
	},
	{"sttilecfg (%rsp)", "\xc4\xe2\x79\x49\x04\x24", instruction{op: storeConfig, base: 4, index: none}},
	{
		"sttilecfg 0x40(%r12)", "\xc4\xc2\x79\x49\x44\x24\x40",
		instruction{op: storeConfig, base: 12, index: none, disp: 64},
	},
	{"tileloadd (%rbx,%rcx,1), %tmm0", "\xc4\xe2\x7b\x4b\x04\x0b", instruction{op: load, base: 3, index: 1}},
	{"tileloadd (%rbp), %tmm1", "\xc4\xe2\x7b\x4b\x4c\x25\x00", instruction{op: load, dst: 1, base: 5, index: none}},
	{
		"tileloadd 0x80(%r13,%r8,8), %tmm2", "\xc4\x82\x7b\x4b\x94\xc5\x80\x00\x00\x00",
		instruction{op: load, dst: 2, base: 13, index: 8, shift: 3, disp: 128},
	},
	{
		"tileloadd -0x8(,%r12,2), %tmm3", "\xc4\xa2\x7b\x4b\x1c\x65\xf8\xff\xff\xff",
		instruction{op: load, dst: 3, base: none, index: 12, shift: 1, disp: -8},
	},
	{
		"tileloaddt1 0x7f(%r12,%rbp,4), %tmm7", "\xc4\xc2\x79\x4b\x7c\xac\x7f",
		instruction{op: load, dst: 7, base: 12, index: 5, shift: 2, disp: 127},
	},
	{
		"tilestored %tmm4, -0x80(%rsp,%r15,1)", "\xc4\xa2\x7a\x4b\x64\x3c\x80",
		instruction{op: store, dst: 4, base: 4, index: 15, disp: -128},
	},
	{"tilezero %tmm6", "\xc4\xe2\x7b\x49\xf0", instruction{op: zero, dst: 6, base: none, index: none}},
	{"tilerelease", "\xc4\xe2\x78\x49\xc0", instruction{op: release, base: none, index: none}},
	{
		"tdpbssd %tmm7, %tmm1, %tmm0", "\xc4\xe2\x43\x5e\xc1",
		instruction{op: dot, dst: 0, a: 1, b: 7, aSigned: true, bSigned: true, base: none, index: none},
	},
	{
		"tdpbsud %tmm2, %tmm4, %tmm6", "\xc4\xe2\x6a\x5e\xf4",
		instruction{op: dot, dst: 6, a: 4, b: 2, aSigned: true, base: none, index: none},
	},
	{
		"tdpbusd %tmm1, %tmm2, %tmm3", "\xc4\xe2\x71\x5e\xda",
		instruction{op: dot, dst: 3, a: 2, b: 1, bSigned: true, base: none, index: none},
	},
	{
		"tdpbuud %tmm5, %tmm6, %tmm7", "\xc4\xe2\x50\x5e\xfe",
		instruction{op: dot, dst: 7, a: 6, b: 5, base: none, index: none},
	},
}

func TestDecode(t *testing.T) {
	for _, tc := range decoded {
		tc.want.length = uint64(len(tc.code))
		got, ok := decode([]byte(tc.code + "\x90\x90\x90"))
		if !ok || got != tc.want {
			t.Errorf("%s: %+v, %v, want %+v", tc.gnu, got, ok, tc.want)
		}
		for n := range len(tc.code) {
			if _, ok := decode([]byte(tc.code[:n])); ok {
				t.Errorf("%s: understood without its last %d bytes", tc.gnu, len(tc.code)-n)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for what, code := range map[string]string{
		"vpdpbusd":                       "\xc4\xc2\x0d\x50\xc4",
		"tile 8 as the destination":      "\xc4\x62\x71\x5e\xda",
		"tile 8 as an operand":           "\xc4\xc2\x71\x5e\xda",
		"tile 14 as the other":           "\xc4\xe2\x09\x5e\xda",
		"a product of 256 bits":          "\xc4\xe2\x75\x5e\xda",
		"a product with W":               "\xc4\xe2\xf1\x5e\xda",
		"bf16, tdpbf16ps":                "\xc4\xe2\x72\x5c\xda",
		"another map":                    "\xc4\xe1\x7b\x4b\x04\x0b\x00",
		"a load without SIB":             "\xc4\xe2\x7b\x4b\x03\x00",
		"a load from a register":         "\xc4\xe2\x7b\x4b\xc4\x00",
		"a load without prefix":          "\xc4\xe2\x78\x4b\x04\x0b",
		"a load with a third register":   "\xc4\xe2\x73\x4b\x04\x0b",
		"a configuration of register 1":  "\xc4\xe2\x78\x49\x08",
		"a zero of something else":       "\xc4\xe2\x7b\x49\xf1",
		"a release of something else":    "\xc4\xe2\x78\x49\xc8",
		"nothing at all, and the end":    "",
		"what is not VEX of three bytes": "\xc5\xf8\x77\x00\x00",
	} {
		if in, ok := decode([]byte(code)); ok {
			t.Errorf("%s is %+v", what, in)
		}
	}
}

// The encodings above are GNU as's.
func TestDecodeAssembled(t *testing.T) {
	if _, err := exec.LookPath("as"); err != nil {
		if os.Getenv("LINQUANT_REQUIRE_AS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	var want, source strings.Builder
	for _, tc := range decoded {
		want.WriteString(tc.code)
		source.WriteString(tc.gnu + "\n")
	}
	object, text := filepath.Join(t.TempDir(), "object"), filepath.Join(t.TempDir(), "text")
	for _, args := range [][]string{{"as", "-o", object, "-"}, {"objcopy", "-O", "binary", "-j", ".text", object, text}} {
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
		t.Errorf("GNU as makes\n% x, the test has\n% x", got, want.String())
	}
}
