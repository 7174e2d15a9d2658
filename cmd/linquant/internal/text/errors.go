package text

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// Message is an error as the command prints it: one line, flags where the library names fields, what the system says of a
// file with the file first and with what to do, and nothing said twice.
func Message(err error) string {
	message := OneLine(err)
	var file *fs.PathError
	if errors.As(err, &file) {
		message = strings.Replace(message, OneLine(file), OneLine(errors.New(ofFile(file))), 1)
	}
	return once(strings.TrimPrefix(InFlags(message), "linquant "))
}

// ofFile says in words what is wrong with a file, and not which call of the system failed.
func ofFile(e *fs.PathError) string {
	path, why := Printable(e.Path), e.Err.Error()
	switch {
	case e.Path == "":
		path = "the name of a file is empty"
		why = "is a variable of the shell not set?"
	case errors.Is(e.Err, fs.ErrNotExist):
		why = "no such file or folder: look at its name, and at the folder that the command runs in"
	case errors.Is(e.Err, fs.ErrPermission):
		why = "permission denied: this user may not read it, or not write there"
	case errors.Is(e.Err, syscall.EISDIR):
		why = "it is a folder, where a file belongs: name a file"
	case errors.Is(e.Err, syscall.ENOTDIR):
		why = "no such file: a part of its path is a file and no folder"
	}
	return path + ": " + why
}

// once leaves out what an error names and its cause names again: "net on idx test: idx test: …", "a.npy: a.npy: …".
func once(message string) string {
	parts := strings.Split(message, ": ")
	kept := parts[:1]
	for _, part := range parts[1:] {
		if last := kept[len(kept)-1]; part == "" || last != part && !strings.HasSuffix(last, " "+part) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ": ")
}
