package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/pipeline"
)

// DataEnding is added to the name of an ONNX file for that of its external data.
const DataEnding = ".data"

const (
	forceFlag  = "force"
	outputMark = "linquant_output" // the annotation of flags that name files to write
	readsKey   = "linquant_reads"  // that of a command which reads what its command line does not name
)

// MarkOutput says that a flag of c names files to write, and adds --force and --dry-run.
func MarkOutput(c *cobra.Command, name string) {
	if err := c.Flags().SetAnnotation(name, outputMark, nil); err != nil {
		panic("cli: " + err.Error()) // there is no such flag: a bug, which every test of the verb finds
	}
	if c.Flags().Lookup(forceFlag) == nil {
		c.Flags().Bool(forceFlag, false, "overwrite a file that linquant did not write")
		addDryRun(c)
	}
}

// writtenBy lists the flags of the command line that name the file at path, by whatever name, as something to write; twice a flag
// that does so twice.
func writtenBy(c *cobra.Command, path string) []string {
	var list []string
	c.Flags().Visit(func(f *pflag.Flag) {
		if _, output := f.Annotations[outputMark]; !output {
			return
		}
		values := []string{f.Value.String()}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			values = many.GetSlice()
		}
		for _, value := range values {
			_, file, named := strings.Cut(value, "=")
			if sameFile(value, path) || named && sameFile(file, path) {
				list = append(list, "--"+f.Name)
			}
		}
	})
	return list
}

// sameFile reports whether two names are of one file, which may not be there yet, links followed.
func sameFile(a, b string) bool {
	if a == b || a == "" || a == Stdio || b == Stdio {
		return a == b
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	return errA != nil && errB != nil && place(a) == place(b)
}

// place is where a file that is not there yet will be.
func place(path string) string {
	if to, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(folder, filepath.Base(path))
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// readToo returns the word of the command line that names the file at path, or one that is read with it, as something to
// read: a model, its external data, what is in a folder of images. "" if none does. A word is an argument or the value of
// a flag that is not marked as output, as NAME=FILE and KIND:PATH:SPLIT too.
func readToo(c *cobra.Command, path string, info fs.FileInfo) string {
	for _, word := range words(c) {
		for _, name := range names(word) {
			in, err := os.Stat(name)
			switch {
			case err != nil:
			case in.IsDir() && name != word && contains(name, path):
				return name
			case in.Mode().IsRegular():
				for _, file := range pipeline.Files(name) {
					if other, err := os.Stat(file); err == nil && os.SameFile(info, other) {
						return file
					}
				}
			}
		}
	}
	return ""
}

// Reads says that c reads a file which its command line does not name.
func Reads(c *cobra.Command, path string) {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[readsKey] = path
}

// words returns the arguments and the values of flags that may name something to read.
func words(c *cobra.Command) []string {
	list := append([]string(nil), c.Flags().Args()...)
	if path := c.Annotations[readsKey]; path != "" {
		list = append(list, path)
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if _, output := f.Annotations[outputMark]; output {
			return
		}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			list = append(list, many.GetSlice()...)
			return
		}
		list = append(list, f.Value.String())
	})
	return list
}

// names returns the file names that a word may hold.
func names(word string) []string {
	list := []string{word}
	for _, mark := range []string{"=", ":"} {
		if _, after, found := strings.Cut(word, mark); found {
			list = append(list, after)
			if i := strings.LastIndex(after, ":"); i > 0 {
				list = append(list, after[:i])
			}
		}
	}
	return list
}

// contains reports whether a file is in a folder, or below it, wherever links lead.
func contains(folder, path string) bool {
	folder, err1 := filepath.EvalSymlinks(folder)
	path, err2 := filepath.EvalSymlinks(path)
	if err1 != nil || err2 != nil {
		return false
	}
	folder, err1 = filepath.Abs(folder)
	path, err2 = filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// ours reports whether a file is empty, or says that linquant wrote it: ONNX by its producer, arrays and
// safetensors by what checkpoint.Wrote looks for, pictures, results of check and recipes of diagnose by what they say made them, ranges by being such.
func ours(path string, size int64) bool {
	if size == 0 {
		return true
	}
	if model, ok := strings.CutSuffix(path, ".onnx"+DataEnding); ok {
		path = model + ".onnx" // which says what made both
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".onnx":
		d, err := pipeline.Describe(path)
		return err == nil && d != nil && d.Producer == "linquant"
	case ".safetensors", ".npz", ".npy":
		return checkpoint.Wrote(path)
	case ".png", ".svg":
		return begins(path, "linquant")
	case ".yaml", ".yml":
		return begins(path, "# made by linquant diagnose")
	case ".xml":
		return begins(path, `"linquant check"`)
	case ".json":
		return begins(path, `"made_by": "linquant check"`) || areRanges(path)
	}
	return false
}

// begins reports whether the word is among the first bytes of a file.
func begins(path, word string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte(word))
}

// areRanges reports whether a file has the ranges of a calibration.
func areRanges(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	ranges, err := calib.Read(f)
	return err == nil && len(ranges) > 0
}
