package diagnose

import (
	"cmp"
	"slices"

	"linquant/internal/ended"
)

// attempt is one way to compute a layer: an alternative, or two of different families, in one of its variants.
type attempt struct {
	of    []*Alternative
	apply func(r *rules)
	equal int
	weak  bool // another one is likelier
}

// maxLater is how many later layers are looked at for causes of their own: each takes a search.
const maxLater = 8

// diagnose looks for the cause of the first layer that differs, and for those of later ones that it does not explain.
func (c *comparison) diagnose(r *Report) error {
	if err := c.search(r, r.First); err != nil {
		return err
	}
	for i := r.First + 1; i < len(r.Layers) && len(r.Later) < maxLater; i++ {
		if r.Layers[i].Status != Differs || slices.Contains(c.explained, i) {
			continue
		}
		own := Report{Layers: r.Layers, First: i}
		if err := c.search(&own, i); err != nil {
			return err
		}
		r.Later = append(r.Later, Later{r.Layers[i].Value, own.Causes})
	}
	return nil
}

// search tries the alternatives on a layer that differs.
func (c *comparison) search(r *Report, first int) error {
	layer, part := &r.Layers[first], c.cuts[first]
	theirs := c.dump.values[layer.Value]
	// One example that differs is enough to rule most out.
	small := c.dump
	if c.dump.batch > 1 && c.dump.examples[layer.Value] {
		small = c.dump.example(layer.First[0])
	}
	attempts := c.singles(part)
	r.Tried = len(attempts) + 2 // and those that follow
	whole := c.evaluator(c.dump)
	sift := func(attempts []*attempt) ([]*attempt, error) {
		exact, err := c.sift(part, c.evaluator(small), small.values[layer.Value].code, attempts)
		if err != nil {
			return nil, err
		}
		return c.sift(part, whole, theirs.code, exact)
	}
	exact, err := sift(attempts)
	if err != nil {
		return err
	}
	if len(exact) == 0 {
		// Weaker evidence, the stronger first: a few differences alone can look like another bias, or two causes.
		for _, search := range []func() ([]*attempt, error){
			func() ([]*attempt, error) { return c.byElement(part, whole, theirs) },
			func() ([]*attempt, error) {
				two := c.doubles(part)
				r.Tried += len(two)
				return sift(two)
			},
		} {
			if exact, err = search(); err != nil {
				return err
			}
			if len(exact) > 0 {
				break
			}
		}
	}
	if len(exact) > 0 {
		return c.causes(r, exact)
	}
	ours, err := whole.run(part.nodes, &rules{convention: c.g.Requant})
	if err != nil {
		return err
	}
	if r.Closest, err = c.closest(attempts, layer.Elements-layer.Different, part, whole, theirs); err != nil {
		return err
	}
	r.Patterns = patterns(part.main().Op, ours, theirs)
	return nil
}

// singles returns all attempts with one alternative that can change what the part computes.
func (c *comparison) singles(part cut) []*attempt {
	var all []*attempt
	for i := range alternatives {
		a := &alternatives[i]
		if !a.concerns(part, c.g.Requant) {
			continue
		}
		for _, v := range a.variants {
			all = append(all, &attempt{of: []*Alternative{a}, apply: v})
		}
	}
	return all
}

// doubles returns all attempts with two alternatives of different families, those that are too slow left out.
func (c *comparison) doubles(part cut) []*attempt {
	var all []*attempt
	one := slices.DeleteFunc(c.singles(part), func(a *attempt) bool { return a.of[0].family == alone })
	for i, a := range one {
		for _, b := range one[i+1:] {
			if a.of[0].family == b.of[0].family {
				continue
			}
			all = append(all, &attempt{of: []*Alternative{a.of[0], b.of[0]}, apply: func(r *rules) {
				a.apply(r)
				b.apply(r)
			}})
		}
	}
	return all
}

// sift runs the attempts, counts what each gets right, and returns those that give all of theirs.
func (c *comparison) sift(part cut, e *evaluator, theirs []int32, attempts []*attempt) ([]*attempt, error) {
	var exact []*attempt
	for _, a := range attempts {
		equal, err := c.try(part, e, theirs, a)
		if err != nil {
			return nil, err
		}
		if a.equal = equal; equal == len(theirs) {
			exact = append(exact, a)
		}
	}
	return exact, nil
}

// try returns how many of their integers an attempt gives.
func (c *comparison) try(part cut, e *evaluator, theirs []int32, a *attempt) (int, error) {
	r := rules{convention: c.g.Requant}
	a.apply(&r)
	y, err := e.run(part.nodes, &r)
	if err := ended.Err(e.ctx); err != nil {
		return 0, err
	}
	if err != nil {
		return 0, nil // a way that these parameters do not allow, such as a multiplier that has no fixed point
	}
	equal := 0
	for i, q := range y.code {
		if q == theirs[i] {
			equal++
		}
	}
	return equal, nil
}

// causes makes causes of the attempts that give the first layer: each alternative once. Those that give fewer of the
// other layers that differ are set apart.
func (c *comparison) causes(r *Report, exact []*attempt) error {
	var out, lesser []Cause
	var explained []int
	most := 0
	for _, a := range exact {
		if a.weak {
			lesser = append(lesser, a.cause())
			continue
		}
		cause := a.cause()
		given := []int{r.First}
		for i, l := range r.Layers {
			if l.Status != Differs {
				continue
			}
			if i == r.First {
				cause.Layers++
				continue
			}
			gives, err := c.gives(c.cuts[i], c.dump.values[l.Value], a)
			if err != nil {
				return err
			}
			if gives {
				cause.Layers++
				given = append(given, i)
			}
		}
		if len(given) >= most {
			most = len(given)
			explained = given
		}
		at := slices.IndexFunc(out, func(o Cause) bool { return o.Name == cause.Name })
		if at < 0 {
			out = append(out, cause)
		} else if out[at].Layers < cause.Layers {
			out[at] = cause
		}
	}
	slices.SortStableFunc(out, func(a, b Cause) int { return cmp.Compare(b.Layers, a.Layers) })
	c.explained = append(c.explained, explained...)
	most = 0
	for most < len(out) && out[most].Layers == out[0].Layers {
		most++
	}
	r.Causes, r.Lesser = out[:most], append(out[most:], lesser...)
	return nil
}

// gives reports whether the attempt gives their integers of another layer. What is found layer by layer is looked for
// anew.
func (c *comparison) gives(part cut, theirs codes, a *attempt) (bool, error) {
	e := c.evaluator(c.dump)
	if special := a.of[0]; special == &otherBias || special == &nearTies {
		found, err := c.byElement(part, e, theirs)
		return slices.ContainsFunc(found, func(f *attempt) bool { return f.of[0] == special }), err
	}
	equal, err := c.try(part, e, theirs.code, a)
	return equal == len(theirs.code), err
}

// cause returns what the attempt is called.
func (a *attempt) cause() Cause {
	cause := Cause{Name: a.of[0].Name, Explanation: a.of[0].Explanation, Remedy: a.of[0].Remedy, Equal: a.equal}
	for _, also := range a.of[1:] {
		cause.Name += ", and " + also.Name
		cause.Explanation += " " + also.Explanation
		cause.Remedy += " " + also.Remedy
	}
	return cause
}

// closest returns up to three alternatives that give more of their integers than we do.
func (c *comparison) closest(attempts []*attempt, ours int, part cut, e *evaluator, theirs codes) ([]Cause, error) {
	slices.SortStableFunc(attempts, func(a, b *attempt) int { return cmp.Compare(b.equal, a.equal) })
	var out []Cause
	for _, a := range attempts {
		if slices.ContainsFunc(out, func(o Cause) bool { return o.Name == a.of[0].Name }) {
			continue
		}
		var err error
		if a.equal, err = c.try(part, e, theirs.code, a); err != nil {
			return nil, err
		}
		if a.equal > ours {
			out = append(out, a.cause())
		}
		if len(out) == 3 || a.equal <= ours {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b Cause) int { return cmp.Compare(b.Equal, a.Equal) })
	return out, nil
}
