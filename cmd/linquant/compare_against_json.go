package main

import "linquant/internal/diagnose"

// againstJSON is what compare --against --json prints.
type againstJSON struct {
	Model    string             `json:"model"`
	Dump     string             `json:"dump"`
	Examples int                `json:"examples"`
	Equal    bool               `json:"equal"`
	First    *string            `json:"first_difference"` // the layer; null where nothing differs
	Layers   []againstLayerJSON `json:"layers"`
	Causes   []causeJSON        `json:"causes"`
	Lesser   []causeJSON        `json:"less_likely,omitempty"`
	Closest  []causeJSON        `json:"closest,omitempty"`
	Later    []laterJSON        `json:"later,omitempty"` // layers that differ for causes of their own
	Patterns []string           `json:"patterns,omitempty"`
	Tried    int                `json:"ways_tried"`
	Unknown  []string           `json:"unknown_arrays,omitempty"`
}

type againstLayerJSON struct {
	Name      string `json:"name"`
	Op        string `json:"op"`
	Status    string `json:"status"`
	Elements  int    `json:"elements"`
	Different int    `json:"different"`
	MaxStep   int    `json:"max_step"`
	First     []int  `json:"first,omitempty"` // where an element differs
	Ours      *int32 `json:"ours,omitempty"`  // its code
	Theirs    *int32 `json:"theirs,omitempty"`
}

type laterJSON struct {
	Name   string      `json:"name"`
	Causes []causeJSON `json:"causes"`
}

type causeJSON struct {
	Name        string `json:"name"`
	Explanation string `json:"explanation"`
	Remedy      string `json:"remedy"`
	Equal       int    `json:"equal"`            // elements of the first layer that differs
	Layers      int    `json:"layers,omitempty"` // layers that differ and that it gives exactly
}

func newAgainstJSON(model, dump string, r *diagnose.Report) againstJSON {
	j := againstJSON{
		Model: model, Dump: dump, Examples: r.Examples, Equal: r.First < 0 && r.Count(diagnose.Equal) > 0, Patterns: r.Patterns, Tried: r.Tried,
		Unknown: r.Unknown, Causes: causesJSON(r.Causes), Lesser: causesJSON(r.Lesser), Closest: causesJSON(r.Closest),
	}
	for i, l := range r.Layers {
		out := againstLayerJSON{
			Name: l.Value, Op: string(l.Op), Status: string(l.Status), Elements: l.Elements, Different: l.Different,
			MaxStep: l.MaxStep, First: l.First,
		}
		if l.Different > 0 {
			out.Ours, out.Theirs = &r.Layers[i].Ours, &r.Layers[i].Theirs
		}
		if i == r.First {
			j.First = &r.Layers[i].Value
		}
		j.Layers = append(j.Layers, out)
	}
	for _, later := range r.Later {
		j.Later = append(j.Later, laterJSON{later.Value, causesJSON(later.Causes)})
	}
	return j
}

func causesJSON(causes []diagnose.Cause) []causeJSON {
	out := []causeJSON{}
	for _, c := range causes {
		out = append(out, causeJSON{c.Name, c.Explanation, c.Remedy, c.Equal, c.Layers})
	}
	return out
}
