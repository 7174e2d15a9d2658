package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"linquant/dataset"
	"linquant/pipeline"
	"linquant/vision"
)

// limits keep one client from taking what all need. Zero fields have defaults.
type limits struct {
	Bytes    int64         // of a request's body; 0 means 8 MiB
	Pixels   int           // of an image; 0 means 16 million
	Requests int           // at once, those that are still arriving too; others are told to come back; 0 means 64
	Workers  int           // images decoded and classified at once; 0 means one for each processor
	Timeout  time.Duration // for a request to arrive and to be answered; 0 means 10 s
	Drain    time.Duration // for requests to end when the server stops; 0 means Timeout and 1 s more
}

func (l limits) withDefaults() limits {
	l.Bytes = cmp.Or(l.Bytes, 8<<20)
	l.Pixels = cmp.Or(l.Pixels, 16_000_000)
	l.Requests = cmp.Or(l.Requests, 64)
	l.Workers = cmp.Or(l.Workers, runtime.GOMAXPROCS(0))
	l.Timeout = cmp.Or(l.Timeout, 10*time.Second)
	l.Drain = cmp.Or(l.Drain, l.Timeout+time.Second)
	return l
}

// server classifies images over HTTP:
//
//	POST /classify  the image is the body, or the field "image" of a form: {"classes": [{"class", "label", "probability"}]}
//	GET /healthz    {"status": "ok"}, or 503 once the server stops
//
// Every error is {"error": "…"} with a status that says whose it is.
type server struct {
	model   *pipeline.Model
	image   dataset.ImageConfig
	top     int
	limits  limits
	pending chan struct{} // one for each request that is not answered yet
	working chan struct{} // one for each image that is worked on: a client that is slow to send it takes none
	stopped atomic.Bool
}

// newServer checks that the model classifies images. shorter is ImageConfig.Resize, 0 what the model says.
func newServer(m *pipeline.Model, top, shorter int, l limits) (*server, error) {
	s := &server{model: m, top: top, limits: l.withDefaults()}
	var err error
	if s.image, err = m.ImageConfig(); err != nil {
		return nil, err
	}
	if len(m.Inputs()) != 1 || len(m.Outputs()) != 1 {
		return nil, errors.New("the model is no classifier: one input and one output are needed")
	}
	s.image.Resize = cmp.Or(shorter, s.image.Resize)
	if side := max(s.image.Height, s.image.Width); s.image.Resize != 0 && s.image.Resize < side {
		return nil, fmt.Errorf("an image resized to %d pixels does not cover the %d that the model takes", s.image.Resize, side)
	}
	if l := s.limits; l.Bytes < 1 || l.Pixels < 1 || l.Requests < 1 || l.Workers < 1 || l.Timeout < 0 || l.Drain < 0 {
		return nil, errors.New("limits are numbers above 0")
	}
	s.image.MaxPixels = s.limits.Pixels
	s.pending, s.working = make(chan struct{}, s.limits.Requests), make(chan struct{}, s.limits.Workers)
	return s, nil
}

// ServeHTTP answers a request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	var err error
	switch r.URL.Path {
	case "/classify":
		answer, err = s.classify(w, r)
	case "/healthz":
		answer, err = s.health(r)
	default:
		err = failure{http.StatusNotFound, errors.New("there are /classify and /healthz")}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, answer)
}

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone needs no answer
}

var errBusy = errors.New("the server is busy: try again")

// failure is an error with the status that it is answered with.
type failure struct {
	status int
	error
}

func (f failure) Unwrap() error { return f.error }

// fail answers with an error. What is the server's own fault is logged, and not told.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var f failure
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		status = http.StatusRequestEntityTooLarge
		err = fmt.Errorf("the request has more than %d bytes: send a smaller image", large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded): // of reading
		status = http.StatusRequestTimeout
		err = fmt.Errorf("the request took longer than %v to arrive", s.limits.Timeout)
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
		err = errBusy
	case r.Context().Err() != nil:
		return // the client is gone
	case errors.As(err, &f):
		status = f.status
	default:
		slog.Error("request failed", "path", r.URL.Path, "error", err)
		err = errors.New("the server failed")
	}
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", map[string]string{"/classify": "POST", "/healthz": "GET, HEAD"}[r.URL.Path])
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	reply(w, status, map[string]string{"error": err.Error()})
}

func (s *server) health(r *http.Request) (any, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, failure{http.StatusMethodNotAllowed, errors.New("use GET")}
	}
	if s.stopped.Load() {
		return nil, failure{http.StatusServiceUnavailable, errors.New("the server is stopping")}
	}
	return map[string]string{"status": "ok"}, nil
}

// class is one answer.
type class struct {
	Class       int     `json:"class"`
	Label       string  `json:"label,omitempty"`
	Probability float32 `json:"probability"`
}

func (s *server) classify(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, failure{http.StatusMethodNotAllowed, errors.New("use POST, with an image for the body")}
	}
	select {
	case s.pending <- struct{}{}:
		defer func() { <-s.pending }()
	default:
		return nil, failure{http.StatusServiceUnavailable, errBusy}
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Timeout)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.limits.Timeout)) // a recorder in a test has none
	r.Body = http.MaxBytesReader(w, r.Body, s.limits.Bytes)
	image, err := imageOf(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(image)
	if err != nil {
		return nil, imageFailure(err)
	}
	found, err := s.work(ctx, data)
	if err != nil {
		return nil, err
	}
	classes := make([]class, len(found))
	for i, c := range found {
		if c.Probability != c.Probability { // which JSON cannot say
			return nil, errors.New("the network's output is not a number")
		}
		classes[i] = class{c.Index, c.Label, c.Probability}
	}
	return map[string]any{"classes": classes}, nil
}

// work decodes and classifies an image once there is a worker for it.
func (s *server) work(ctx context.Context, data []byte) ([]vision.Class, error) {
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	pixels, err := dataset.ReadImage(ctx, bytes.NewReader(data), s.image)
	if err != nil {
		return nil, imageFailure(err)
	}
	return s.model.Classify(ctx, pixels, s.top)
}

// imageOf returns the image in the request: the body, or the field "image" of a form.
func imageOf(r *http.Request) (io.Reader, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Content-Type") == "", kind == "application/octet-stream", strings.HasPrefix(kind, "image/"):
		return r.Body, nil
	case err != nil || kind != "multipart/form-data":
		return nil, failure{http.StatusUnsupportedMediaType, errors.New("send a PNG, JPEG, GIF, BMP or WebP image as the body, " +
			"or as the field image of a form")}
	}
	form, err := r.MultipartReader() // which keeps nothing, neither in memory nor on disk
	if err != nil {
		return nil, failure{http.StatusBadRequest, err}
	}
	for {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, failure{http.StatusBadRequest, errors.New("the form has no field image")}
		case err != nil:
			return nil, imageFailure(err)
		case part.FormName() == "image":
			return part, nil
		}
	}
}

// imageFailure says whose fault it is that an image was not read.
func imageFailure(err error) error {
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &large), errors.As(err, &network):
		return err
	case errors.Is(err, dataset.ErrNoImage):
		return failure{http.StatusUnsupportedMediaType, err}
	case errors.Is(err, dataset.ErrTooLarge):
		return failure{http.StatusRequestEntityTooLarge, err}
	}
	return failure{http.StatusBadRequest, err}
}

// serve answers requests at the listener until ctx is done. Then it takes no more, and waits for those that it has, but
// not forever.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: s.limits.Timeout, ReadTimeout: s.limits.Timeout, WriteTimeout: 2 * s.limits.Timeout,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		s.stopped.Store(true)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Drain)
		defer cancel()
		err := h.Shutdown(drain)
		if err != nil {
			h.Close()
			err = fmt.Errorf("requests were cut off: %w", err)
		}
		stopped <- err
	})
	err := h.Serve(l)
	if stop() {
		return err // it failed by itself
	}
	return <-stopped
}
