package recipe_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"linquant/checkpoint"
	"linquant/internal/onnxpb"
	_ "linquant/internal/testing/seeds"
	"linquant/recipe"
	"linquant/tensor"
)

// TestRead holds what each key of a text becomes.
func TestRead(t *testing.T) {
	r, err := recipe.Read([]byte(`# A comment.
recipe: 1
model: "resnet20.th"
weight-bits: 4
keep-edges: true
override:
  - layer1.*=w8   # of which the later wins
  - '*=float'
  - "!fc,x=y=w4a8"
percentile: 99.9
mean: [0.485, .456, 4e-1]
std: 0.25,0.5
bgr: false
resize: 0
calib: cifar10:C:\data:test
made:
  linquant: v1.2.3
  model-sha256: 0123456789012345678901234567890123456789012345678901234567890123
`))
	if err != nil {
		t.Fatal(err)
	}
	no, zero := false, 0
	want := &recipe.Recipe{
		Model: "resnet20.th", WeightBits: 4, KeepEdges: true, Overrides: []string{"layer1.*=w8", "*=float", "!fc,x=y=w4a8"},
		Percentile: 99.9, Mean: []float32{0.485, 0.456, 0.4}, Std: []float32{0.25, 0.5}, BGR: &no, Resize: &zero, Calib: `cifar10:C:\data:test`,
		Made: recipe.Made{Version: "v1.2.3", Model: "0123456789012345678901234567890123456789012345678901234567890123"},
	}
	if diff := cmp.Diff(want, r, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		key   string
		i, at int
	}{{"weight-bits", -1, 4}, {"override", -1, 6}, {"override", 1, 8}, {"override", 5, 6}, {"format", -1, 0}} {
		if line := r.Line(tt.key, tt.i); line != tt.at {
			t.Errorf("%s %d: line %d, want %d", tt.key, tt.i, line, tt.at)
		}
	}
}

// TestStrict has a text for each thing that is refused.
func TestStrict(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "it is empty: begin with recipe: 1"},
		{"# nothing\n", "it is empty: begin with recipe: 1"},
		{"weight-bits: 4\n", "the key recipe is missing, which says the version of the format: write recipe: 1"},
		{"recipe: 2\n", "line 1: recipe: this linquant reads recipes up to version 1, and this is 2: use a newer linquant"},
		{"recipe: one\n", `line 1: recipe: "one" is no version: write 1`},
		{"recipe: [1]\n", `line 1: recipe: "" is no version: write 1`},
		{"recipe: 1\n\nweight-bit: 4\n", `line 3: there is no key "weight-bit"; did you mean "weight-bits"?`},
		{"recipe: 1\nfrobnicate: 4\n", `line 2: there is no key "frobnicate": keys are the names of the flags of 'linquant quantize --help'`},
		{"recipe: 1\nbits: 4\n", `line 2: there is no key "bits"; near to it: "weight-bits", "act-bits"`},
		{"recipe: 1\nweight_range: mse\n", `line 2: there is no key "weight_range"; did you mean "weights"?`},
		{"recipe: 1\nthreads: 4\n", `line 2: there is no key "threads": --threads stands on the command line alone`},
		{"recipe: 1\nmade: {time: now}\n", `line 2: there is no key "time"; there are "linquant", "model-sha256"`},
		{"version: 1\n", "the key recipe is missing"},
		{"recipe: 1\noverride:\n  - conv1: w4\n", "line 3: override: a single value belongs here, or a list of them, written as the flag takes it: \"conv1=w4\""},
		{"recipe: 1\noverride: {conv1: w4}\n", "line 2: override: a single value belongs here, or a list of them, written as the flag takes it: \"conv1=w4\""},
		{"recipe: 1\nmade:\n  model: x\n", `line 3: there is no key "model"; did you mean "model-sha256"?`},
		{"recipe: 1\nmade: x\n", `line 2: made: it has keys of its own: linquant, model-sha256, calib-sha256, ranges-sha256, constants-sha256`},
		{"recipe: 1\nmade: {model-sha256: 12}\n", `line 2: model-sha256: "12" is no SHA-256, which has 64 hexadecimal digits`},
		{"recipe: 1\nweight-bits: 4\nper: tensor\nweight-bits: 5\n", `line 4: "weight-bits" stands on line 2 already`},
		{"recipe: 1\nweight-bits: four\n", `line 2: weight-bits: "four": write a whole number`},
		{"recipe: 1\nweight-bits: 4.5\n", `line 2: weight-bits: "4.5": write a whole number`},
		{"recipe: 1\nweight-bits: [4, 5]\n", `line 2: weight-bits: it has 2 values: give it one`},
		{"recipe: 1\nweight-bits: {a: 5}\n", `line 2: weight-bits: a single value belongs here, or a list of them, written as the flag`},
		{"recipe: 1\nweight-bits:\n", `line 2: weight-bits: it says nothing: give it a value, or leave it out`},
		{"recipe: 1\ncalib: ''\n", `line 2: calib: it says nothing: give it a value, or leave it out`},
		{"recipe: 1\noverride: []\n", `line 2: override: it says nothing: give it a value, or leave it out`},
		{"recipe: 1\ncalib-size: 0\n", `line 2: calib-size: it cannot be 0: leave it out for what is so by default`},
		{"recipe: 1\npercentile: 0.0\n", `line 2: percentile: it cannot be 0.0: leave it out`},
		{"recipe: 1\nkeep-edges: yes\n", `line 2: keep-edges: "yes": write true or false`},
		{"recipe: 1\npercentile: 99.9%\n", `line 2: percentile: "99.9%": write a number without a unit, such as 5 or 0.5`},
		{"recipe: 1\npercentile: .nan\n", `line 2: percentile: ".nan": write a number`},
		{"recipe: 1\npercentile: NaN\n", `line 2: percentile: "NaN": write a number`},
		{"recipe: 1\nmean: [1, x]\n", `line 2: mean: "x": write a number`},
		{"recipe: 1\nmean: [[1]]\n", `line 2: mean: a single value belongs here`},
		{"recipe: 1\noverride:\n  - a=w4\n  - *conv\n", "line 4: no YAML: unknown anchor 'conv' referenced; put what begins with *, ! or & in quotes"},
		{"recipe: 1\noverride:\n  - a=w4\n  - *.conv=w4\n", "in quotes, such as '*.conv1=w4'"},
		{"recipe: 1\noverride:\n  - !conv=w4\n", "line 3: override: anchors, aliases and tags of YAML are not read here; put what begins with"},
		{"recipe: 1\nper: &a tensor\nscheme: *a\n", "line 2: per: anchors, aliases"},
		{"recipe: 1\n<<: {per: tensor}\n", `line 2: there is no key "<<"`},
		{"recipe: 1\n? [a]\n: b\n", "line 2: a single value belongs here"},
		{"recipe: 1\n---\nrecipe: 1\n", "a second document begins: a recipe is one"},
		{"- recipe: 1\n", "line 1: it is no recipe, which has lines of KEY: VALUE"},
		{"recipe: 1\n\tper: tensor\n", "line 2: no YAML: found a tab character that violates indentation"},
		{"recipe: 1\nper: [\n", "no YAML: "},
		{"recipe: 1\nper: \xff\n", "it is no text: a recipe is a YAML file, or stands in an .onnx"},
		{"recipe: 1\nper: \x00\n", "it is no text"},
		{"recipe: 1\n#" + strings.Repeat("x", recipe.MaxBytes), "it has 262155 bytes: a recipe has 262144 at most"},
	} {
		_, err := recipe.Read([]byte(tt.text))
		var of *recipe.Error
		switch {
		case err == nil:
			t.Errorf("%q: no error, want %q", tt.text[:min(len(tt.text), 99)], tt.want)
		case !errors.As(err, &of):
			t.Errorf("%q: an error of type %T", tt.text, err)
		case !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%q:\n%v, want\n%v", tt.text[:min(len(tt.text), 99)], err, tt.want)
		}
	}
}

// drawRecipe draws a recipe that says some of what there is to say.
func drawRecipe(t *rapid.T) *recipe.Recipe {
	r := &recipe.Recipe{}
	words := rapid.OneOf(rapid.StringMatching(`[a-z*!&?\[\]{}:,=#. "'%@|>-]{1,12}`), rapid.StringN(1, 12, -1),
		rapid.SampledFrom([]string{"true", "null", "~", "1", "0x1f", "1e3", ".inf", "2026-01-01", "no", "<<", "=", "- a", "a: b", "# x", " a ", "a\nb\n", "\u2028", "\ufeff", "\\", "'"}))
	fill(t, reflect.ValueOf(r).Elem(), words)
	if rapid.Bool().Draw(t, "made") {
		digits := rapid.StringMatching(`[0-9a-f]{64}`)
		r.Made = recipe.Made{Version: words.Draw(t, "version"), Model: digits.Draw(t, "model"), Calib: digits.Draw(t, "calib")}
	}
	return r
}

func fill(t *rapid.T, of reflect.Value, words *rapid.Generator[string]) {
	for i := range of.NumField() {
		key := of.Type().Field(i).Tag.Get("key")
		if key == "" || !rapid.Bool().Draw(t, "has "+key) {
			continue
		}
		switch f := of.Field(i); f.Interface().(type) {
		case string:
			f.SetString(words.Draw(t, key))
		case []string:
			f.Set(reflect.ValueOf(rapid.SliceOfN(words, 1, 4).Draw(t, key)))
		case []float32:
			f.Set(reflect.ValueOf(rapid.SliceOfN(rapid.Float32(), 1, 4).Draw(t, key)))
		case int:
			f.SetInt(int64(rapid.Int32().Filter(func(v int32) bool { return v != 0 }).Draw(t, key)))
		case bool:
			f.SetBool(true)
		case float64:
			f.SetFloat(rapid.Float64().Filter(func(v float64) bool { return v != 0 }).Draw(t, key))
		case *float32:
			f.Set(reflect.ValueOf(rapid.Ptr(rapid.Float32(), false).Draw(t, key)))
		case *float64:
			f.Set(reflect.ValueOf(rapid.Ptr(rapid.Float64(), false).Draw(t, key)))
		case *bool:
			f.Set(reflect.ValueOf(rapid.Ptr(rapid.Bool(), false).Draw(t, key)))
		case *int:
			v := int(rapid.Int32().Draw(t, key))
			f.Set(reflect.ValueOf(&v))
		default:
			t.Fatalf("a field of type %v", f.Type())
		}
	}
}

// TestRoundTrip writes recipes and reads them back: nothing is lost, and what is written again is the same to the byte. The settings
// make the same recipe.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecipe(t)
		text, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		back, err := recipe.Read(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(r, back, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, text)
		}
		if again, err := back.Text(); err != nil || string(again) != string(text) {
			t.Fatalf("%v: written\n%s\nand again\n%s", err, text, again)
		}
		of := &recipe.Recipe{Made: r.Made}
		for _, s := range r.Settings() {
			if err := of.Set(s.Key, s.Values...); err != nil {
				t.Fatalf("%v: %v", s, err)
			}
		}
		if diff := cmp.Diff(r, of, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
			t.Fatalf("settings (-want +got):\n%s", diff)
		}
	})
}

// TestText holds how a recipe looks.
func TestText(t *testing.T) {
	bgr := true
	r := &recipe.Recipe{
		WeightBits: 4, Per: "channel", KeepEdges: true, Overrides: []string{"layer1.*=w8", "*.fc=float"}, Mean: []float32{0.1, 0.5}, BGR: &bgr,
		Labels: "true", Made: recipe.Made{Version: "devel"},
	}
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	const want = `recipe: 1
weight-bits: 4
per: channel
keep-edges: true
override:
  - layer1.*=w8
  - '*.fc=float'
mean: [0.1, 0.5]
bgr: true
labels: "true"
made:
  linquant: devel
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.Labels = strings.Repeat("x", recipe.MaxBytes)
	if _, err := r.Text(); err == nil {
		t.Error("a text that is too long to be read is written")
	}
}

// TestOpen opens the recipes of YAML files, ONNX files and safetensors files.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := "recipe: 1\nweight-bits: 4\n"
	network := func(metadata ...onnxpb.Entry) []byte {
		var b strings.Builder
		m := onnxpb.Model{IRVersion: 7, Graph: &onnxpb.Graph{Name: "g"}, Metadata: metadata}
		if err := m.Write(&b); err != nil {
			t.Fatal(err)
		}
		return []byte(b.String())
	}
	weights := func(metadata map[string]string) []byte {
		x, err := tensor.Of(tensor.Shape{1}, []float32{1})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := checkpoint.WriteSafetensors(&b, metadata, []checkpoint.Output{checkpoint.FromTensor("x", x)}); err != nil {
			t.Fatal(err)
		}
		return []byte(b.String())
	}
	for name, data := range map[string][]byte{
		"r.yaml": []byte(text), "r": []byte(text), "r.ONNX": network(onnxpb.Entry{Key: "a", Value: "b"}, onnxpb.Entry{Key: recipe.MetadataKey, Value: text}),
		"r.safetensors": weights(map[string]string{recipe.MetadataKey: text}),
	} {
		if r, err := recipe.Open(write(name, data)); err != nil || r.WeightBits != 4 {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for name, of := range map[string]struct {
		data []byte
		want string
	}{
		"none.onnx":        {network(), "none.onnx: it carries no recipe: those that linquant quantize makes do"},
		"none.safetensors": {weights(nil), "none.safetensors: it carries no recipe"},
		"bad.onnx":         {network(onnxpb.Entry{Key: recipe.MetadataKey, Value: text + "x: 1\n"}), `bad.onnx: its recipe, line 3: there is no key "x"`},
		"bad.yaml":         {[]byte(text + "x: 1\n"), `bad.yaml: line 3: there is no key "x"`},
		"cut.onnx":         {[]byte("\x08"), "cut.onnx: it is no ONNX file, or damaged: "},
		"cut.safetensors":  {[]byte("\x08"), "cut.safetensors: "},
		"large.yaml":       {make([]byte, 4<<20), "a recipe has 262144 at most"},
	} {
		if _, err := recipe.Open(write(name, of.data)); err == nil || !strings.Contains(err.Error(), of.want) {
			t.Errorf("%s: %v, want %s", name, err, of.want)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing.yaml"), filepath.Join(dir, "missing.onnx")} {
		if _, err := recipe.Open(path); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	if !slices.Contains(recipe.Keys(), "weight-bits") || slices.Contains(recipe.Keys(), "") {
		t.Errorf("keys %q", recipe.Keys())
	}
}

// hostile are texts that are as long as a recipe may be and are meant to cost much.
func hostile() map[string]string {
	fill := func(before, s, after string) string {
		return before + strings.Repeat(s, (recipe.MaxBytes-len(before)-len(after))/len(s)) + after
	}
	bomb := "recipe: 1\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i, names := 1, "0123456789abcdef"; i < len(names); i++ {
		alias := "*a" + names[i-1:i]
		bomb += "a" + names[i:i+1] + ": &a" + names[i:i+1] + " [" + strings.Repeat(alias+",", 8) + alias + "]\n"
	}
	return map[string]string{
		"alias bomb": bomb, "merge bomb": "recipe: 1\na: &a {b: c}\n" + fill("", "<<: *a\n", ""),
		"deep lists": fill("recipe: 1\nper: ", "[", ""), "deep mappings": fill("recipe: 1\nper: ", "{a: ", ""), "deep blocks": fill("", "- ", ""),
		"deep keys": fill("", "? ", ""), "many keys": fill("recipe: 1\n", "a:\n", ""), "empty keys": fill("", "?\n", ""),
		"many values": fill("recipe: 1\noverride: [", "a,", "]"), "many entries": fill("recipe: 1\nper: {", "a: b,", "}"),
		"comments": fill("recipe: 1\noverride:\n", "- a #\n", ""), "escapes": fill("recipe: 1\nper: \"", `\x41`, `"`), "folded": fill("recipe: 1\nper: >\n", " a\n", ""),
		"anchors": fill("recipe: 1\noverride:\n", "- &a b\n", ""), "tags": fill("recipe: 1\noverride:\n", "- !a b\n", ""), "documents": fill("recipe: 1\n", "---\n", ""),
	}
}

// TestHostile bounds what texts take that are meant to cost much.
func TestHostile(t *testing.T) {
	for name, text := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		r, err := recipe.Read([]byte(text))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 64<<20 {
			t.Errorf("%s: %d MB were allocated", name, allocated>>20)
		}
		if took > 10*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		if ok := slices.Contains([]string{"many values", "comments", "escapes", "folded"}, name); ok != (err == nil) {
			t.Errorf("%s: %v, %v", name, r != nil, err)
		}
	}
}

// FuzzRead gives any text: it is refused with an error of one line, or written so that it reads as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte("recipe: 1\nweight-bits: 4\noverride:\n  - '*=w4'\nmean: [1, 2]\nbgr: false\nmade: {linquant: devel}\n"))
	f.Add([]byte("recipe: 1\n\"a\\nb\": c\n\"a\\nb\": {\"d\\ne\": f}\n"))
	f.Add([]byte("recipe: 1\nper: {\"d\\ne\": f}\n"))
	f.Add([]byte("recipe: 1\nper: |\n  a\n  b\n# c\n"))
	for _, text := range hostile() {
		f.Add([]byte(text[:min(len(text), 1<<12)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := recipe.Read(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		text, err := r.Text()
		if err != nil {
			t.Skip(err) // it grew beyond what is read
		}
		back, err := recipe.Read(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(r, back, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
			t.Errorf("(-read +written and read):\n%s", diff)
		}
	})
}
