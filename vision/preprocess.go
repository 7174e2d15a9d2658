// Package vision is what is particular to networks of images: how pixels become an input, which shapes are images, and
// what the numbers of a classifier say.
//
// A graph knows nothing of it. What a network wants done to its pixels, and the names of its classes, travel as an entry
// of the graph's metadata, through every pass and every file: Of reads it and Preprocess.Store writes it. Networks of
// other kinds can have packages like this one beside it, with entries of their own.
package vision

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"linquant/graph"

	"linquant/tensor"
)

// Preprocess says how the pixels of an image, 0 to 255, become a network's input, and what its outputs are called. The
// zero value divides by 255.
type Preprocess struct {
	Divisor      float32   `json:"divisor,omitempty"`       // 0 means 255
	Mean         []float32 `json:"mean,omitempty"`          // one per channel, of the divided pixels; nil: 0
	Std          []float32 `json:"std,omitempty"`           // one per channel; nil: 1
	BGR          bool      `json:"bgr,omitempty"`           // the network wants blue, green, red
	ChannelsLast bool      `json:"channels_last,omitempty"` // the network's input is [batch, height, width, channels]
	Labels       []string  `json:"labels,omitempty"`        // the names of the classes, in the order of the outputs

	// Assumed says that nobody has said what Divisor, Mean and Std are: that they are 255, 0 and 1 is a guess. Of sets it
	// where a graph says nothing of them, and what prepares images warns of it.
	Assumed bool `json:"assumed,omitempty"`

	// Inside is what the network's own nodes do to the pixels that it takes as they are, as PixelInput made them; nil where it
	// has none, or nobody said. It changes nothing of what Apply does.
	Inside *Preprocess `json:"inside,omitempty"`

	// Resize is the length to which the shorter side of an image of any size is brought before the input's height and
	// width are cut from its middle; 0 means the least that fills them. Apply takes images that are so already.
	Resize int `json:"resize,omitempty"`
}

// Key is the entry of a graph's metadata, and of an ONNX file's, that holds a Preprocess as JSON.
const Key = "linquant.preprocess"

// Of returns what g's metadata says about its first input and its classes. Where it does not say how pixels become
// numbers, the result is Assumed. Errors: an entry that does not read, that has a key which is none of Preprocess's, or
// numbers that no pixel can be prepared by.
func Of(g *graph.Graph) (Preprocess, error) {
	text, ok := g.Metadata[Key]
	if !ok {
		return Preprocess{Assumed: true}, nil
	}
	var p Preprocess
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&p)
	if err == nil && d.More() {
		err = errors.New("something follows its JSON")
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Preprocess{}, fmt.Errorf("metadata %s does not read (%w): correct or remove it", Key, plainJSON(err))
	}
	p.Assumed = p.Assumed || p.Divisor == 0 && p.Mean == nil && p.Std == nil
	if p.Divisor == 255 {
		p.Divisor = 0
	}
	return p, nil
}

// plainJSON says what package json does without the names of types here.
func plainJSON(err error) error {
	var of *json.UnmarshalTypeError
	switch {
	case errors.As(err, &of) && of.Field == "":
		return fmt.Errorf("it is given as %s and no object", of.Value)
	case errors.As(err, &of):
		return fmt.Errorf("%s is given as %s", of.Field, of.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// Store makes p an entry of g's metadata, with its divisor; where it is Assumed and says nothing it takes the entry away.
// Errors: a number that is not finite, and those that Apply refuses.
func (p Preprocess) Store(g *graph.Graph) error {
	if !p.Assumed {
		p.Divisor = p.divisor()
	}
	if reflect.DeepEqual(p, Preprocess{Assumed: true}) {
		delete(g.Metadata, Key)
		return nil
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return fmt.Errorf("the preprocessing of the input cannot be written: %w", err)
	}
	if g.Metadata == nil {
		g.Metadata = map[string]string{}
	}
	g.Metadata[Key] = string(text)
	return nil
}

// check refuses what no pixel can be prepared by.
func (p Preprocess) check() error {
	d := p.divisor()
	if !(d > 0) || slices.ContainsFunc(p.Std, func(s float32) bool { return s == 0 || s != s }) {
		return fmt.Errorf("pixels cannot be divided by %v and then by %v: the divisor is positive, and no deviation is 0", d, p.Std)
	}
	if p.Inside != nil && (p.Inside.Inside != nil || p.Inside.check() != nil) {
		return errors.New("what the network does to pixels itself is no preparation of them")
	}
	if p.Resize < 0 {
		return fmt.Errorf("an image cannot be brought to %d pixels", p.Resize)
	}
	return nil
}

// divisor returns what pixels are divided by.
func (p Preprocess) divisor() float32 {
	if p.Divisor == 0 {
		return 255
	}
	return p.Divisor
}

// Apply fills dst with the input for the pixels src, [channels, height, width] with red first: (x/Divisor − Mean) /
// Std, each step rounded to float32, as torchvision's ToTensor and Normalize do. dst and src have the same length and
// may be the same slice only where the order of elements stays. Errors: a shape with other dimensions, a mean or
// deviation for another number of channels.
func (p Preprocess) Apply(dst, src []float32, shape tensor.Shape) error {
	n, err := shape.Elements()
	if err != nil {
		return err
	}
	if len(shape) != 3 || len(src) != n || len(dst) != n {
		return fmt.Errorf("an image has the shape [channels, height, width]; %v with %d pixels for %d inputs is none", shape, len(src), len(dst))
	}
	channels, plane := shape[0], shape[1]*shape[2]
	for _, s := range [][]float32{p.Mean, p.Std} {
		if s != nil && len(s) != channels {
			return fmt.Errorf("mean and std have %d values for %s: give images of so many channels, or another mean and std", len(s), count(channels))
		}
	}
	if err := p.check(); err != nil {
		return err
	}
	divisor := p.divisor()
	for c := range channels {
		from := c
		if p.BGR {
			from = channels - 1 - c
		}
		mean, std := float32(0), float32(1)
		if p.Mean != nil {
			mean = p.Mean[c]
		}
		if p.Std != nil {
			std = p.Std[c]
		}
		for i, x := range src[from*plane : (from+1)*plane] {
			at := c*plane + i
			if p.ChannelsLast {
				at = i*channels + c
			}
			dst[at] = (float32(x/divisor) - mean) / std
		}
	}
	return nil
}

// Undo turns x, an input that Apply made, into the pixels that it was made of, in the order in which they lie in the
// input. shape is that of the input without the batch; of other than three dimensions it is a vector of one channel.
// What Apply rounded is far less than half a pixel.
func (p Preprocess) Undo(x []float32, shape tensor.Shape) {
	channel := func(int) int { return 0 }
	switch {
	case len(shape) != 3:
	case p.ChannelsLast:
		channel = func(i int) int { return i % shape[2] }
	default:
		channel = func(i int) int { return i / (shape[1] * shape[2]) % shape[0] }
	}
	for i, v := range x {
		c, v := channel(i), float64(v)
		if c < len(p.Std) {
			v *= float64(p.Std[c])
		}
		if c < len(p.Mean) {
			v += float64(p.Mean[c])
		}
		x[i] = float32(math.RoundToEven(v * float64(p.divisor())))
	}
}

// count says how many channels there are.
func count(channels int) string {
	if channels == 1 {
		return "1 channel"
	}
	return fmt.Sprintf("%d channels", channels)
}
