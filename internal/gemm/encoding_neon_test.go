package gemm

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// encoding is one macro of neon_arm64.h: the word that it makes, and GNU as's spelling of the instruction.
type encoding struct{ name, args, word, gnu string }

// of returns both for the registers m, n and d and the element x.
func (e *encoding) of(t *testing.T, m, n, d, x int) (word uint32, gnu string) {
	t.Helper()
	values := map[string]string{"m": strconv.Itoa(m), "n": strconv.Itoa(n), "d": strconv.Itoa(d), "x": strconv.Itoa(x)}
	expression := regexp.MustCompile(`\b[mndx]\b`).ReplaceAllStringFunc(e.word, func(v string) string {
		if !strings.Contains(e.args, v) {
			t.Fatalf("%s: %s is no argument", e.name, v)
		}
		return values[v]
	})
	// Go's assembler computes with the operators and precedence of Go.
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	value, exact := constant.Uint64Val(v.Value)
	if !exact || value>>32 != 0 {
		t.Fatalf("%s: %v is no word", e.name, v.Value)
	}
	spelling := regexp.MustCompile(`\bv[MND]\b|\[X\]`).ReplaceAllStringFunc(e.gnu, func(v string) string {
		if v == "[X]" {
			return "[" + values["x"] + "]"
		}
		return "v" + values[strings.ToLower(v[1:])]
	})
	return uint32(value), spelling
}

func neonEncodings(t *testing.T) map[string]*encoding {
	t.Helper()
	header, err := os.ReadFile("neon_arm64.h")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^// (.+)\n#define (\w+)\(([^)]*)\) WORD \$\((.*)\)$`)
	found := map[string]*encoding{}
	for _, m := range line.FindAllStringSubmatch(string(header), -1) {
		found[m[2]] = &encoding{name: m[2], args: m[3], word: m[4], gnu: m[1]}
	}
	if defined := strings.Count(string(header), "#define"); defined != len(found) || defined == 0 {
		t.Fatalf("understood %d of %d encodings", len(found), defined)
	}
	return found
}

// A few of the words that GNU as 2.40 makes, for machines without it.
func TestNEONEncodings(t *testing.T) {
	encodings := neonEncodings(t)
	for _, tc := range []struct {
		name       string
		m, n, d, x int
		gnu        string
		want       uint32
	}{
		{"SMULL", 20, 24, 26, 0, "smull v26.8h, v24.8b, v20.8b", 0x0e34c31a},
		{"SMLAL2", 23, 25, 29, 0, "smlal2 v29.8h, v25.16b, v23.16b", 0x4e37833d},
		{"SADALP", 0, 26, 15, 0, "sadalp v15.4s, v26.8h", 0x4e606b4f},
		{"SDOT", 29, 31, 23, 0, "sdot v23.4s, v31.16b, v29.4b[0]", 0x4f9de3f7},
		{"SDOT", 24, 30, 0, 3, "sdot v0.4s, v30.16b, v24.4b[3]", 0x4fb8ebc0},
		{"USMMLA", 31, 26, 23, 0, "usmmla v23.4s, v26.16b, v31.16b", 0x4e9faf57},
		{"FMLA", 28, 31, 19, 1, "fmla v19.4s, v31.4s, v28.s[1]", 0x4fbc13f3},
		{"FMLA", 24, 30, 4, 2, "fmla v4.4s, v30.4s, v24.s[2]", 0x4f981bc4},
		{"FCVTNS", 0, 3, 3, 0, "fcvtns v3.4s, v3.4s", 0x4e21a863},
		{"SRSHLD", 28, 4, 4, 0, "srshl v4.2d, v4.2d, v28.2d", 0x4efc5484},
	} {
		e := encodings[tc.name]
		if e == nil {
			t.Errorf("no %s", tc.name)
			continue
		}
		if word, gnu := e.of(t, tc.m, tc.n, tc.d, tc.x); word != tc.want || gnu != tc.gnu {
			t.Errorf("%s is %#08x for %s, want %#08x for %s", tc.name, word, gnu, tc.want, tc.gnu)
		}
	}
}

// Every encoding, with all registers, against GNU as for arm64 (Debian: binutils-aarch64-linux-gnu).
func TestNEONEncodingsAssembled(t *testing.T) {
	as, err := exec.LookPath("aarch64-linux-gnu-as")
	if err != nil {
		if os.Getenv("LINQUANT_REQUIRE_AS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	source := bytes.NewBufferString(".arch armv8.6-a\n")
	var want []uint32
	var spelled []string
	for _, e := range neonEncodings(t) {
		for r := range 32 {
			word, gnu := e.of(t, r, (r*7+5)%32, (r*11+13)%32, r%4)
			want, spelled = append(want, word), append(spelled, gnu)
			fmt.Fprintln(source, gnu)
		}
	}
	object := filepath.Join(t.TempDir(), "object")
	cmd := exec.Command(as, "-o", object, "-")
	cmd.Stdin = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Section(".text").Data()
	if err != nil || len(text) != 4*len(want) {
		t.Fatalf("%d bytes of code for %d instructions, %v", len(text), len(want), err)
	}
	for i, word := range want {
		if got := binary.LittleEndian.Uint32(text[4*i:]); got != word {
			t.Errorf("%s is %#08x, the header has %#08x", spelled[i], got, word)
		}
	}
}
