package read

import (
	"bytes"

	"linquant/internal/foreign"
	"linquant/onnx/internal/fault"
)

// others are the beginnings of files that people give for ONNX ones, by what they are and what to do.
var others = []struct {
	at     int
	prefix string
	what   string
}{
	{0, "PK\x03\x04", "a zip archive, such as torch.save writes" + instead},
	{0, "\x80\x02", "a pickle, such as old versions of PyTorch wrote" + instead},
	{0, "\x93NUMPY", "a NumPy array, not a network"},
	{0, "\x1f\x8b", "compressed with gzip: unpack it first"},
	{0, "version https://git-lfs", "a pointer of Git LFS and not the file itself: fetch it with git lfs pull"},
	{0, "<", "a web page or XML: download the model again, as a file"},
	{0, "{", "JSON: give the ONNX file"},
}

const instead = ": give it as a checkpoint, or export it with torch.onnx.export"

// Refuse explains why a file that does not decode is none of ONNX.
func Refuse(data []byte, err error) error {
	if len(data) == 0 {
		return fault.Errorf("the file is empty")
	}
	if kind, ok := foreign.Message(data); ok {
		return fault.Wrap(&foreign.Error{Kind: kind})
	}
	for _, o := range others {
		if len(data) > o.at && bytes.HasPrefix(data[o.at:], []byte(o.prefix)) {
			return fault.Errorf("this is no ONNX file but %s", o.what)
		}
	}
	if len(data) > 10 && data[8] == '{' && data[9] == '"' {
		return fault.Errorf("this is no ONNX file but a safetensors one: give it as a checkpoint")
	}
	if err == nil {
		return fault.Errorf("the file has no network: it is no ONNX file, or an empty one")
	}
	return fault.Errorf("the file does not decode as ONNX (%w): it is damaged, truncated or of another kind; export "+
		"or copy it again", err)
}
