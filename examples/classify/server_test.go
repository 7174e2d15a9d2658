package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"linquant/builtin"
	"linquant/engine"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/tensor"
)

// digit returns a picture of the built-in test set as a PNG, and what it shows.
func digit(t testing.TB, i int) ([]byte, int) {
	t.Helper()
	set, err := builtin.Data("test")
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 3*32*32)
	label, err := set.Read(t.Context(), i, x)
	if err != nil {
		t.Fatal(err)
	}
	m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for p := range 1024 {
		m.Set(p%32, p/32, color.NRGBA{uint8(x[p]), uint8(x[1024+p]), uint8(x[2048+p]), 255})
	}
	return pngOf(t, m), label
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testServer(t testing.TB, l limits) *server {
	t.Helper()
	m, err := load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(m, 3, 0, l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type answer struct {
	Classes []class
	Error   string
	Status  string
}

// read checks that a response is JSON with that status, and decodes it.
func read(t testing.TB, r *http.Response, status int) answer {
	t.Helper()
	defer r.Body.Close()
	var a answer
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Errorf("the answer is no JSON: %v", err)
	}
	if r.StatusCode != status || r.Header.Get("Content-Type") != "application/json" || (a.Error == "") != (status == http.StatusOK) {
		t.Errorf("status %d, %q, %+v; want status %d", r.StatusCode, r.Header.Get("Content-Type"), a, status)
	}
	return a
}

func ask(t testing.TB, s *server, method, path, kind string, body io.Reader, status int) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return read(t, w.Result(), status)
}

// The embedded network knows the built-in digits, sent in any way.
func TestClassify(t *testing.T) {
	s := testServer(t, limits{})
	const images = 20
	right := 0
	for i := range images {
		data, label := digit(t, i)
		a := ask(t, s, "POST", "/classify", "image/png", bytes.NewReader(data), http.StatusOK)
		if len(a.Classes) != 3 || a.Classes[0].Probability < a.Classes[1].Probability || a.Classes[0].Label != fmt.Sprint(a.Classes[0].Class) {
			t.Fatalf("%+v", a)
		}
		if a.Classes[0].Class == label {
			right++
		}
	}
	if right < images*8/10 {
		t.Errorf("%d of %d are right", right, images)
	}
	data, _ := digit(t, 0)
	want := ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusOK)
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("note", "a digit")
	part, _ := m.CreateFormFile("image", "digit.png")
	_, _ = part.Write(data)
	_ = m.Close()
	got := ask(t, s, "POST", "/classify", m.FormDataContentType(), &form, http.StatusOK)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("by form %+v, as the body %+v", got, want)
	}
	// A large image is made smaller.
	large := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	ask(t, s, "POST", "/classify", "image/png", bytes.NewReader(pngOf(t, large)), http.StatusOK)
}

func TestErrors(t *testing.T) {
	data, _ := digit(t, 0)
	s := testServer(t, limits{Bytes: 64 << 10, Pixels: 100 * 100})
	form := func(field string, data []byte) (string, string) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		part, _ := m.CreateFormFile(field, "x")
		_, _ = part.Write(data)
		_ = m.Close()
		return b.String(), m.FormDataContentType()
	}
	other, otherKind := form("picture", data)
	cut, cutKind := form("image", data)
	big, bigKind := form("image", append(bytes.Clone(data[:len(data)-20]), make([]byte, 1<<20)...))
	tests := []struct {
		name, method, path, kind, body string
		status                         int
		want                           string
	}{
		{"nothing there", "GET", "/", "", "", 404, "/classify"},
		{"wrong method", "GET", "/classify", "", "", 405, "use POST"},
		{"wrong method of health", "DELETE", "/healthz", "", "", 405, "use GET"},
		{"wrong type", "POST", "/classify", "application/json", "{}", 415, "send a PNG"},
		{"nonsense type", "POST", "/classify", ";;", "{}", 415, "send a PNG"},
		{"text", "POST", "/classify", "image/png", "hello", 415, "no PNG"},
		{"empty", "POST", "/classify", "", "", 415, "it is empty"},
		{"truncated", "POST", "/classify", "image/png", string(data[:len(data)/2]), 400, "does not decode"},
		{"noise behind the beginning", "POST", "/classify", "image/png", string(data[:200]) + strings.Repeat("x", 1<<10), 400, "does not decode"},
		{"much noise behind the beginning", "POST", "/classify", "image/png", string(data[:200]) + strings.Repeat("x", 1<<20), 413, "more than 65536 bytes"},
		{"too many pixels", "POST", "/classify", "image/png", string(pngOf(t, image.NewGray(image.Rect(0, 0, 101, 100)))), 413, "101×100 pixels"},
		{"no field", "POST", "/classify", otherKind, other, 400, "no field image"},
		{"form cut short", "POST", "/classify", cutKind, cut[:len(cut)/2], 400, ""},
		{"form without end", "POST", "/classify", "multipart/form-data", "x", 400, ""},
		{"form with noise", "POST", "/classify", bigKind, big, 413, "more than 65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(t, s, tt.method, tt.path, tt.kind, strings.NewReader(tt.body), tt.status)
			if !strings.Contains(a.Error, tt.want) {
				t.Errorf("error %q, want %q", a.Error, tt.want)
			}
		})
	}
	// Noise does not compress: the body itself is too large.
	noise := image.NewNRGBA(image.Rect(0, 0, 99, 99))
	seed := uint32(1)
	for i := range noise.Pix {
		seed = seed*1664525 + 1013904223
		noise.Pix[i] = byte(seed >> 24)
	}
	small := testServer(t, limits{Bytes: 4 << 10})
	a := ask(t, small, "POST", "/classify", "image/png", bytes.NewReader(pngOf(t, noise)), http.StatusRequestEntityTooLarge)
	if !strings.Contains(a.Error, "more than 4096 bytes") {
		t.Errorf("error %q", a.Error)
	}
	// After all of that it still answers.
	ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusOK)
}

// A network that answers nothing usable is the server's fault.
func TestNaN(t *testing.T) {
	w, err := tensor.Of(tensor.Shape{2, 12}, slices.Repeat([]float32{float32(math.NaN())}, 24))
	if err != nil {
		t.Fatal(err)
	}
	g := graph.New("nan")
	g.AddInput("x", tensor.Shape{graph.Batch, 3, 2, 2})
	g.AddConst("w", w)
	flat := g.AddNode(graph.Flatten, "flatten", "flat", nil, "x")
	g.Outputs = []string{g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1}, flat, "w")}
	m, err := pipeline.CompileGraph(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(m, 1, 0, limits{})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := digit(t, 0)
	if a := ask(t, s, "POST", "/classify", "", bytes.NewReader(data), http.StatusInternalServerError); a.Error != "the server failed" {
		t.Errorf("%+v", a)
	}
}

func TestRunErrors(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // of a server that should not have started
	defer cancel()
	for args, want := range map[string]string{
		"-model nowhere.onnx":  "nowhere.onnx",
		"-resize 5":            "does not cover",
		"-top 0":               "-top 0",
		"x.png":                "no arguments",
		"-addr nonsense:-1":    "listen tcp",
		"-max-pixels few -h":   "max-pixels",
		"-max-requests -1":     "numbers above 0",
		"-workers -1":          "numbers above 0",
		"-model server.go":     "server.go: ",
		"-timeout soon -top 3": "timeout",
	} {
		err := run(ctx, strings.Fields(args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("classify %s: error %v, want %q", args, err, want)
		}
	}
}
