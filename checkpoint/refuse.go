package checkpoint

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"linquant/internal/foreign"
)

// ErrONNX is the error about a file that looks like an ONNX model, which package onnx opens.
var ErrONNX = errors.New("this looks like an ONNX model, a whole network; here a file of tensors is needed: " + whatOpens)

// ErrFormat is wrapped by the error for a file that is nothing known, neither a checkpoint nor what is mistaken for one.
var ErrFormat = errors.New("not a checkpoint of a known format")

var errZeros = errors.New("the file begins with zeros, as an unfinished download does; download it again")

const whatOpens = "a checkpoint is a file of torch.save, a .safetensors, a .npy or a .npz"

// mistaken lists what people take for a checkpoint: how it begins, what it is, and the way out.
var mistaken = []struct {
	offset int
	magic  string
	what   string
}{
	{0, "ggjt", "a GGML file, whose tensors are quantized already: start from the float model it was made of"},
	{0, "version https://git-lfs", "a git-lfs pointer that stands for the file: run `git lfs pull` where it was cloned"},
	{0, "\xfd7zXZ\x00", "compressed with xz: unpack it first (xz -d)"},
	{0, "\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first (zstd -d)"},
	{0, "BZh", "compressed with bzip2: unpack it first (bzip2 -d)"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first and open the checkpoint in it"},
	{0, "Rar!\x1a\x07", "a RAR archive: unpack it first and open the checkpoint in it"},
}

// refuse names a file that is no checkpoint by its first bytes.
func refuse(head []byte) error {
	for _, f := range mistaken {
		if len(head) >= f.offset && bytes.HasPrefix(head[f.offset:], []byte(f.magic)) {
			return fmt.Errorf("this is %s", f.what)
		}
	}
	if kind, ok := foreign.Begins(head); ok {
		return &foreign.Error{Kind: kind}
	}
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")))
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return refuseGzip(head)
	case looksLikeONNX(head):
		return ErrONNX
	case strings.HasPrefix(text, "<!doctype"), strings.HasPrefix(text, "<html"):
		return errors.New("this is an HTML page: a download page, or a site's refusal, was saved instead of the file; " +
			"download the file itself")
	case strings.HasPrefix(text, "<?xml"), strings.HasPrefix(text, "<error"):
		return errors.New("this is XML text, perhaps a server's error message that was saved instead of the file; " +
			"download it again")
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"`):
		return errors.New("this is JSON text; if it is the index of a model in several parts, open the .safetensors " +
			"files that it lists")
	case bytes.Trim(head, "\x00") == nil:
		return errZeros
	}
	return fmt.Errorf("%w: it begins with %q; %s", ErrFormat, head[:min(len(head), 16)], whatOpens)
}

// refuseGzip looks for a tar inside, since that decides how to unpack it.
func refuseGzip(head []byte) error {
	if z, err := gzip.NewReader(bytes.NewReader(head)); err == nil {
		inner := make([]byte, tarBlock)
		// The head holds a part of the stream only, which may or may not yield a whole block.
		if n, _ := io.ReadFull(z, inner); looksLikeTar(inner[:n]) {
			return errors.New("this is a tar archive compressed with gzip: unpack it first (tar -xzf) and open the " +
				"checkpoint in it")
		}
	}
	return errors.New("this is compressed with gzip: unpack it first (gzip -d)")
}

// looksLikeONNX reports whether head starts as a serialized ModelProto does: field 1, the IR version, a small number;
// then the tag of another of its fields.
func looksLikeONNX(head []byte) bool {
	if len(head) < 3 || head[0] != 1<<3 || head[1] == 0 || head[1] >= 0x20 {
		return false
	}
	switch head[2] {
	case 2<<3 | 2, 3<<3 | 2, 4<<3 | 2, 5 << 3, 6<<3 | 2, 7<<3 | 2, 8<<3 | 2, 14<<3 | 2:
		return true
	}
	return false
}

// refuseArchive names an archive that holds no checkpoint's members.
func refuseArchive(kind string, names []string) error {
	for _, name := range names {
		switch {
		case name == "[Content_Types].xml":
			return errors.New("this is an Office document, not a checkpoint")
		case name == "model.weights.h5":
			return &foreign.Error{Kind: foreign.Keras}
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("the %s archive has no files in it", kind)
	}
	const most = 5
	shown := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		shown = append(shown, quote(name))
	}
	list := strings.Join(shown, ", ")
	if len(names) > most {
		list += ", …"
	}
	return fmt.Errorf("this is a %s archive of something else than a checkpoint; it holds %s; if one of these is a "+
		"checkpoint, unpack the archive and open that", kind, list)
}

// quote is %q for a string of a file, which may be of any length.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
