//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A command that calibrates on what a program writes removes the files of that when its terminal is gone, and when nobody reads what it prints.
func TestSignalsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, tt := range []struct {
		calib  string
		signal bool
		status int
		says   string
	}{
		{"cmd:cat pixels.npy", false, 141, ""},
		{"cmd:sleep 60", true, 129, "linquant: interrupted\n"},
	} {
		if tt.signal && signal.Ignored(syscall.SIGHUP) { // and so it is by the command, as nohup asks
			continue
		}
		temporary := t.TempDir()
		left := func() []string {
			names, err := filepath.Glob(filepath.Join(temporary, "linquant-*"))
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		c := exec.CommandContext(t.Context(), os.Args[0], "quantize", "builtin", "-o", "q.onnx", "--calib-size", "1", "--calib", tt.calib)
		c.Args[0] = "linquant" // as TestMain knows it
		c.Env = append(os.Environ(), "TMPDIR="+temporary)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Stdout = w
		if !tt.signal {
			r.Close()
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if tt.signal {
			for range 1000 {
				if len(left()) > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err := c.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			defer r.Close()
		}
		start := time.Now()
		err = c.Wait()
		if got := c.ProcessState.ExitCode(); got != tt.status || stderr.String() != tt.says || len(left()) > 0 || time.Since(start) > 30*time.Second {
			t.Errorf("%s: %v, %q, left: %v", tt.calib, err, stderr.String(), left())
		}
	}
}
