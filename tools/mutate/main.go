// Command mutate changes one thing at a time in the code of a package, such as < to <=, and runs the package's tests: a
// mutant that they pass is something that no test notices.
//
//	go run ./tools/mutate -n 30 ./quant ./ptq
//	go run ./tools/mutate -only 'roles' -n 0 -tests './ptq ./pipeline' ./ptq
//	go run ./tools/mutate -only '/roles.go:(157|160)$' -n 0 ./ptq
//
// Mutants are drawn from the lines that the tests reach, the same ones for a seed; lines that they do not reach are
// counted beside them. No file is changed: the go command is given mutants in place of the originals. Some survivors
// mean the same as the original, a faster way that is not taken for instance; which ones is for a reader to say.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	var r run
	count := flag.Int("n", 20, "how many mutants of a package; 0 is all")
	seed := flag.Uint64("seed", 1, "which ones are drawn")
	only := flag.String("only", "", "only places, such as /path/roles.go:157, that match this expression")
	flag.StringVar(&r.tests, "tests", "", "packages whose tests are run, with spaces between; of the package itself if there are none")
	flag.DurationVar(&r.timeout, "timeout", time.Minute, "tests that take so much longer than three times as long as they are have noticed")
	flag.StringVar(&r.skip, "skip", "", "leave out tests whose names match this expression, since they take long")
	flag.BoolVar(&r.long, "long", false, "run the tests without -short")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	scores, err := r.packages(ctx, flag.Args(), pattern, *count, *seed)
	fmt.Println()
	for _, s := range scores {
		fmt.Println(s)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A score says what became of the mutants of a package.
type score struct {
	pkg                       string
	noticed, survived, broken int // broken ones do not compile, and count for nothing
	sites, reached            int
}

func (s score) String() string {
	return fmt.Sprintf("%-28s %3d of %3d mutants noticed, %3.0f%%; tests reach %d of %d places", s.pkg, s.noticed,
		s.noticed+s.survived, 100*float64(s.noticed)/max(1, float64(s.noticed+s.survived)), s.reached, s.sites)
}

func (r run) packages(ctx context.Context, pkgs []string, only *regexp.Regexp, count int, seed uint64) (scores []score, err error) {
	for _, pkg := range pkgs {
		s, err := r.mutants(ctx, pkg, only, count, rand.New(rand.NewPCG(seed, 0)))
		scores = append(scores, s)
		if err != nil {
			return scores, err
		}
	}
	return scores, nil
}

// mutants tries mutants of one package until count of them compiled.
func (r run) mutants(ctx context.Context, pkg string, only *regexp.Regexp, count int, random *rand.Rand) (score, error) {
	s := score{pkg: pkg}
	if r.tests == "" {
		r.tests = pkg
	}
	p, err := r.list(ctx, pkg)
	if err != nil {
		return s, err
	}
	covered, err := r.cover(ctx, p)
	if err != nil {
		return s, err
	}
	var reached []mutant
	for _, file := range p.files() {
		all, err := mutate(file)
		if err != nil {
			return s, err
		}
		for _, m := range all {
			if !only.MatchString(m.place()) {
				continue
			}
			s.sites++
			if covered.has(m) {
				reached = append(reached, m)
			}
		}
	}
	s.reached = len(reached)
	random.Shuffle(len(reached), func(i, j int) { reached[i], reached[j] = reached[j], reached[i] })
	const atOnce = 100
	for len(reached) > 0 && (count == 0 || s.noticed+s.survived < count) {
		n := min(len(reached), atOnce)
		if count > 0 {
			n = min(n, count-s.noticed-s.survived)
		}
		fates, err := r.all(ctx, p, reached[:n])
		if err != nil {
			return s, err
		}
		for i, m := range reached[:n] {
			switch fates[i] {
			case broken:
				s.broken++
			case noticed:
				s.noticed++
			default:
				s.survived++
				fmt.Printf("survived  %s: %s\n", strings.TrimPrefix(m.place(), p.Root+"/"), m.what)
			}
		}
		reached = reached[n:]
	}
	return s, nil
}
