package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMain is the process that TestKilled kills, where the environment says so.
func TestMain(m *testing.M) {
	path := os.Getenv("ATOMICFILE_TEST_WRITE")
	if path == "" {
		os.Exit(m.Run())
	}
	err := Write(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<18)); err != nil {
			return err
		}
		os.Stdout.WriteString("writing\n")
		_, err := io.Copy(io.Discard, os.Stdin) // until it is killed, or told to go on
		return err
	})
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// writer starts a process that is in the middle of writing path.
func writer(t *testing.T, path string) (*exec.Cmd, io.Closer) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "ATOMICFILE_TEST_WRITE="+path)
	stdin, err1 := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Skip("no processes here: ", err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "writing\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return c, stdin
}

// TestKilled writes what a killed process was writing: its temporary file goes, and that of one that still writes stays.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a temporary file is stale after a day here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	killed, _ := writer(t, path)
	alive, stdin := writer(t, path)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // an error, since it was killed
	if n := len(temporary(t, dir)); n != 2 {
		t.Fatalf("%d temporary files of two processes", n)
	}
	if err := Write(path, text("whole")); err != nil {
		t.Fatal(err)
	}
	if names := temporary(t, dir); len(names) != 1 {
		t.Errorf("left of one that was killed and one that writes: %q", names)
	}
	stdin.Close()
	if err := alive.Wait(); err != nil {
		t.Errorf("the process that wrote: %v", err)
	}
	wantAlone(t, dir, "out")
	if info, err := os.Stat(path); err != nil || info.Size() != 1<<18 {
		t.Errorf("what it wrote: %v, %v", info, err)
	}
}

// temporary lists the temporary files in a folder.
func temporary(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.Contains(e.Name(), ".linquant-") {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestOnlyOwnStaleFilesGo leaves alone what is not called like a temporary file for the same path.
func TestOnlyOwnStaleFilesGo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a temporary file is stale after a day here")
	}
	dir := t.TempDir()
	others := []string{
		".other.linquant-01234567", ".out.linquant-0123456", ".out.linquant-0123456x", ".out.linquant-012345678", ".out.linquant-",
		"out.linquant-01234567", ".out.01234567.tmp",
	}
	for _, name := range append(slices.Clone(others), ".out.linquant-01234567", ".out.linquant-fedcba98") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".out.linquant-89abcdef"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "out"), text("")); err != nil {
		t.Fatal(err)
	}
	want := append(others, ".out.linquant-89abcdef", "out")
	slices.Sort(want)
	wantAlone(t, dir, want...)
}

// TestAllStaleFilesGo has more of them than a folder is asked for at once.
func TestAllStaleFilesGo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a temporary file is stale after a day here")
	}
	dir := t.TempDir()
	for i := range 1100 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(".out.linquant-%08x", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "out"), text("")); err != nil {
		t.Fatal(err)
	}
	wantAlone(t, dir, "out")
}

// TestStill tells the file that is written from another one that has got its name.
func TestStill(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "temporary"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !still(f) {
		t.Error("a new file is not the one of its name")
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, "moved")); err != nil {
		t.Skip("open files stay here: ", err)
	}
	if still(f) {
		t.Error("a file without a name has it still")
	}
	if err := os.WriteFile(f.Name(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if still(f) {
		t.Error("another file of the name is taken for it")
	}
}

// TestOrder puts the content on disk before the name, and the name on disk after.
func TestOrder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	var order []string
	failing := ""
	step := func(name string) error {
		order = append(order, name)
		if name == failing {
			return errors.New(name + " fails")
		}
		return nil
	}
	d := disk{
		sync: func(f *os.File) error {
			if info, err := f.Stat(); err != nil || info.Size() != 5 {
				t.Errorf("synced with %v, %v in it", info, err)
			}
			return step("sync")
		},
		rename: func(from, to string) error { return errors.Join(step("rename"), os.Rename(from, to)) },
		syncDir: func(name string) error {
			if name != dir {
				t.Errorf("the folder %s is synced", name)
			}
			return step("folder")
		},
	}
	if err := d.write(path, text("whole")); err != nil || strings.Join(order, " ") != "sync rename folder" {
		t.Errorf("%v, %v", order, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, failing = range []string{"sync", "folder"} {
		if err := d.write(path, text("whole")); err == nil || err.Error() != failing+" fails" {
			t.Errorf("when %s fails: %v", failing, err)
		}
	}
	if n := len(temporary(t, dir)); n != 0 {
		t.Errorf("%d temporary files", n)
	}
	// What Write does is the same with the system's functions.
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if system.sync(f) == nil {
		t.Error("a closed file is synced")
	}
	if runtime.GOOS != "windows" && (system.syncDir(filepath.Join(dir, "none")) == nil || system.syncDir(dir) != nil) {
		t.Error("folders are not synced")
	}
}

// TestNewFileHasTheUsualMode compares with what os.Create gives.
func TestNewFileHasTheUsualMode(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "usual"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	usual, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out")
	if err := Write(path, text("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != usual.Mode() {
		t.Errorf("mode %v, %v; want %v", info.Mode(), err, usual.Mode())
	}
}

// TestDanglingLinks writes through links to files that are not there yet.
func TestDanglingLinks(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"relative": "sub/a", "absolute": filepath.Join(sub, "b"), "chain": "chained", "chained": "sub/c", "astray": "none/d", "loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	for _, name := range []string{"relative", "absolute", "chain"} {
		if err := Write(filepath.Join(dir, name), text(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"astray", "loop"} {
		err := Write(filepath.Join(dir, name), func(io.Writer) error { t.Errorf("%s: computed what cannot be kept", name); return nil })
		if err == nil || name == "astray" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantAlone(t, sub, "a", "b", "c")
	for name, want := range map[string]string{"a": "relative", "b": "absolute", "c": "chain"} {
		if b, err := os.ReadFile(filepath.Join(sub, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	wantAlone(t, dir, "absolute", "astray", "chain", "chained", "loop", "relative", "sub")
}
