package diagnose

import (
	"fmt"
	"slices"

	"linquant/graph"
)

// patterns says what the elements that differ have in common.
func patterns(op graph.Op, ours, theirs codes) []string {
	var out []string
	different, up, single, ends, border := 0, 0, 0, 0, 0
	lo, hi := ours.quant.Type.Range()
	channels := map[int]int{}
	pictures := len(theirs.shape) == 4
	for i, q := range ours.code {
		step := theirs.code[i] - q
		if step == 0 {
			continue
		}
		different++
		if step > 0 {
			up++
		}
		if step == 1 || step == -1 {
			single++
		}
		if t := theirs.code[i]; q == lo || q == hi || t == lo || t == hi {
			ends++
		}
		at := position(i, theirs.shape)
		if len(at) > 1 {
			channels[at[1]]++
		}
		if pictures && (at[2] == 0 || at[3] == 0 || at[2] == theirs.shape[2]-1 || at[3] == theirs.shape[3]-1) {
			border++
		}
	}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case single == different:
		say("every difference is one step: a matter of rounding")
	case single == 0:
		say("every difference is more than one step: no matter of rounding")
	}
	switch up {
	case different:
		say("the dump's codes are larger wherever they differ")
	case 0:
		say("the dump's codes are smaller wherever they differ")
	}
	if pictures && border == different && theirs.shape[2] > 2 && theirs.shape[3] > 2 {
		say("only elements at the border of the picture differ: look at the padding")
	}
	if len(theirs.shape) > 1 && 2*len(channels) <= theirs.shape[1] {
		var names []int
		for c := range channels {
			names = append(names, c)
		}
		slices.Sort(names)
		text := fmt.Sprint(names[:min(len(names), 8)])
		if len(names) > 8 {
			text += " and others"
		}
		say("only %d of %d channels differ (%s): look at their scales, zero points and biases", len(names), theirs.shape[1], text)
	}
	if ends == different {
		say("only codes at an end of the range differ: look at the clamp, and whether %s saturates", op)
	}
	return out
}
