package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	packed = []file{{name: "linquant", data: []byte("\x7fELF"), executable: true}, {name: "LICENSE", data: []byte("MIT\n")}}
	// An odd second, which a zip's own clock cannot say.
	at = time.Date(2026, 11, 29, 23, 18, 43, 0, time.UTC)
)

// TestArchivesAreReproducible: the order in which files are found and the hour of the day change nothing.
func TestArchivesAreReproducible(t *testing.T) {
	for name, write := range map[string]func(io.Writer, string, []file, time.Time) error{"tar": writeTar, "zip": writeZip} {
		t.Run(name, func(t *testing.T) {
			var first, second bytes.Buffer
			if err := write(&first, "linquant-v1", packed, at); err != nil {
				t.Fatal(err)
			}
			other := slices.Clone(packed)
			slices.Reverse(other)
			if err := write(&second, "linquant-v1", other, at.In(time.FixedZone("elsewhere", 3600)).UTC()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Error("two archives of the same files differ")
			}
		})
	}
}

// TestArchivesOpen reads both kinds back.
func TestArchivesOpen(t *testing.T) {
	want := "linquant-v1/LICENSE -rw-r--r-- MIT\n" + "linquant-v1/linquant -rwxr-xr-x \x7fELF"
	var out bytes.Buffer
	if err := writeTar(&out, "linquant-v1", packed, at); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(at) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: of %v, %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		got = append(got, h.Name+" "+h.FileInfo().Mode().String()+" "+string(data))
	}
	if strings.Join(got, "") != want {
		t.Errorf("tar: %q, want %q", got, want)
	}

	out.Reset()
	if err := writeZip(&out, "linquant-v1", packed, at); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, f := range r.File {
		data, err := r.Open(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(data)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Modified.Equal(at) {
			t.Errorf("%s: of %v", f.Name, f.Modified)
		}
		got = append(got, f.Name+" "+f.Mode().String()+" "+string(text))
	}
	if strings.Join(got, "") != want {
		t.Errorf("zip: %q, want %q", got, want)
	}
}

// TestStatic: a loader or a table of libraries in the header is seen.
func TestStatic(t *testing.T) {
	for _, test := range []struct {
		kind elf.ProgType
		want string // "" for a static binary
	}{
		{elf.PT_LOAD, ""},
		{elf.PT_INTERP, "loader /lib/ld.so"},
		{elf.PT_DYNAMIC, "libraries"},
	} {
		err := static(bytes.NewReader(program(t, test.kind, "/lib/ld.so\x00")))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %q", test.kind, err, test.want)
		}
	}
}

// program returns an ELF file of one segment.
func program(t *testing.T, kind elf.ProgType, content string) []byte {
	t.Helper()
	const header, segment = 64, 56
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: header, Ehsize: header, Phentsize: segment, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	p := elf.Prog64{Type: uint32(kind), Off: header + segment, Filesz: uint64(len(content)), Memsz: uint64(len(content))}
	var out bytes.Buffer
	for _, part := range []any{h, p, []byte(content)} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestMakeWay: what an earlier run left goes, and a folder with anything else in it is left as it is.
func TestMakeWay(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{sumsName, "linquant-v0-linux-amd64.tar.gz"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := makeWay(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := makeWay(dir); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with a file of the user's: %v", err)
	}
}
