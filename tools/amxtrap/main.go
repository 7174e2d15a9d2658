//go:build linux && amd64

// Command amxtrap runs a program on a processor without AMX as if it had AMX's tiles of int8. Every other instruction
// runs as it is, at full speed: only the tile instructions, which such a processor refuses, are carried out here, as
// Intel's manual (Software Developer's Manual, volume 2, and the tile architecture in volume 1) defines them. It is
// there to prove kernels, not to time them: each of these instructions costs some microseconds.
//
//	go build -o amxtrap ./tools/amxtrap
//	go test -tags amxtrap -exec "$PWD/amxtrap" ./internal/gemm
//
// The program finds LINQUANT_AMXTRAP=1 in its environment, which package internal/cpu takes for an AMX processor if
// it was built with the tag amxtrap. The exit status is the program's.
//
// With -count it says at the end how many tile instructions there were: with what each takes (a product one cycle a
// row, for example) an estimate of the time on real hardware, and of what part of it is not products.
//
// On a processor with AMX it is of no use, and does no harm: internal/cpu is granted the tiles there, and the program's
// instructions run as they are. Where the system does not grant them, the program ends with the message that tiles are
// not configured, since it configures them without being stopped.
//
// What real hardware would answer with a fault, a tile that is not configured, shapes that do not fit, memory that is
// not there, ends the program with a message that names the instruction and the reason.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	count := flag.Bool("count", false, "count the tile instructions")
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: amxtrap [-count] PROGRAM [ARG...]") }
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	status, c, err := run(flag.Args(), append(os.Environ(), "LINQUANT_AMXTRAP=1"))
	if *count && c != nil {
		fmt.Fprintln(os.Stderr, "amxtrap:", c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "amxtrap:", err)
	}
	os.Exit(status)
}

// run runs a program until it exits, and returns its exit status, as a shell would, and what was counted.
func run(args, env []string) (status int, c *counts, err error) {
	// Linux lets only the thread that started a program trace it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t, err := start(args, env)
	if err != nil {
		return 127, nil, err
	}
	// What go test sends to a test that takes too long.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGQUIT, unix.SIGTERM)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = unix.Kill(t.program, s.(unix.Signal))
			case <-done:
				return
			}
		}
	}()
	status, err = t.follow()
	return status, &t.counts, err
}
