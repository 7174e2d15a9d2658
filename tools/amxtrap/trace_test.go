//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// caseVariable names the part that this test binary plays when it runs again, traced.
const caseVariable = "AMXTRAP_CASE"

func TestMain(m *testing.M) {
	if part := os.Getenv(caseVariable); part != "" {
		os.Exit(parts[part]())
	}
	os.Exit(m.Run())
}

// work is what the machine code below works on.
type work struct {
	config  [64]byte
	a, b    [16][64]byte
	c, zero [16][16]int32
	_       [0x2000 - 64 - 4*1024]byte
	config2 [64]byte
}

// multiply is a function of a pointer to work, which Go passes in AX. It multiplies, stores the configuration and
// a tile of zeros.
const multiply = "\xc4\xe2\x78\x49\x00" + // ldtilecfg (%rax)
	"\xc4\xe2\x79\x49\x80\x00\x20\x00\x00" + // sttilecfg 0x2000(%rax)
	"\xb9\x40\x00\x00\x00" + // mov $0x40,%ecx
	"\xc4\xe2\x7b\x4b\x6c\x08\x40" + // tileloadd 0x40(%rax,%rcx,1),%tmm5
	"\xc4\xe2\x79\x4b\xb4\x08\x40\x04\x00\x00" + // tileloaddt1 0x440(%rax,%rcx,1),%tmm6
	"\xc4\xe2\x7b\x4b\x94\x08\x40\x08\x00\x00" + // tileloadd 0x840(%rax,%rcx,1),%tmm2
	"\xc4\xe2\x49\x5e\xd5" + // tdpbusd %tmm6,%tmm5,%tmm2
	"\xc4\xe2\x7a\x4b\x94\x08\x40\x08\x00\x00" + // tilestored %tmm2,0x840(%rax,%rcx,1)
	"\xc4\xe2\x7b\x49\xd0" + // tilezero %tmm2
	"\xc4\xe2\x7a\x4b\x94\x08\x40\x0c\x00\x00" + // tilestored %tmm2,0xc40(%rax,%rcx,1)
	"\xc4\xe2\x78\x49\xc0" + // tilerelease
	"\xc3" // ret

// loadCode copies machine code to where it can run, and returns the function that it is.
func loadCode(code string) (func(*work), error) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	copy(page, code)
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return nil, err
	}
	// A function value points at a pointer to the code.
	entry := &page
	return *(*func(*work))(unsafe.Pointer(&entry)), nil
}

// parts are what is traced; each returns its exit status.
var parts = map[string]func() int{
	"multiply": func() int {
		f, err := loadCode(multiply)
		if err != nil {
			return 3
		}
		// On several threads at once, between which the tiles must not mix, and with signals coming in.
		var all sync.WaitGroup
		var wrong sync.Map
		for g := range 4 {
			all.Go(func() {
				for i := range 100 {
					if !multiplies(f, g*1000+i) {
						wrong.Store(g, true)
					}
					if i%10 == 0 {
						runtime.GC()
					}
				}
			})
		}
		all.Wait()
		wrong.Range(func(any, any) bool { os.Exit(4); return false })
		return 0
	},
	"status": func() int { return 5 },
	"not configured": func() int {
		f, err := loadCode("\xc4\xe2\x7b\x49\xc8\xc3") // tilezero %tmm1; ret
		if err == nil {
			f(nil)
		}
		return 3
	},
	"no memory": func() int {
		f, err := loadCode("\xc4\xe2\x78\x49\x00\xc3") // ldtilecfg (%rax); ret
		if err == nil {
			f(nil)
		}
		return 3
	},
	"signal": func() int {
		c := make(chan os.Signal, 1)
		signal.Notify(c, unix.SIGILL)
		if unix.Kill(os.Getpid(), unix.SIGILL) != nil || <-c != unix.SIGILL {
			return 3
		}
		return 6
	},
	"killed": func() int {
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	},
}

// multiplies calls the machine code, and compares what it did with a plain loop.
func multiplies(f func(*work), seed int) bool {
	w := new(work)
	tiles := make([][2]int, 8)
	tiles[2], tiles[5], tiles[6] = [2]int{15, 56}, [2]int{15, 60}, [2]int{15, 56}
	w.config = shapes(tiles...)
	for r := range 16 {
		for i := range 64 {
			seed = seed*1103515245 + 12345
			w.a[r][i], w.b[r][i] = byte(seed>>16), byte(seed>>24)
		}
		for n := range 16 {
			w.c[r][n], w.zero[r][n] = int32(100*r+n), -1
		}
	}
	f(w)
	for m := range 16 {
		for n := range 16 {
			sum, zero := int32(100*m+n), int32(-1)
			if m < 15 && n < 14 {
				zero = 0
				for k := range 60 {
					sum += int32(w.a[m][k]) * int32(int8(w.b[k/4][4*n+k%4]))
				}
			}
			if w.c[m][n] != sum || w.zero[m][n] != zero {
				return false
			}
		}
	}
	return w.config2 == w.config && binary.LittleEndian.Uint16(w.config2[26:]) == 60
}

func TestRun(t *testing.T) {
	for _, tc := range []struct {
		part, problem string
		status        int
		refused       bool // it needs a processor that refuses tile instructions
	}{
		{"multiply", "", 0, true},
		{"status", "", 5, false},
		{"signal", "", 6, false},
		{"not configured", "tile instruction c4 e2 7b 49 c8 at 0x", 1, true},
		{"no memory", "64 bytes from 0x0 on cannot be read: bad address", 1, true},
		{"killed", "ended by a signal: killed", 128 + 9, false},
	} {
		t.Run(tc.part, func(t *testing.T) {
			if tc.refused && cpu.X86.HasAMXTile {
				t.Skip("this processor has AMX, and configures its tiles without being stopped")
			}
			status, c, err := run([]string{os.Args[0]}, append(os.Environ(), caseVariable+"="+tc.part))
			if errors.Is(err, unix.EPERM) {
				t.Skip("this machine lets no process trace another: ", err)
			}
			if status != tc.status || tc.problem == "" && err != nil ||
				tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)) {
				t.Errorf("status %d, error %v, want status %d and %q", status, err, tc.status, tc.problem)
			}
			want := counts{}
			if tc.part == "multiply" {
				want.ops = [...]int{
					loadConfig: 400, storeConfig: 400, load: 1200, store: 800, zero: 400, release: 400, dot: 400,
				}
				want.rows, want.macs = 400*15, 400*15*60*14
			}
			if err == nil && *c != want {
				t.Errorf("counted %v, want %v", c, &want)
			}
		})
	}
	if _, _, err := run([]string{"./there is no such program"}, nil); err == nil {
		t.Error("no program, no error")
	}
}
