package pipeline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"linquant/graph"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// ConfigError is a field of a configuration that has a value that cannot be, or that does not go with the model.
type ConfigError struct {
	Field  string // such as "Arch" or "Calibration.Examples"
	Value  string // that it has; "" where none is to be shown
	Reason string // what is wrong with it, and what to do
}

// Error is one line: the field, its value, the reason.
func (e *ConfigError) Error() string {
	if e.Value == "" {
		return e.Field + ": " + e.Reason
	}
	return e.Field + " " + e.Value + ": " + e.Reason
}

// stageField is an error of ptq about a field of its own, which is one of a configuration here.
type stageField struct {
	*ConfigError
	err error
}

// Unwrap returns both.
func (e stageField) Unwrap() []error { return []error{e.ConfigError, e.err} }

// missing is the error about something that is nil.
func missing(what string) error {
	return &ConfigError{Field: what, Reason: "it is nil"}
}

// checkThreads returns an error about a number of threads that cannot be.
func checkThreads(field string, threads int) error {
	if threads >= 0 {
		return nil
	}
	return &ConfigError{Field: field, Value: strconv.Itoa(threads), Reason: "use 1 or more, or 0 for one on each processor"}
}

// NetworkError is an error about a network, or what a stage says about it.
type NetworkError struct {
	Name string // of the network
	Err  error
}

// Error is one line: the name, and what is wrong.
func (e *NetworkError) Error() string {
	if e.Name == "" {
		return e.Err.Error()
	}
	return e.Name + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *NetworkError) Unwrap() error { return e.Err }

// ErrQuantized says that a network cannot be quantized because it is.
var ErrQuantized = errors.New("it is a network of integers already; take the float network that it was made of")

// ErrClosed says that a network is used after Close.
var ErrClosed = errors.New("the network is closed: close it when nothing of it is needed any more")

// InputsError is a network that has other inputs or outputs than what it shall do needs.
type InputsError struct {
	Name            string
	Inputs, Outputs int
	Reason          string
}

// Error gives the numbers and the reason.
func (e *InputsError) Error() string {
	return fmt.Sprintf("%s: it has %s and %s; %s", e.Name, count(e.Inputs, "input"), count(e.Outputs, "output"), e.Reason)
}

// RangeError is a value that needs a range and has none, or one that was chosen for other codes.
type RangeError struct {
	Name, Value string // of the network, and of the value
	Err         error  // why its range does not suit; nil where there is none
}

// Error says what to do.
func (e *RangeError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("no range for the value %q of %s: calibrate it with the same configuration", e.Value, e.Name)
	}
	return fmt.Sprintf("value %q of %s: %v", e.Value, e.Name, e.Err)
}

// Unwrap returns Err.
func (e *RangeError) Unwrap() error { return e.Err }

// LabelsError is a list of labels that are not as many as the classes that the network tells apart.
type LabelsError struct {
	Name            string
	Labels, Classes int
}

// Error gives both numbers.
func (e *LabelsError) Error() string {
	return fmt.Sprintf("%s: it has %s, and there are %s: give one for each, in their order", e.Name, count(e.Classes, "output"),
		count(e.Labels, "label"))
}

// A Warning is not an error: the work was done, and there is something to know about what came of it.
type Warning interface{ Warning() string }

// CalibratedOnTest warns that a network was calibrated on data that is for measuring it, which makes it look better than
// it is.
type CalibratedOnTest struct {
	Data string // as it was named
	Use  string // what to take instead; "" where nothing better is known
}

// Warning is one line.
func (w CalibratedOnTest) Warning() string {
	if w.Use == "" {
		return w.Data + " is calibrated on and measured on: the network will look better than it is; calibrate on other examples"
	}
	return w.Data + " is for measuring accuracy: calibrated on it, the network will look better than it is; use " + w.Use
}

// FewSamples warns that a layer was reconstructed from fewer samples of its inputs than one output has inputs, so that these cannot
// be told apart. Of all such layers it names the one with the fewest.
type FewSamples struct {
	Node            string
	Samples, Inputs int
	Examples        int // that were there
	Others          int // layers that have too few as well
}

// Warning is one line.
func (w FewSamples) Warning() string {
	enough := (w.Examples*w.Inputs + w.Samples - 1) / max(w.Samples, 1)
	text := fmt.Sprintf("layer %q was reconstructed from %s for %d inputs of an output, of %s: calibrate on %d or more",
		w.Node, count(w.Samples, "sample"), w.Inputs, count(w.Examples, "example"), enough)
	if w.Others > 0 {
		text += fmt.Sprintf(" (%s with too few)", count(w.Others, "other layer"))
	}
	return text
}

// fewSamples returns the warning about a network, if there is something to warn of.
func fewSamples(r *ptq.NetworkReport) []Warning {
	var worst FewSamples
	for _, l := range r.Layers {
		if l.Samples >= l.Inputs {
			continue
		}
		if w := (FewSamples{Node: l.Node, Samples: l.Samples, Inputs: l.Inputs, Examples: l.Shown}); worst.Inputs == 0 ||
			w.Samples*worst.Inputs < worst.Samples*w.Inputs {
			w.Others = worst.Others
			worst = w
		}
		worst.Others++
	}
	if worst.Inputs == 0 {
		return nil
	}
	worst.Others--
	return []Warning{worst}
}

// ConstantInputs warns that a layer was given the same in all examples, so that nothing was learned of them about its weights.
type ConstantInputs struct {
	Node     string
	Examples int
	Others   int // layers of which it is so as well
}

// Warning is one line.
func (w ConstantInputs) Warning() string {
	text := fmt.Sprintf("layer %q, or a group of its inputs, is given the same in all of %s: its weights are rounded to the nearest there; "+
		"calibrate on examples in which it is not", w.Node, count(w.Examples, "example"))
	if w.Others > 0 {
		text += fmt.Sprintf(" (and so are %s)", count(w.Others, "other layer"))
	}
	return text
}

// constantInputs returns the warning about a network, if there is something to warn of.
func constantInputs(r *ptq.NetworkReport) []Warning {
	var found []ConstantInputs
	for _, l := range r.Layers {
		if l.Constant {
			found = append(found, ConstantInputs{Node: l.Node, Examples: l.Shown})
		}
	}
	if len(found) == 0 {
		return nil
	}
	found[0].Others = len(found) - 1
	return []Warning{found[0]}
}

// UnknownCodes warns that ranges do not say for which codes they were chosen, so that it cannot be seen whether they suit.
type UnknownCodes struct{}

// Warning is one line.
func (UnknownCodes) Warning() string {
	return "it is not said which codes the ranges were chosen for: they are used as they are"
}

// FloatNode says that a node of a quantized network runs in floating point.
type FloatNode struct {
	Node   string `json:"node"` // its name, or its first output's
	Op     string `json:"op"`
	Reason string `json:"reason"`
}

// Warning is one line.
func (w FloatNode) Warning() string {
	return fmt.Sprintf("%s node %q runs in floating point: %s", w.Op, w.Node, w.Reason)
}

// SumsWrap says that the bias of a layer takes sums out of int32, where they go on from the other end, as in every other runtime.
type SumsWrap struct {
	Node string // its name, or its first output's
	Op   string
	graph.Wrap
}

// Warning is one line.
func (w SumsWrap) Warning() string {
	return fmt.Sprintf("the bias of %s node %s takes the sums of %s out of int32, such as those of channel %d, from %d to %d: they wrap, "+
		"as in other runtimes; its weights there are all but 0", w.Op, w.Node, count(w.Channels, "channel"), w.Channel, w.Least, w.Most)
}

// CodesInFloat says that nodes on codes are computed in reals, with the rounding and the clamping that they mean.
type CodesInFloat struct {
	onnx.Note     // the first of them
	Others    int // of the same operator, for the same reason
}

// Warning is one line.
func (w CodesInFloat) Warning() string {
	what := fmt.Sprintf("%s node %s runs", w.Op, w.Node)
	if w.Others > 0 {
		what = fmt.Sprintf("%s node %s and %s run", w.Op, w.Node, count(w.Others, "other"))
	}
	return what + " in floating point, on the codes as numbers: " + w.Reason
}

// AssumedDimensions warns that a network takes its whole input as one example, and that first dimensions of its inputs were taken as 1
// because its file has no numbers for them.
type AssumedDimensions struct {
	Network string
	Inputs  []AssumedInput
}

// AssumedInput is an input of which that is so.
type AssumedInput struct {
	onnx.Assumption
	Shape tensor.Shape // with the number
}

// Warning is one line.
func (w AssumedDimensions) Warning() string {
	return w.What() + ": give the inputs shapes for other numbers"
}

// What is the line without what can be done.
func (w AssumedDimensions) What() string {
	inputs := make([]string, len(w.Inputs))
	for i, in := range w.Inputs {
		inputs[i] = strconv.Quote(in.Input)
		if in.Symbol != "" {
			inputs[i] += fmt.Sprintf(" (%q in the file)", in.Symbol)
		}
	}
	return fmt.Sprintf("%s takes its whole input as one example, and 1 for the first dimension of %s, which the file leaves open", w.Network,
		strings.Join(inputs, " and "))
}

// RangeOfExample warns that dynamic layers of another tool's file take the range of each example of a batch, where ONNX takes that
// of the whole batch: other runtimes give an example other numbers, as its batch is.
type RangeOfExample struct {
	Network string
	Layers  int
}

// Warning is one line.
func (w RangeOfExample) Warning() string {
	return fmt.Sprintf("%s has %s that %s the range of the input while running: here that is the range of each example, in ONNX that of the "+
		"whole batch, so that other runtimes give the same only for batches of one", w.Network, count(w.Layers, "layer"),
		map[bool]string{true: "takes", false: "take"}[w.Layers == 1])
}

// count returns "1 input", "2 inputs".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// dynamicLayers counts the layers of a network that quantize their inputs while they run.
func dynamicLayers(g *graph.Graph) int {
	layers := 0
	for _, n := range g.Nodes {
		if graph.IsDynamic(n) && n.Op != graph.LSTM { // whose range is that of the whole batch
			layers++
		}
	}
	return layers
}
