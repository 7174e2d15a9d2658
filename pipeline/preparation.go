package pipeline

import (
	"fmt"

	"linquant/dataset"
	"linquant/eval"
	"linquant/tensor"
	"linquant/vision"
)

// Who has said how pixels become a network's input.
const (
	SaidByModel  = "model"  // its file
	SaidByCaller = "caller" // Network.SetPreprocess, Config.Preprocess
	SaidByOther  = "other"  // the network that it is measured or compared with
	SaidByNobody = "nobody" // pixels are divided by 255, which is a guess
)

// Preparation says what is done to the examples of a set before a network sees them.
type Preparation struct {
	Network string            // its name
	Pixels  bool              // whether the examples are pixels; else they are taken as they are
	How     vision.Preprocess // of pixels
	By      string            // who said it, one of the Said constants
	Kept    []string          // where SaidByCaller, the parts of it that the model's file said and the caller left: "mean", "std"
	Type    tensor.DType      // of examples of an image's shape that are no pixels; Invalid where that is not known

	inside bool
}

// Preparation returns what becomes of the examples of a set; nil stands for pictures.
func (n *Network) Preparation(set dataset.Set) Preparation {
	return preparation(set, Preparation{Network: n.Name, How: n.pre, By: n.said, Kept: n.kept, inside: n.TakesPixels()})
}

// Preparation returns what becomes of the examples of a set; nil stands for the pictures that Classify takes.
func (m *Model) Preparation(set dataset.Set) Preparation {
	inside := len(m.Inputs()) > 0 && m.takesPixels()
	return preparation(set, Preparation{Network: m.Name, How: m.Preprocess, By: m.said, Kept: m.kept, inside: inside})
}

func preparation(set dataset.Set, p Preparation) Preparation {
	if p.Pixels = arePixels(set); !p.Pixels && len(set.Shape()) == 3 {
		p.Type = dataset.DType(set)
	}
	return p
}

// keeps lists the parts of p, of those that do something, that are the ones of file.
func keeps(p, file vision.Preprocess) []string {
	var kept []string
	mean, std := vision.Preprocess{Mean: p.Mean}, vision.Preprocess{Std: p.Std}
	idle := vision.Preprocess{}
	if file.Divisor == p.Divisor && p.Divisor != 0 && p.Divisor != 255 {
		kept = append(kept, "divisor")
	}
	if mean.SamePixels(vision.Preprocess{Mean: file.Mean}) && !mean.SamePixels(idle) {
		kept = append(kept, "mean")
	}
	if std.SamePixels(vision.Preprocess{Std: file.Std}) && !std.SamePixels(idle) {
		kept = append(kept, "std")
	}
	if file.BGR && p.BGR {
		kept = append(kept, "order of colours")
	}
	return kept
}

// arePixels reports whether a set is of images, or its examples begin with one; nil stands for pictures.
func arePixels(set dataset.Set) bool {
	if set == nil {
		return true
	}
	shape := set.Shape()
	if arrays := dataset.Arrays(set); arrays != nil {
		shape = arrays[0].Shape
	}
	return set.Pixels() && len(shape) == 3
}

// String says it in one line.
func (p Preparation) String() string {
	switch {
	case !p.Pixels:
		if p.Type.IsInteger() {
			return p.Type.String() + " numbers as they are"
		}
		return "numbers as they are"
	case p.inside && p.How.Inside != nil:
		return p.How.String() + ", and in the network itself " + p.How.Inside.String()
	case p.inside:
		return p.How.String() + ", prepared by the network itself"
	}
	return p.How.String()
}

// SamePixels reports whether both make the same inputs of an example, those that the network makes itself left out.
func (p Preparation) SamePixels(other Preparation) bool {
	return p.Pixels == other.Pixels && (!p.Pixels || p.inside || other.inside || p.How.SamePixels(other.How))
}

// Warnings returns an AssumedPreprocess where it is a guess, and an IntegersAsNumbers where integers are no pixels.
func (p Preparation) Warnings() []Warning {
	if p.Pixels && p.By == SaidByNobody {
		return []Warning{AssumedPreprocess{Network: p.Network, Inside: p.inside}}
	}
	if !p.Pixels && p.Type.IsInteger() {
		return []Warning{IntegersAsNumbers{p.Network, p.Type}}
	}
	return nil
}

// AssumedPreprocess warns that nobody has said how pixels become a network's input.
type AssumedPreprocess struct {
	Network string
	Other   string // a second one of which nobody has either; "" where there is none
	Inside  bool   // the network takes raw pixels, and the guess is in its own nodes
}

// Warning is one line.
func (w AssumedPreprocess) Warning() string {
	if w.Inside {
		return w.What() + ": make it again with the Preprocess that it was trained with"
	}
	return w.What() + ": set the Preprocess that it was trained with"
}

// What is the warning without what to do.
func (w AssumedPreprocess) What() string {
	says := w.Network + " does not say"
	if w.Other != "" {
		says = "neither " + w.Network + " nor " + w.Other + " says"
	}
	guess := " is a guess"
	if w.Inside {
		guess += ", which its own nodes compute"
	}
	return says + " how pixels become its input: that they are divided by 255" + guess + ", and every result is wrong of a network " +
		"that was trained on others"
}

// DifferentPreprocess warns that two networks on the same examples say that pixels are prepared differently.
type DifferentPreprocess struct {
	Network, Other string
	How, OtherHow  string // in words
	Shared         bool   // both were given the inputs of Network, as Compare does; else each has those that it says
}

// Warning is one line.
func (w DifferentPreprocess) Warning() string {
	if w.Shared {
		return fmt.Sprintf("%s and %s prepare pixels differently, %v and %v: both are given the inputs of %s here, not those that %s says",
			w.Network, w.Other, w.How, w.OtherHow, w.Network, w.Other)
	}
	return fmt.Sprintf("%s and %s prepare pixels differently, each as it says: %v, and %v", w.Network, w.Other, w.How, w.OtherHow)
}

// SamePreparation returns two networks that prepare pixels in one way, where at most one of them says how: as that does.
// It warns where both say different things and keep to them, and where neither says any. The networks given stay as they
// are. One that takes raw pixels prepares them itself, and says nothing about others.
func SamePreparation(a, b *Network) (*Network, *Network, []Warning) {
	switch {
	case a == nil || b == nil:
		return a, b, nil
	case a.said == SaidByNobody && b.said == SaidByNobody:
		w := AssumedPreprocess{Network: a.Name, Inside: a.TakesPixels()}
		if b.Name != a.Name {
			w.Other = b.Name
		}
		return a, b, []Warning{w}
	case a.said == SaidByNobody:
		return a.like(b), b, warnUnlike(a, b)
	case b.said == SaidByNobody:
		return a, b.like(a), warnUnlike(b, a)
	case !a.TakesPixels() && !b.TakesPixels() && !a.pre.SamePixels(b.pre):
		return a, b, []Warning{DifferentPreprocess{Network: a.Name, Other: b.Name, How: a.pre.String(), OtherHow: b.pre.String()}}
	}
	return a, b, nil
}

// warnUnlike warns where n, which does not say how it prepares pixels, cannot learn it of other.
func warnUnlike(n, other *Network) []Warning {
	if inside := n.TakesPixels(); inside || other.TakesPixels() {
		return []Warning{AssumedPreprocess{Network: n.Name, Inside: inside}}
	}
	return nil
}

// like returns n with other's way to prepare pixels, in n's own layout.
func (n *Network) like(other *Network) *Network {
	if n.TakesPixels() || other.TakesPixels() {
		return n
	}
	own := *n
	own.close = nil
	own.pre.Divisor, own.pre.Mean, own.pre.Std, own.pre.BGR = other.pre.Divisor, other.pre.Mean, other.pre.Std, other.pre.BGR
	own.pre.Assumed, own.said = false, SaidByOther
	return &own
}

// IntegersAsNumbers says that integers are taken as the numbers that they are, which pixels would not be.
type IntegersAsNumbers struct {
	Network string // that is given them
	Type    tensor.DType
}

// Warning is one line.
func (w IntegersAsNumbers) Warning() string {
	return fmt.Sprintf("%s is given %v numbers as they are: they are not prepared as pixels; save images as uint8, channels first, "+
		"where they shall be", w.Network, w.Type)
}

// UndefinedInput warns of inputs that are no numbers, which integers cannot express and comparisons make others of.
type UndefinedInput struct {
	Input string // its name
	Of    string // the file or set
	Count int    // of NaN
}

// Warning is one line.
func (w UndefinedInput) Warning() string {
	return fmt.Sprintf("input %q, of %s, has %s that %s no numbers (NaN): what is computed of them means nothing", w.Input, w.Of,
		count(w.Count, "value"), map[bool]string{true: "is", false: "are"}[w.Count == 1])
}

// UndefinedConstant warns of a constant for an input (OpenConfig.ONNX.Constants) that is not finite.
type UndefinedConstant struct {
	Input    string // its name
	NaN, Inf int    // how many elements are no numbers, and infinite
}

// Warning is one line.
func (w UndefinedConstant) Warning() string {
	if w.NaN == 0 {
		return fmt.Sprintf("the constant for input %q has %s that %s infinite: what is computed of it may be infinite, or no number", w.Input,
			count(w.Inf, "value"), map[bool]string{true: "is", false: "are"}[w.Inf == 1])
	}
	return fmt.Sprintf("the constant for input %q has %s that %s (NaN): what is computed of it means nothing", w.Input,
		count(w.NaN, "value"), map[bool]string{true: "is no number", false: "are no numbers"}[w.NaN == 1])
}

// NearChance warns that a network is not right more often than a guess among its classes would be.
type NearChance struct {
	Network string
	Classes int
	Low     float64 // where the interval of its accuracy begins
	Bits    int     // the fewest of its codes; 0 where it computes in floating point
}

// WarnChance returns a NearChance where the accuracy of the network is no better than chance.
func WarnChance(n *Network, a *eval.Accuracy) []Warning {
	if a.AboveChance() {
		return nil
	}
	return []Warning{NearChance{n.Name, a.Classes, eval.Wilson(a.Top1, a.N).Low, n.fewestBits()}}
}

// Warning is one line.
func (w NearChance) Warning() string {
	causes := "look at how pixels are prepared, at the order of colours, and at the labels"
	if w.Bits > 0 && w.Bits <= 4 {
		causes = fmt.Sprintf("codes of %d bits may be too few for it, which the accuracy of the float network would tell; else %s", w.Bits, causes)
	}
	return fmt.Sprintf("the accuracy of %s is not above chance, %.4g%% for %d classes (its interval begins at %.2f%%): %s", w.Network,
		100/float64(w.Classes), w.Classes, 100*w.Low, causes)
}

// fewestBits returns the least bits of the network's codes, 0 where it has none.
func (n *Network) fewestBits() int {
	fewest := 0
	for _, v := range n.graph.Values {
		if v.Quant != nil && (fewest == 0 || v.Quant.Type.Bits < fewest) {
			fewest = v.Quant.Type.Bits
		}
	}
	return fewest
}
