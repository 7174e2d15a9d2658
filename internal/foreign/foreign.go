// Package foreign recognises files that hold a network in a form that is not read here, by their content, and knows the command that
// makes ONNX of each.
package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is a form of networks.
type Kind struct {
	Name   string // with its article
	Advice string // with a command that makes ONNX of FILE, or of what is in its FOLDER
}

// The kinds that are told apart.
var (
	TFLite = Kind{"a TensorFlow Lite model", "make ONNX of it with python -m tf2onnx.convert --tflite FILE --output model.onnx"}
	ORT    = Kind{
		"a model in ONNX Runtime's own format (.ort)",
		"take the ONNX file that it was made from, or make ONNX of it with " +
			`python -c "import onnxruntime as o; s = o.SessionOptions(); s.optimized_model_filepath = 'model.onnx'; ` +
			`s.graph_optimization_level = o.GraphOptimizationLevel.ORT_DISABLE_ALL; o.InferenceSession('FILE', s)"`,
	}
	HDF5  = Kind{"an HDF5 file, such as Keras wrote (.h5)", keras}
	Keras = Kind{"a Keras model (.keras)", keras}

	TorchScript = Kind{
		"a TorchScript archive, a program with its weights",
		"save the weights alone with torch.save(torch.jit.load('FILE').state_dict(), 'weights.pt'), or make ONNX of it, with the shape of its " +
			"input in place of 1, 3, 224, 224: " +
			`python -c "import torch; torch.onnx.export(torch.jit.load('FILE', map_location='cpu').eval(), torch.zeros(1, 3, 224, 224), ` +
			`'model.onnx', dynamo=False)"`,
	}
	SavedModel = Kind{
		"a TensorFlow SavedModel (saved_model.pb)", "make ONNX of it with python -m tf2onnx.convert --saved-model FOLDER --output model.onnx",
	}
	GraphDef = Kind{
		"a frozen graph of TensorFlow (.pb)",
		"make ONNX of it, with the names of its inputs and outputs: python -m tf2onnx.convert --graphdef FILE --inputs INPUT:0 --outputs OUTPUT:0 " +
			"--output model.onnx",
	}
	GGUF = Kind{
		"a GGUF file, whose tensors are quantized already",
		"start from the float model that it was made of, for one of Hugging Face with optimum-cli export onnx --model ORGANISATION/NAME folder",
	}
	CoreML   = Kind{"a Core ML model, of which nothing makes ONNX", trained}
	OpenVINO = Kind{"a network of OpenVINO (.xml, with its weights in a .bin), of which nothing makes ONNX", trained}
)

// Export is the command that makes ONNX of a network of PyTorch, for its programmer to fill in.
const Export = `torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), 'model.onnx')`

const (
	keras = `make ONNX of it with python -c "import keras; keras.models.load_model('FILE').export('model.onnx', format='onnx')", or save its ` +
		"weights with numpy.savez"
	trained = "export the network where it was trained, in PyTorch with " + Export
)

// Error is the error for such a file.
type Error struct {
	Kind
	File string // its path; "" where that is not known
}

// Error is one line with the command.
func (e *Error) Error() string {
	advice := e.Advice
	if e.File != "" {
		python := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(e.File)
		advice = strings.ReplaceAll(advice, "'FILE'", "'"+python+"'")
		advice = strings.ReplaceAll(strings.ReplaceAll(advice, "FILE", quoted(e.File)), "FOLDER", quoted(filepath.Dir(e.File)))
	}
	return fmt.Sprintf("this is %s: %s", e.Name, advice)
}

// Named says of an error about a foreign file what its path is.
func Named(err error, path string) {
	var e *Error
	if errors.As(err, &e) {
		e.File = path
	}
}

// quoted is a word of a command line as a shell takes it.
func quoted(s string) string {
	if !strings.ContainsAny(s, " \t\n\"'\\$&;|<>()*?[]#~`!{}") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Begins recognises a file by its first bytes, 64 or more where it has so many.
func Begins(head []byte) (Kind, bool) {
	at := func(i int, magic string) bool { return len(head) >= i && bytes.HasPrefix(head[i:], []byte(magic)) }
	switch {
	case at(4, "TFL3"):
		return TFLite, true
	case at(4, "ORTM"):
		return ORT, true
	case at(0, "\x89HDF\r\n\x1a\n"):
		return HDF5, true
	case at(0, "GGUF"):
		return GGUF, true
	case isOpenVINO(head):
		return OpenVINO, true
	case isGraphDef(head):
		return GraphDef, true
	}
	return Kind{}, false
}

// Folder recognises a folder; file is a file in it that stands for it.
func Folder(path string) (kind Kind, file string, ok bool) {
	for _, known := range []struct {
		file string
		kind Kind
	}{{"saved_model.pb", SavedModel}, {"Manifest.json", CoreML}} {
		file := filepath.Join(path, known.file)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return known.kind, file, true
		}
	}
	return Kind{}, "", false
}

// Message recognises a file that begins as an ONNX model does, and is another message of protocol buffers.
func Message(data []byte) (Kind, bool) {
	num, typ, n := protowire.ConsumeTag(data)
	if n < 0 || num != 1 || typ != protowire.VarintType {
		return Begins(data)
	}
	_, m := protowire.ConsumeVarint(data[n:])
	if m < 0 {
		return Kind{}, false
	}
	rest := data[n+m:]
	num, typ, n = protowire.ConsumeTag(rest)
	if n < 0 || num != 2 || typ != protowire.BytesType {
		return Kind{}, false
	}
	second, m := protowire.ConsumeBytes(rest[n:])
	if m < 0 || !isMessage(second) {
		return Kind{}, false // text: the producer of an ONNX model
	}
	for rest = rest[n+m:]; len(rest) > 0; rest = rest[n:] {
		num, _, n = protowire.ConsumeField(rest)
		if n < 0 {
			break
		}
		if num >= 200 { // the kinds of Core ML's models; SavedModel has two fields
			return CoreML, true
		}
	}
	return SavedModel, true
}

// isMessage reports whether bytes are fields of a message, and no text.
func isMessage(b []byte) bool {
	if len(b) == 0 || utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' }) {
		return false
	}
	for len(b) > 0 {
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// isGraphDef reports whether a file begins with a node of TensorFlow: its name, and its operator.
func isGraphDef(head []byte) bool {
	num, typ, n := protowire.ConsumeTag(head)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return false
	}
	_, m := protowire.ConsumeVarint(head[n:]) // the length of the node, which may be beyond the head
	if m < 0 {
		return false
	}
	node := head[n+m:]
	for _, want := range []protowire.Number{1, 2} {
		num, typ, n = protowire.ConsumeTag(node)
		if n < 0 || num != want || typ != protowire.BytesType {
			return false
		}
		text, m := protowire.ConsumeBytes(node[n:])
		if m < 0 || len(text) == 0 || bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return false
		}
		node = node[n+m:]
	}
	return true
}

// isOpenVINO reports whether a file is XML whose root is net.
func isOpenVINO(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(text, []byte("<?xml")) {
		if i := bytes.Index(text, []byte("?>")); i >= 0 {
			text = bytes.TrimLeft(text[i+2:], " \t\r\n")
		}
	}
	return bytes.HasPrefix(text, []byte("<net ")) || bytes.HasPrefix(text, []byte("<net>"))
}
