package graph

import (
	"slices"
	"strings"

	"linquant/tensor"
)

// einsumTerms are the letters of the operands' dimensions and of the result's. A dot stands for one dimension of an ellipsis,
// as the digits from 0 on. shape returns the shape of an operand.
func (s site) einsumTerms(shape func(i int) tensor.Shape) (operands []string, result string, err error) {
	equation := strings.ReplaceAll(s.n.Str("equation"), " ", "")
	left, right, explicit := strings.Cut(equation, "->")
	operands = strings.Split(left, ",")
	if len(operands) != len(s.n.Inputs) {
		return nil, "", s.errorf("equation %q has %d operands, and the node %d", equation, len(operands), len(s.n.Inputs))
	}
	const digits = "0123456789"
	dots := 0 // dimensions of the ellipsis
	for i, term := range operands {
		if strings.Contains(term, "...") {
			dots = max(dots, len(shape(i))-len(term)+3)
		}
	}
	if dots > len(digits) {
		return nil, "", s.errorf("equation %q has an ellipsis of %d dimensions: at most %d are supported", equation, dots, len(digits))
	}
	for i, term := range operands {
		own := len(shape(i)) - len(term) + 3
		if strings.Contains(term, "...") && own >= 0 {
			term = strings.Replace(term, "...", digits[dots-own:dots], 1)
		}
		if operands[i] = term; len(term) != len(shape(i)) || strings.Contains(term, ".") {
			return nil, "", s.errorf("equation %q has %d letters for %s: one is needed for each dimension", equation, len(term), show(shape(i)))
		}
	}
	all := strings.Join(operands, "")
	if !explicit {
		letters := []byte(all)
		slices.Sort(letters)
		for _, l := range letters { // those that are there once, in order; digits come before letters
			if strings.Count(all, string(l)) == 1 || l <= '9' && !strings.Contains(right, string(l)) {
				right += string(l)
			}
		}
	}
	right = strings.Replace(right, "...", digits[:dots], 1)
	for i := range right {
		if !strings.Contains(all, right[i:i+1]) || strings.Count(right, right[i:i+1]) != 1 {
			return nil, "", s.errorf("equation %q: the result has a letter twice, or one that no operand has", equation)
		}
	}
	return operands, right, nil
}

func (s site) einsum() (tensor.Shape, error) {
	operands, result, err := s.einsumTerms(s.shape)
	if err != nil {
		return nil, err
	}
	sizes, batch := map[byte]int{}, byte(0)
	for i, term := range operands {
		for d, n := range s.shape(i) {
			have := sizes[term[d]]
			if have > 1 && n > 1 && have != n || have == Batch && n > 1 || n == Batch && have > 1 || n == Batch && (batch != 0 && batch != term[d]) {
				return nil, s.errorf("equation %q: dimension %c is %d and %d", s.n.Str("equation"), term[d], have, n)
			}
			if n == Batch {
				batch = term[d]
			}
			if have == 0 || have == 1 {
				sizes[term[d]] = n
			}
		}
	}
	if batch != 0 && (result == "" || result[0] != batch) {
		return nil, s.errorf("equation %q would move the batch, or sum over it", s.n.Str("equation"))
	}
	if n := einsumProducts(sizes); n > mostProducts {
		return nil, s.errorf("equation %q takes more than %d products an example: use MatMul", s.n.Str("equation"), int64(mostProducts))
	}
	out := make(tensor.Shape, len(result))
	for d := range out {
		out[d] = sizes[result[d]]
	}
	return out, nil
}

// mostProducts bounds what one Einsum multiplies.
const mostProducts = 1 << 32

// einsumProducts returns how many an Einsum computes whose letters have those sizes; those beyond mostProducts are not counted.
func einsumProducts(sizes map[byte]int) int64 {
	n := int64(1)
	for _, size := range sizes {
		if size != Batch && n <= mostProducts {
			n *= int64(size)
		}
	}
	return n
}

// einsumWork is about how many multiplications take as long.
func (s site) einsumWork() int64 {
	operands, _, err := s.einsumTerms(s.shape)
	if err != nil {
		return mostProducts
	}
	sizes := map[byte]int{}
	for i, term := range operands {
		for d, n := range s.shape(i) {
			sizes[term[d]] = max(sizes[term[d]], n)
		}
	}
	return einsumProducts(sizes)
}

// evalEinsum sums the products of elements over all letters that the result does not have, in their order.
func (s site) evalEinsum(c call) (array, error) {
	operands, result, err := s.einsumTerms(func(i int) tensor.Shape { return c.in[i].shape })
	if err != nil {
		return array{}, err
	}
	sizes, letters := map[byte]int{}, []byte(result)
	for i, term := range operands {
		for d, n := range c.in[i].shape {
			if sizes[term[d]] = max(sizes[term[d]], n); !slices.Contains(letters, term[d]) {
				letters = append(letters, term[d])
			}
		}
	}
	var outer, inner tensor.Shape
	for i, l := range letters {
		if i < len(result) {
			outer = append(outer, sizes[l])
		} else {
			inner = append(inner, sizes[l])
		}
	}
	at := make([][2][]int, len(operands)) // where the elements are, for the letters of the result and for the others
	for i, term := range operands {
		stride := strides(c.in[i].shape)
		steps := func(letters []byte) [][]int {
			all := make([][]int, len(letters))
			for k, l := range letters {
				all[k] = make([]int, sizes[l])
				for d := range term {
					if term[d] == l && c.in[i].shape[d] != 1 {
						for j := range all[k] {
							all[k][j] += j * stride[d]
						}
					}
				}
			}
			return all
		}
		at[i] = [2][]int{gather(outer, steps(letters[:len(outer)])), gather(inner, steps(letters[len(outer):]))}
	}
	y, pace := array{shape: c.shape, real: make([]float32, perExample(outer))}, c.pace()
	for o := range y.real {
		if err := pace.done(perExample(inner)); err != nil {
			return y, err
		}
		sum := 0.0
		for k := range perExample(inner) {
			product := 1.0
			for i := range operands {
				product = float64(product * float64(c.in[i].real[at[i][0][o]+at[i][1][k]]))
			}
			sum += product
		}
		y.real[o] = float32(sum)
	}
	return y, nil
}
