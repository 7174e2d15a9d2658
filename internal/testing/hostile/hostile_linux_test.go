//go:build !386 && !arm

package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/internal/testing/hostile"
	"linquant/vision"
)

// The variable that makes the test's program the reader of one file.
const reading = "LINQUANT_HOSTILE"

func TestMain(m *testing.M) {
	if what := os.Getenv(reading); what != "" {
		reader, path, _ := strings.Cut(what, "=")
		err := read(hostile.Reader(reader), path)
		fmt.Println(hostile.Peak()>>10, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// read does what a command does with a file: all of it, one part at a time.
func read(reader hostile.Reader, path string) error {
	ctx := context.Background()
	switch reader {
	case hostile.Picture:
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = dataset.ReadImage(ctx, f, dataset.ImageConfig{})
		return err
	case hostile.Dataset:
		s, err := dataset.Open(ctx, path, dataset.Test)
		if err != nil {
			return err
		}
		defer s.Close()
		for _, err := range dataset.Each(ctx, s, 64) {
			if err != nil {
				return err
			}
		}
		return nil
	case hostile.Labels:
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = vision.ReadLabels(f)
		return err
	}
	f, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var buf []float32
	for _, t := range f.Tensors() {
		if buf, err = t.Float32s(buf); err != nil {
			return err
		}
	}
	return nil
}

// TestBounds reads every file in a process of its own.
func TestBounds(t *testing.T) {
	hostile.RequirePlain(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := hostile.All()
	if len(all) < 100 {
		t.Errorf("%d files", len(all))
	}
	for i, file := range all {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(file.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := file.Make()
			path := dir
			for name, b := range files {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
					t.Fatal(err)
				}
				if len(files) == 1 && (file.Reader != hostile.Dataset || file.Spec == "npz") {
					path = filepath.Join(dir, name)
				}
			}
			if file.Reader == hostile.Dataset {
				path = file.Spec + ":" + path
			}
			size := hostile.Size(files)
			clear(files)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, program)
			c.Env = append(os.Environ(), reading+"="+string(file.Reader)+"="+path)
			slower := hostile.Slowness()
			out, err := c.CombinedOutput()
			slower = max(slower, hostile.Slowness())
			var failed *exec.ExitError
			if err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			usage := c.ProcessState.SysUsage().(*syscall.Rusage)
			took := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
			var kb int
			_, _ = fmt.Sscan(string(out), &kb)
			t.Logf("%d bytes: %.2f s, %d MB; %.300s", size, took.Seconds(), kb>>10, out)
			memory := 64<<20 + 8*size
			if file.Reader == hostile.Picture {
				memory = 512 << 20
			}
			if kb == 0 || kb<<10 > memory {
				t.Errorf("%d bytes take %d MB, more than %d", size, kb>>10, memory>>20)
			}
			if most := 2*time.Second + time.Duration(size)*time.Second/1e6; took.Seconds() > slower*most.Seconds() {
				t.Errorf("%d bytes take %v, more than %v, on a machine %.1f times as slow", size, took, most, slower)
			}
		})
	}
}
