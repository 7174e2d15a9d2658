// Command classify answers over HTTP what an image shows. It is an example of a program that embeds a quantized network:
//
//	go run ./examples/classify &
//	curl --data-binary @digit.png -H 'Content-Type: image/png' localhost:8080/classify
//	curl -F image=@digit.png localhost:8080/classify
//	curl localhost:8080/healthz
//
// Without -model the network is the one in digits.onnx, which is part of the program and knows the digits. The limits on
// what a client may ask for are flags.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"linquant/engine"
	"linquant/pipeline"
)

//go:generate go run linquant/cmd/linquant quantize builtin -o digits.onnx --input-type uint8 --labels digits.txt

//go:embed digits.onnx
var digits []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "classify:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	var l limits
	flags := flag.NewFlagSet("classify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	address := flags.String("addr", "localhost:8080", "`ADDRESS` to listen at")
	path := flags.String("model", "", "ONNX `FILE` of the network (default: one that knows digits)")
	top := flags.Int("top", 5, "`NUMBER` of classes to answer with")
	resize := flags.Int("resize", 0, "`PIXELS` of an image's shorter side before the middle is cut out (default: what the model says)")
	flags.Int64Var(&l.Bytes, "max-bytes", 0, "`NUMBER` of bytes of a request (default 8 MiB)")
	flags.IntVar(&l.Pixels, "max-pixels", 0, "`NUMBER` of pixels of an image (default 16 million)")
	flags.IntVar(&l.Requests, "max-requests", 0, "`NUMBER` of requests at once, those that are still arriving too (default 64)")
	flags.IntVar(&l.Workers, "workers", 0, "`NUMBER` of images that are worked on at once (default: one for each processor)")
	flags.DurationVar(&l.Timeout, "timeout", 0, "`TIME` for a request (default 10s)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("%q: no arguments are wanted, only flags", flags.Arg(0))
	case *top < 1:
		return fmt.Errorf("-top %d: use 1 or more", *top)
	}
	model, err := load(ctx, *path)
	if err != nil {
		return err
	}
	for _, w := range model.Preparation(nil).Warnings() {
		slog.Warn(w.Warning())
	}
	s, err := newServer(model, *top, *resize, l)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	slog.Info("listening", "address", listener.Addr().String())
	return s.serve(ctx, listener)
}

// load opens the network. Each request is computed by one thread: requests share the processors.
func load(ctx context.Context, path string) (*pipeline.Model, error) {
	cfg := engine.Config{Threads: 1}
	if path != "" {
		return pipeline.LoadFile(ctx, path, cfg)
	}
	return pipeline.Load(ctx, bytes.NewReader(digits), cfg)
}
