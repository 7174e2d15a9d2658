package flags

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
)

// Pixels is what JSON says of what becomes of pixels.
type Pixels struct {
	How     string    `json:"how"` // in words; the numbers follow where there are pixels
	SaidBy  string    `json:"said_by,omitempty"`
	Divisor float32   `json:"divisor,omitempty"`
	Mean    []float32 `json:"mean,omitempty"`
	Std     []float32 `json:"std,omitempty"`
	BGR     bool      `json:"bgr,omitempty"`
	Kept    []string  `json:"said_by_model,omitempty"` // what the flags left as the model's file says
	Inside  *Inside   `json:"inside,omitempty"`        // what the network's own nodes do to them then, where its file says it
}

// Inside is what a network that takes raw pixels does to them itself.
type Inside struct {
	How     string    `json:"how"`
	Divisor float32   `json:"divisor"`
	Mean    []float32 `json:"mean,omitempty"`
	Std     []float32 `json:"std,omitempty"`
}

// saidBy has the words for who said it.
var saidBy = map[string]string{
	pipeline.SaidByModel: "model", pipeline.SaidByCaller: "flags", pipeline.SaidByOther: "other model", pipeline.SaidByNobody: "nobody",
}

// NewPixels returns it for a preparation.
func NewPixels(p pipeline.Preparation) *Pixels {
	if !p.Pixels {
		return &Pixels{How: p.String()}
	}
	px := &Pixels{
		How: p.String(), SaidBy: saidBy[p.By], Divisor: cmp.Or(p.How.Divisor, 255), Mean: p.How.Mean, Std: p.How.Std, BGR: p.How.BGR,
		Kept: p.Kept,
	}
	if in := p.How.Inside; in != nil {
		px.Inside = &Inside{in.String(), cmp.Or(in.Divisor, 255), in.Mean, in.Std}
	}
	return px
}

// PrintPixels writes the line of a table that says what was done to the pixels of what.
func PrintPixels(w io.Writer, what string, p pipeline.Preparation) {
	by := ""
	switch p.By {
	case pipeline.SaidByModel:
		by = ", as " + text.Printable(p.Network) + " says"
	case pipeline.SaidByCaller:
		by = ", as the flags say"
		if len(p.Kept) > 0 {
			by = ", the " + strings.Join(p.Kept, " and ") + " as " + text.Printable(p.Network) + " says and the rest as the flags say"
		}
	case pipeline.SaidByOther:
		by = ", as the other network says"
	case pipeline.SaidByNobody:
		by = ", a guess: " + text.Printable(p.Network) + " does not say"
	}
	if !p.Pixels {
		by = ""
	}
	fmt.Fprintf(w, "%s: %v%s\n", what, p, by)
}
