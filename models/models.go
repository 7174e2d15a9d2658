// Package models knows networks by the names and shapes of the tensors in their checkpoints, which is all that a
// PyTorch state_dict says about the network it belongs to: Recognize describes the network, Build makes its graph.
package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"linquant/checkpoint"
)

// architecture is a family of networks that share their tensors' names.
type architecture struct {
	name string // as in Network.Arch

	// match describes the network that the tensors are, or says how they differ from one of this architecture.
	match func(tensors named) (*Network, *Mismatch)

	// build adds the layers of a network that match described.
	build func(b *builder, n *Network)
}

// known lists the architectures that Recognize tries.
var known = []architecture{vgg, resNet}

// Architectures returns the names of the architectures that Recognize tries, in their order. Which tensors each has and
// how its networks are built stands at vgg and resNet in the source.
func Architectures() []string {
	names := make([]string, len(known))
	for i, a := range known {
		names[i] = a.name
	}
	return names
}

// Network describes a checkpoint of a known architecture.
type Network struct {
	Arch   string // the architecture's name, such as "resnet"
	Name   string // the architecture's and, where its networks differ in it, the depth: "resnet20"
	Prefix string // stands before every name of the checkpoint: "" or "module."

	Convs      []Conv // the convolutions from input to output
	Classifier string // the linear layer after them, without Prefix: "classifier"
	Classes    int    // length of the output

	// Weights are the tensors that quantization treats, from input to output: those of Convs, then the linear layer's.
	Weights []*checkpoint.Tensor

	// Parameters is the number of trained values: weights, biases and those of batch norm, without running statistics.
	Parameters int64
}

// Conv is a convolution layer.
type Conv struct {
	Name    string // of the layer, without Prefix: "backbone.conv0"
	In, Out int    // channels
}

// Recognize describes the network that the tensors are a checkpoint of. It looks at names, shapes and types and reads
// no data. Names may all start with "module.", which torch.nn.DataParallel puts there.
//
// Where no architecture matches, the error is the *Mismatch with the one that comes closest.
func Recognize(tensors []*checkpoint.Tensor) (*Network, error) {
	if len(tensors) == 0 {
		return nil, errors.New("the checkpoint holds no tensors: there is no network to recognise")
	}
	names := index(tensors)
	var closest *Mismatch
	for _, a := range known {
		network, mismatch := a.match(names)
		if mismatch == nil {
			return network, nil
		}
		if closest == nil || mismatch.count() < closest.count() {
			closest = mismatch
		}
	}
	return nil, closest
}

// RecognizeAs is Recognize for the one architecture of that name, or "" for any. Where the tensors are not its, the error
// is the *Mismatch.
func RecognizeAs(arch string, tensors []*checkpoint.Tensor) (*Network, error) {
	if arch == "" {
		return Recognize(tensors)
	}
	i := slices.IndexFunc(known, func(a architecture) bool { return a.name == arch })
	if i < 0 {
		return nil, fmt.Errorf("there is no architecture %q; known: %s", arch, strings.Join(Architectures(), ", "))
	}
	network, mismatch := known[i].match(index(tensors))
	if mismatch != nil {
		return nil, mismatch
	}
	return network, nil
}

// named is a checkpoint's tensors by name.
type named struct {
	prefix string
	inFile []*checkpoint.Tensor
	byName map[string]*checkpoint.Tensor // keys are without prefix; the first of equal names
}

func index(tensors []*checkpoint.Tensor) named {
	n := named{prefix: "module.", inFile: tensors, byName: make(map[string]*checkpoint.Tensor, len(tensors))}
	for _, t := range tensors {
		if !strings.HasPrefix(t.Name, n.prefix) {
			n.prefix = ""
		}
	}
	for _, t := range tensors {
		name := strings.TrimPrefix(t.Name, n.prefix)
		if n.byName[name] == nil {
			n.byName[name] = t
		}
	}
	return n
}

// dim returns a dimension of a tensor as a number of channels; ok is false where the tensor or the dimension is missing
// or where no network has such a number.
func (n named) dim(name string, axis int) (channels int, ok bool) {
	t := n.byName[name]
	if t == nil || axis >= len(t.Shape) || t.Shape[axis] < 1 || t.Shape[axis] > maxChannels {
		return 0, false
	}
	return t.Shape[axis], true
}

// What the networks for CIFAR-10 have in common.
const (
	cifarChannels = 3 // red, green, blue
	cifarSize     = 32
	cifarClasses  = 10 // of a checkpoint that does not say
)

// maxChannels bounds channels and classes, so that hostile shapes cannot overflow a count of parameters.
const maxChannels = 1 << 20
