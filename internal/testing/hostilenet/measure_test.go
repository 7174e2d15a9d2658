package hostilenet_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"linquant/engine"
	"linquant/internal/testing/hostile"
	"linquant/internal/testing/hostilenet"
	"linquant/onnx"
	"linquant/pipeline"
)

// readerVariable names the file that a process of this test reads instead of running tests.
const readerVariable = "LINQUANT_HOSTILE_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(readerVariable); path != "" {
		readAll(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// readAll does with a file what a program would, and prints what each way took: its name, the processor time in seconds,
// and the most memory so far in bytes.
func readAll(path string) {
	limitSelf()
	for _, way := range ways {
		before := hostile.Used()
		err := way.read(path)
		fmt.Printf("%s\t%.3f\t%d\t%v\n", way.name, (hostile.Used() - before).Seconds(), hostile.Peak(), strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
		runtime.GC()
	}
}

var ways = []struct {
	name string
	read func(path string) error
}{
	{"import", func(path string) error {
		f, err := onnx.Open(context.Background(), path)
		if err != nil {
			return err
		}
		return f.Close()
	}},
	{"inspect", func(path string) error {
		n, err := pipeline.Open(context.Background(), path, pipeline.OpenConfig{})
		if err != nil {
			return err
		}
		defer n.Close()
		_, err = n.Inspect(context.Background())
		return err
	}},
	{"load", func(path string) error {
		_, err := pipeline.LoadFile(context.Background(), path, engine.Config{})
		return err
	}},
}

// TestONNX reads every file in a process of its own.
func TestONNX(t *testing.T) {
	hostile.RequirePlain(t)
	if hostile.Peak() == 0 {
		t.Skip("this system does not say how much memory a process took")
	}
	files := hostilenet.ONNX()
	if len(files) < 100 {
		t.Errorf("%d files, want 100", len(files))
	}
	dir := t.TempDir()
	for i, f := range files {
		if testing.Short() && i%12 != 0 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			path := filepath.Join(dir, strconv.Itoa(i)+".onnx")
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			measure(t, path, f)
		})
	}
}

// measure tries five times: how late the garbage collector comes, and who else uses the processor's caches, differs from
// one run to the next, and what the file takes does not.
func measure(t *testing.T, path string, f hostilenet.File) {
	var excess []string
	for range 5 {
		if excess = measureOnce(t, path, f); excess == nil {
			return
		}
	}
	for _, e := range excess {
		t.Error(e)
	}
}

func measureOnce(t *testing.T, path string, f hostilenet.File) (excess []string) {
	size, most := len(f.Data), hostilenet.Memory(len(f.Data))+f.More
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), readerVariable+"="+path, "GOMAXPROCS=2")
	slower := hostile.Slowness()
	limit := time.AfterFunc(5*time.Minute, func() { cmd.Process.Kill() })
	out, err := cmd.CombinedOutput()
	limit.Stop()
	slower = max(slower, hostile.Slowness())
	if err != nil {
		t.Fatalf("%d bytes: %v\n%s", size, err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if len(field) != 4 {
			continue
		}
		seen++
		seconds, err1 := strconv.ParseFloat(field[1], 64)
		bytes, err2 := strconv.ParseInt(field[2], 10, 64)
		if err1 != nil || err2 != nil || bytes == 0 {
			t.Fatalf("the process says %q", line)
		}
		t.Logf("%s: %.2f s, %d MB (%.150s)", field[0], seconds, bytes>>20, field[3])
		if seconds > slower*hostilenet.Seconds(size) {
			excess = append(excess, fmt.Sprintf("%s took %.2f s of processor time for %d bytes, more than %.2f, on a machine %.1f times as slow",
				field[0], seconds, size, hostilenet.Seconds(size), slower))
		}
		if bytes > most {
			excess = append(excess, fmt.Sprintf("%s took %d MB for %d bytes, more than %d", field[0], bytes>>20, size, most>>20))
		}
	}
	if seen != len(ways) {
		t.Fatalf("the process reports %d of %d ways:\n%s", seen, len(ways), out)
	}
	return excess
}
