package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// start runs a server at a free port, and returns its address and what stops it and waits.
func start(t *testing.T, s *server) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, l) }()
	t.Cleanup(cancel)
	return "http://" + l.Addr().String(), func() error {
		cancel()
		http.DefaultClient.CloseIdleConnections() // or the server waits 5 s for the first request of a surplus one
		return <-done
	}
}

// Many at once get the same answer; those beyond the limit are told to come back, and do.
func TestConcurrent(t *testing.T) {
	data, _ := digit(t, 3)
	s := testServer(t, limits{Requests: 2})
	want := fmt.Sprint(ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusOK))
	url, stop := start(t, s)
	var wait sync.WaitGroup
	var busy atomic.Int32
	for range 16 {
		wait.Go(func() {
			for {
				r, err := http.Post(url+"/classify", "image/png", bytes.NewReader(data))
				if err != nil {
					t.Error(err)
					return
				}
				if r.StatusCode == http.StatusServiceUnavailable {
					busy.Add(1)
					if r.Header.Get("Retry-After") == "" {
						t.Error("busy, without saying when to try again")
					}
					read(t, r, http.StatusServiceUnavailable)
					time.Sleep(time.Millisecond)
					continue
				}
				if got := fmt.Sprint(read(t, r, http.StatusOK)); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				return
			}
		})
	}
	wait.Wait()
	t.Logf("told to come back %d times", busy.Load())
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// slow is a body that sends its beginning, and the rest when it is told to.
func slow(data []byte) (body io.Reader, finish func()) {
	r, w := io.Pipe()
	half, rest := data[:len(data)/2], data[len(data)/2:]
	more := make(chan struct{})
	go func() {
		_, _ = w.Write(half)
		<-more
		_, _ = w.Write(rest)
		w.Close()
	}()
	return r, sync.OnceFunc(func() { close(more) })
}

// post sends a slow request and returns its answer later.
func post(url string, body io.Reader) chan any {
	answers := make(chan any, 1)
	go func() {
		r, err := http.Post(url+"/classify", "image/png", body)
		if err != nil {
			answers <- err
			return
		}
		answers <- r
	}()
	return answers
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for range 1000 {
		if condition() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s: it did not come to that", what)
}

// Clients that are slow to send their images keep nobody from being answered.
func TestSlowClients(t *testing.T) {
	data, label := digit(t, 0)
	s := testServer(t, limits{Workers: 1})
	url, stop := start(t, s)
	const clients = 5
	var finishes []func()
	var slows []chan any
	for range clients {
		body, finish := slow(data)
		finishes, slows = append(finishes, finish), append(slows, post(url, body))
	}
	until(t, "all there", func() bool { return len(s.pending) == clients })
	if a := read(t, <-responses(t, post(url, bytes.NewReader(data))), http.StatusOK); a.Classes[0].Class != label {
		t.Errorf("%+v, want %d", a, label)
	}
	for i, finish := range finishes {
		finish()
		read(t, <-responses(t, slows[i]), http.StatusOK)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A request waits for a worker, but not longer than it may.
func TestBusy(t *testing.T) {
	data, _ := digit(t, 0)
	s := testServer(t, limits{Workers: 1, Timeout: 50 * time.Millisecond})
	s.working <- struct{}{}
	ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusServiceUnavailable)
	s = testServer(t, limits{Workers: 1})
	s.working <- struct{}{}
	time.AfterFunc(50*time.Millisecond, func() { <-s.working })
	ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusOK)
}

// A server that stops answers the request that it has, and takes no other.
func TestShutdown(t *testing.T) {
	data, label := digit(t, 0)
	s := testServer(t, limits{Requests: 1})
	url, stop := start(t, s)
	read(t, get(t, url+"/healthz"), http.StatusOK)
	body, finish := slow(data)
	answers := post(url, body)
	until(t, "working", func() bool { return len(s.pending) == 1 })
	// No other is let in.
	read(t, <-responses(t, post(url, bytes.NewReader(data))), http.StatusServiceUnavailable)
	done := make(chan error, 1)
	go func() { done <- stop() }()
	until(t, "stopping", s.stopped.Load)
	ask(t, s, "GET", "/healthz", "", nil, http.StatusServiceUnavailable)
	until(t, "closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	finish()
	if a := read(t, <-responses(t, answers), http.StatusOK); a.Classes[0].Class != label {
		t.Errorf("%+v, want %d", a, label)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A request that does not end is cut off, by its own time or by that of the server that stops.
func TestTimeouts(t *testing.T) {
	data, _ := digit(t, 0)
	s := testServer(t, limits{Timeout: 700 * time.Millisecond})
	url, stop := start(t, s)
	body, finish := slow(data)
	defer finish()
	read(t, <-responses(t, post(url, body)), http.StatusRequestTimeout)
	until(t, "free", func() bool { return len(s.pending) == 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}

	s = testServer(t, limits{Timeout: time.Hour, Drain: 100 * time.Millisecond})
	url, stop = start(t, s)
	endless, end := slow(data)
	defer end()
	answers := post(url, endless)
	until(t, "working", func() bool { return len(s.pending) == 1 })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "requests were cut off") {
		t.Errorf("error %v", err)
	}
	end()
	if _, ok := (<-answers).(error); !ok {
		t.Error("the request was answered")
	}
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// responses are answers that must be responses.
func responses(t *testing.T, answers chan any) chan *http.Response {
	t.Helper()
	c := make(chan *http.Response, 1)
	switch a := (<-answers).(type) {
	case *http.Response:
		c <- a
	case error:
		t.Fatal(a)
	}
	return c
}
