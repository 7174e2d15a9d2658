package models

import (
	"linquant/checkpoint"
	"linquant/tensor"
)

// checker compares a checkpoint with the tensors that an architecture wants, one by one.
type checker struct {
	tensors    named
	wanted     map[string]bool
	parameters int64
	mismatch   Mismatch
}

// parameter wants a trained tensor of real numbers and returns it; nil where it is missing.
func (c *checker) parameter(name string, shape tensor.Shape) *checkpoint.Tensor {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	c.parameters += n
	return c.statistic(name, shape)
}

// statistic wants a tensor of real numbers that is not trained.
func (c *checker) statistic(name string, shape tensor.Shape) *checkpoint.Tensor {
	t := c.shaped(name, shape)
	switch {
	case t == nil:
		c.mismatch.Missing = append(c.mismatch.Missing, c.tensors.prefix+name)
	case !t.DType.IsFloat() && t.Quant == nil:
		c.mismatch.Mistyped = append(c.mismatch.Mistyped, Mistyped{Name: t.Name, Found: t.DType})
	}
	return t
}

// optional accepts a tensor of any type.
func (c *checker) optional(name string, shape tensor.Shape) { c.shaped(name, shape) }

// shaped returns the tensor of that name, or nil, and notes where it has another shape.
func (c *checker) shaped(name string, shape tensor.Shape) *checkpoint.Tensor {
	c.wanted[name] = true
	t := c.tensors.byName[name]
	if t != nil && !t.Shape.Equal(shape) {
		c.mismatch.Misshapen = append(c.mismatch.Misshapen, Misshapen{Name: t.Name, Found: t.Shape, Wanted: shape})
	}
	return t
}

// batchNorm wants the tensors of a batch norm of so many channels.
func (c *checker) batchNorm(name string, channels int) {
	c.parameter(name+".weight", tensor.Shape{channels})
	c.parameter(name+".bias", tensor.Shape{channels})
	c.statistic(name+".running_mean", tensor.Shape{channels})
	c.statistic(name+".running_var", tensor.Shape{channels})
	c.optional(name+".num_batches_tracked", tensor.Shape{})
}

// ofBatchNorm lists the dimensions that say how many channels a batch norm has.
func ofBatchNorm(name string) []at {
	return []at{{name + ".weight", 0}, {name + ".bias", 0}, {name + ".running_mean", 0}, {name + ".running_var", 0}}
}

// linear wants the weight and bias of a linear layer, the network's last, and returns the weight and the number of
// outputs, which the checkpoint decides.
func (c *checker) linear(name string, in int) (*checkpoint.Tensor, int) {
	weight, bias := name+".weight", name+".bias"
	out := vote(cifarClasses, c.tensors.said(at{weight, 0}, at{bias, 0}))
	t := c.parameter(weight, tensor.Shape{out, in})
	c.parameter(bias, tensor.Shape{out})
	c.disagrees(bias, weight)
	return t, out
}

// disagrees adds to a misshapen tensor the only other one that says anything about its shape: either may be wrong.
func (c *checker) disagrees(name, other string) {
	t, o := c.tensors.byName[name], c.tensors.byName[other]
	for i := range c.mismatch.Misshapen {
		if m := &c.mismatch.Misshapen[i]; t != nil && o != nil && m.Name == t.Name {
			m.By = o.Name
		}
	}
}

// result returns the differences found, nil where there are none. It is asked after everything wanted was named.
func (c *checker) result() *Mismatch {
	for _, t := range c.tensors.inFile {
		name := t.Name[len(c.tensors.prefix):]
		if !c.wanted[name] || c.tensors.byName[name] != t {
			c.mismatch.Unexpected = append(c.mismatch.Unexpected, t.Name)
		}
	}
	if c.mismatch.count() == 0 {
		return nil
	}
	return &c.mismatch
}

// at is a dimension of a tensor.
type at struct {
	name string
	axis int
}

// said returns the numbers of channels that the dimensions have, leaving out those that have none.
func (n named) said(dims ...at) []int {
	var said []int
	for _, d := range dims {
		if v, ok := n.dim(d.name, d.axis); ok {
			said = append(said, v)
		}
	}
	return said
}

// vote returns the number that most say, the first of those with equally many votes, or fallback where nobody says
// anything.
func vote(fallback int, said []int) int {
	votes := make(map[int]int, len(said))
	for _, v := range said {
		votes[v]++
	}
	best, most := fallback, 0
	for _, v := range said {
		if votes[v] > most {
			best, most = v, votes[v]
		}
	}
	return best
}
