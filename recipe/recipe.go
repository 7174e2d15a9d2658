// Package recipe reads and writes recipes: YAML files that say everything 'linquant quantize' can be told, and that every file it
// makes carries in its metadata.
//
// A recipe is a command line in a file. KEY: VALUE means --KEY VALUE, with what 'linquant quantize --help' says of it, and a flag that
// may be repeated has a list. Paths are taken as on the command line, from the folder in which the command runs.
//
//	recipe: 1
//	weight-bits: 4
//	keep-edges: true
//	override:
//	  - layer1.*=w8
//	  - '*.downsample.*=float'  # what begins with * or ! is put in quotes
//	calib: cifar10:data/cifar
//	mean: [0.485, 0.456, 0.406]
//
// A recipe that an output carries says all that matters to its bytes, defaults too, and under made what it was made of.
//
// The package imports neither the engine nor what quantizes.
package recipe

// Version is the version of the format that is written, and the newest that is read.
const Version = 1

// MetadataKey is the key of a recipe's text in the metadata of ONNX and safetensors files.
const MetadataKey = "linquant.recipe"

// Recipe says how a network, or the weights of a checkpoint, are quantized. A zero field says nothing: then it is as the model says, or
// as linquant does by default. The keys are the names of the flags of 'linquant quantize', and values mean what those mean. Reading
// checks that values have the form of their field; whether there is such a method or layer is said by who follows the recipe.
type Recipe struct {
	Model  string   `key:"model"` // the MODEL where the command line has none
	Arch   string   `key:"arch"`
	Root   string   `key:"root"`
	Size   string   `key:"size"`  // HEIGHTxWIDTH
	Shapes []string `key:"shape"` // NAME=NxCxHxW

	Constants []string `key:"constant"` // NAME=VALUE, a number or a file
	Inputs    []string `key:"input"`    // values between which a part is taken
	Outputs   []string `key:"output"`

	Method     string `key:"method"` // of all ranges
	WeightBits int    `key:"weight-bits"`
	Per        string `key:"per"`
	Weights    string `key:"weights"` // how codes of them are made

	// The weights of a checkpoint alone.
	GroupSize   int    `key:"group-size"`
	Scheme      string `key:"scheme"`
	Pack        bool   `key:"pack"`
	Layers      string `key:"layers"` // a pattern
	StripModule bool   `key:"strip-module"`

	// A whole network.
	Target       string   `key:"target"` // the runtime that it is for
	ActBits      int      `key:"act-bits"`
	ActSigned    bool     `key:"act-signed"`
	ActSymmetric bool     `key:"act-symmetric"`
	Dynamic      bool     `key:"dynamic"`
	KeepEdges    bool     `key:"keep-edges"`
	Overrides    []string `key:"override"` // PATTERN=w4a8 or PATTERN=float, of which the later wins
	Requant      string   `key:"requant"`

	// A budget under which bits are chosen; an output says the bits, as overrides, and not the budget.
	Budget  string   `key:"budget"` // size=300kB, packed=300kB or latency=2ms
	MaxDrop *float64 `key:"max-drop"`
	Data    string   `key:"data"` // labelled, for a drop

	// The ranges of activations.
	Calib       string  `key:"calib"`
	CalibSize   int     `key:"calib-size"`
	CalibMethod string  `key:"calib-method"`
	Percentile  float64 `key:"percentile"`
	Ranges      string  `key:"ranges"` // a file that --save-ranges wrote

	// How images become the network's input; nil fields and empty ones leave it as the model says.
	Preprocess string    `key:"preprocess"`
	Divide     *float32  `key:"divide"`
	Mean       []float32 `key:"mean"` // one, or one a channel
	Std        []float32 `key:"std"`
	BGR        *bool     `key:"bgr"`
	Resize     *int      `key:"resize"`
	Layout     string    `key:"layout"`
	Labels     string    `key:"labels"` // a file

	// The ONNX file.
	Format    string `key:"format"`
	Int4      bool   `key:"int4"`
	Opset     int    `key:"opset"`
	InputType string `key:"input-type"`

	Made Made // what an output was made of; zero in a recipe that is none of an output

	lines map[string][]int // where a key and the elements of its list stand
}

// Made says what a file was made of, and by what. Hashes are SHA-256 in hexadecimal.
type Made struct {
	Version string `key:"linquant"` // of linquant

	// Model is the hash of the model's file, and of the files of its external data behind it, in the order in which the model first names
	// them.
	Model string `key:"model-sha256"`

	// Calib is the hash of the hashes of the examples, in their order, as bytes. An example is hashed as it was decoded (pixels from 0
	// to 255, channels first, made to fit), in float32, little-endian: how its file packs it does not matter.
	Calib string `key:"calib-sha256"`

	Ranges string `key:"ranges-sha256"` // of the file of ranges

	// Constants is the hash of the hashes of the .npy files that Recipe.Constants names, in the order of the inputs' names, as bytes.
	Constants string `key:"constants-sha256"`
}

// Line returns the line of the text that a recipe was read from on which element i of the key's list stands, or the key if i < 0; 0 where
// it stands on none.
func (r *Recipe) Line(key string, i int) int {
	lines := r.lines[key]
	switch {
	case len(lines) == 0:
		return 0
	case i+1 < len(lines) && i >= 0:
		return lines[i+1]
	}
	return lines[0]
}
