package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/eval"
	"linquant/pipeline"
)

// checkReport is the result of a check, and what it is about.
type checkReport struct {
	*pipeline.Checked
	cfg    *checkConfig
	config pipeline.CheckConfig
	model  string
	data   string
	start  time.Time
	took   time.Duration
	bytes  [2]int64 // of the files of network and reference
}

// labels reports whether right answers were counted.
func (r *checkReport) labels() bool { return r.config.Judge == nil && r.config.Metric.Labels() }

// value says a loss in the unit of the metric, as people quote it.
func (r *checkReport) value(loss float64) string {
	switch {
	case r.config.Judge != nil:
		return fmt.Sprintf("%.4g", loss)
	case r.config.Metric.Labels():
		return fmt.Sprintf("%.2f", 100*loss)
	case r.config.Metric == eval.Cosine:
		return fmt.Sprintf("%.6f", 1-loss)
	case r.config.Metric == eval.SQNR:
		return text.Decibels(-10 * math.Log10(loss))
	}
	return fmt.Sprintf("%.4g", loss)
}

// rising reports whether a larger value is better, so that the bounds of a loss change places.
func (r *checkReport) rising() bool {
	return r.config.Judge == nil && (r.config.Metric == eval.Cosine || r.config.Metric == eval.SQNR)
}

// budget is what is allowed, in words.
func (r *checkReport) budget() string {
	switch {
	case r.labels():
		if points := text.Rounded(100 * r.config.MaxLoss); points != "1" {
			return points + " points"
		}
		return "1 point"
	case r.rising() && r.config.Metric == eval.SQNR:
		return text.Rounded(-10*math.Log10(r.config.MaxLoss)) + " dB"
	case r.rising():
		return text.Rounded(1 - r.config.MaxLoss)
	}
	return text.Rounded(r.config.MaxLoss)
}

// what is the metric in words.
func (r *checkReport) what() string {
	if r.config.Judge != nil {
		return "loss of " + text.Printable(strings.TrimSpace(strings.TrimPrefix(r.cfg.metric, execPrefix)))
	}
	return map[eval.Metric]string{
		eval.Top1: "top-1", eval.Top5: "top-5", eval.Cosine: "cosine", eval.MSE: "mean squared error", eval.SQNR: "SQNR",
	}[r.config.Metric]
}

// percent is the confidence.
func (r *checkReport) percent() string { return text.Rounded(100*r.config.Confidence) + "%" }

// claim says that the network keeps to the budget, or where not is set that it does not.
func (r *checkReport) claim(not bool) string {
	words := func(keeps, breaks string) string {
		if not {
			return breaks
		}
		return keeps
	}
	switch {
	case r.labels():
		return fmt.Sprintf("%s loses %s %s of %s to %s", shownName(r.model), words("at most", "more than"), r.budget(), r.what(), shownName(r.cfg.reference))
	case r.rising():
		return fmt.Sprintf("the %s of %s and %s is %s %s", r.what(), shownName(r.model), shownName(r.cfg.reference), words("at least", "below"), r.budget())
	}
	return fmt.Sprintf("the %s of %s to %s is %s %s", r.what(), shownName(r.model), shownName(r.cfg.reference), words("at most", "more than"), r.budget())
}

// sentence says the verdict.
func (r *checkReport) sentence() string {
	if r.Verdict == eval.Undecided {
		return fmt.Sprintf("undecided: %s do not show with %s confidence whether %s; %s", text.Plural(r.N, "example"), r.percent(), r.claim(false), r.more())
	}
	if r.Whole {
		return fmt.Sprintf("%s, on these %s", r.claim(r.Verdict == eval.Fail), text.Plural(r.N, "example"))
	}
	return fmt.Sprintf("%s, with %s confidence", r.claim(r.Verdict == eval.Fail), r.percent())
}

// more says how many more examples would decide.
func (r *checkReport) more() string {
	if r.More < 0 {
		return "what was seen is too near to the limit to tell how many more would"
	}
	left := ""
	if r.N < r.Of {
		left = fmt.Sprintf(" (%s are left)", text.Thousands(int64(r.Of-r.N)))
	}
	return fmt.Sprintf("about %s more like them would%s", text.Thousands(rounded(r.More)), left)
}

// rounded keeps the two digits that an estimate has.
func rounded(n int) int64 {
	unit := int64(1)
	for int64(n)/unit >= 100 {
		unit *= 10
	}
	return (int64(n) + unit - 1) / unit * unit
}

func (r *checkReport) print(w io.Writer) error {
	heading := []string{"NETWORK", "NUMBERS", "BYTES>"}
	if r.labels() {
		heading = append(heading, strings.ToUpper(r.what())+">")
	}
	rows := [][]string{heading}
	for i, m := range []*pipeline.Model{r.Network, r.Reference} {
		row := []string{shownName([]string{r.model, r.cfg.reference}[i]), m.Numbers.String(), text.Megabytes(r.bytes[i])}
		if r.labels() {
			row = append(row, text.Percent(float64([]int{r.Right, r.ReferenceRight}[i])/float64(r.N)))
		}
		rows = append(rows, row)
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s of %s of %s, in an order shuffled with seed %d; %s, instructions: %s\n", text.Thousands(int64(r.N)), text.Plural(r.Of, "image"),
		r.data, r.cfg.seed, text.Plural(flags.ThreadCount(r.cfg.Threads), "thread"), r.Network.CPU())
	flags.PrintPixels(w, "Input", r.Preparation)
	if other := r.Reference.Preparation(nil); r.Preparation.Pixels && !other.SamePixels(r.Preparation) {
		flags.PrintPixels(w, "Input of "+shownName(r.cfg.reference), other)
	}
	for _, line := range r.lines() {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// lines say what was found.
func (r *checkReport) lines() []string {
	unit := ""
	if r.labels() {
		unit = " points"
	}
	low, high := r.Bounds.Low, r.Bounds.High
	if r.rising() {
		low, high = high, low
	}
	subject := strings.ToUpper(r.what()[:1]) + r.what()[1:]
	if r.labels() {
		subject += " lost"
	}
	var lines []string
	if r.Whole {
		lines = append(lines, fmt.Sprintf("%s: %s, one number for all examples, of which no confidence can be told", subject, r.value(r.Loss)))
	} else {
		lines = append(lines, fmt.Sprintf("%s: %s%s; with %s confidence at least %s, with %s at most %s", subject, r.value(r.Loss), unit,
			r.percent(), r.value(low), r.percent(), r.value(high)))
	}
	if r.labels() {
		lines = append(lines, fmt.Sprintf("right where the other is wrong on %s, wrong where it is right on %s", text.Plural(r.Better, "image"),
			text.Plural(r.Worse, "image")))
	}
	if r.Clipped > 0 {
		lines = append(lines, fmt.Sprintf("%s more than 100 times what is allowed, and %s as 100 times", text.Plural(r.Clipped, "example")+
			map[bool]string{true: " loses", false: " lose"}[r.Clipped == 1], map[bool]string{true: "counts", false: "count"}[r.Clipped == 1]))
	}
	return append(lines, strings.ToUpper(string(r.Verdict))+": "+strings.TrimPrefix(r.sentence(), "undecided: "))
}

// checkJSON is what check --json prints, and what -o writes. Losses are fractions of top1 and top5, and else in the metric's unit;
// of sqnr they are ratios of noise to signal.
type checkJSON struct {
	MadeBy         string        `json:"made_by"`
	Verdict        eval.Verdict  `json:"verdict"`
	Model          string        `json:"model"`
	Reference      string        `json:"reference"`
	Data           string        `json:"data"`
	Metric         string        `json:"metric"`
	MaxLoss        float64       `json:"max_loss"`
	Confidence     *float64      `json:"confidence"` // null of one number for all examples
	Loss           *float64      `json:"loss"`
	Low            *float64      `json:"loss_low"`
	High           *float64      `json:"loss_high"`
	N              int           `json:"n"`
	Of             int           `json:"n_available"`
	More           *int          `json:"more"` // null where it cannot be told
	Worse          int           `json:"worse"`
	Better         int           `json:"better"`
	Clipped        int           `json:"clipped"`
	Top            *float64      `json:"accuracy,omitempty"`
	ReferenceTop   *float64      `json:"reference_accuracy,omitempty"`
	Seed           uint64        `json:"seed"`
	Numbers        string        `json:"numbers"`
	ReferenceKind  string        `json:"reference_numbers"`
	ModelBytes     int64         `json:"model_bytes"`
	ReferenceBytes int64         `json:"reference_bytes"`
	Threads        int           `json:"threads"`
	Tier           string        `json:"tier"`
	Seconds        float64       `json:"seconds"`
	Input          *flags.Pixels `json:"input"`
	Message        string        `json:"message"`
	DryRun         bool          `json:"dry_run,omitempty"`
}

// madeBy is how a file of check is known for one.
const madeBy = "linquant check"

func (r *checkReport) json() checkJSON {
	j := checkJSON{
		MadeBy: madeBy, Verdict: r.Verdict, Model: r.model, Reference: r.cfg.reference, Data: r.data, Metric: r.cfg.metric,
		MaxLoss: r.config.MaxLoss, Confidence: &r.config.Confidence, Loss: text.Finite(r.Loss), N: r.N, Of: r.Of,
		Worse: r.Worse, Better: r.Better, Clipped: r.Clipped, Seed: r.cfg.seed, Numbers: r.Network.Numbers.String(),
		ReferenceKind: r.Reference.Numbers.String(), ModelBytes: r.bytes[0], ReferenceBytes: r.bytes[1],
		Threads: flags.ThreadCount(r.cfg.Threads), Tier: r.Network.CPU(), Seconds: r.took.Seconds(),
		Input: flags.NewPixels(r.Preparation), Message: r.sentence(),
	}
	if r.More >= 0 {
		j.More = &r.More
	}
	if r.Whole {
		j.Confidence = nil
	} else {
		j.Low, j.High = &r.Bounds.Low, &r.Bounds.High
	}
	if r.labels() && r.N > 0 {
		a, b := float64(r.Right)/float64(r.N), float64(r.ReferenceRight)/float64(r.N)
		j.Top, j.ReferenceTop = &a, &b
	}
	return j
}
