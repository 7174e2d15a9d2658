package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"linquant/eval"
)

// What JUnit XML is, as GitLab, Jenkins and GitHub's actions read it: testsuites, a testsuite with its counts and properties, a testcase.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		junitCounts
		Suite junitSuite `xml:"testsuite"`
	}
	junitCounts struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Time     string `xml:"time,attr"` // seconds
	}
	junitSuite struct {
		junitCounts
		Skipped    int             `xml:"skipped,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Case       junitCase       `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitProblem `xml:"skipped"`
		Failure *junitProblem `xml:"failure"`
		Out     string        `xml:"system-out"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the check as one test. What is undecided is a failure too, or with --allow-undecided skipped.
func (r *checkReport) writeJUnit(w io.Writer) error {
	var out strings.Builder
	if err := r.print(&out); err != nil {
		return err
	}
	seconds := fmt.Sprintf("%.3f", r.took.Seconds())
	test := junitCase{Name: r.claim(false), Class: "linquant.check", Time: seconds, Out: out.String()}
	counts, skipped := junitCounts{Name: madeBy, Tests: 1, Time: seconds}, 0
	problem := &junitProblem{Message: r.sentence(), Type: string(r.Verdict), Text: strings.Join(r.lines(), "\n")}
	switch {
	case r.Verdict == eval.Pass:
	case r.Verdict == eval.Undecided && r.cfg.allowUndecided:
		problem.Type = "" // which skipped does not have
		test.Skipped, skipped = problem, 1
	default:
		test.Failure, counts.Failures = problem, 1
	}
	suite := junitSuite{junitCounts: counts, Skipped: skipped, Timestamp: r.start.UTC().Format(time.RFC3339)[:19], Case: test}
	for _, p := range [][2]string{
		{"model", r.model},
		{"reference", r.cfg.reference},
		{"data", r.data},
		{"metric", r.cfg.metric},
		{"verdict", string(r.Verdict)},
		{"max_loss", fmt.Sprint(r.config.MaxLoss)},
		{"loss", fmt.Sprint(r.Loss)},
		{"n", fmt.Sprint(r.N)},
		{"seed", fmt.Sprint(r.cfg.seed)},
	} {
		suite.Properties = append(suite.Properties, junitProperty{p[0], p[1]})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{junitCounts: counts, Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
