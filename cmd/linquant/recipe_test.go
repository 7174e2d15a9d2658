package main

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"linquant/internal/onnxpb"
	"linquant/recipe"
)

// noRecipe are the flags of quantize on which no byte of the network depends.
var noRecipe = []string{"out", "force", "dry-run", "json", "recipe", "save-ranges", "threads", "resume", "pareto", "help"}

// same is a command of the scripts, "same A.onnx B.onnx": the files have the same bytes but for their recipes, which differ.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same A.onnx B.onnx")
	}
	var rest [2]string
	var recipes [2]string
	for i, name := range args {
		m, err := onnxpb.Read([]byte(ts.ReadFile(name)))
		ts.Check(err)
		m.Metadata = slices.DeleteFunc(m.Metadata, func(e onnxpb.Entry) bool {
			if e.Key == recipe.MetadataKey {
				recipes[i] = e.Value
			}
			return e.Key == recipe.MetadataKey
		})
		var b strings.Builder
		ts.Check(m.Write(&b))
		rest[i] = b.String()
	}
	if rest[0] != rest[1] {
		ts.Fatalf("%s and %s differ in more than their recipes", args[0], args[1])
	}
	if recipes[0] == recipes[1] || recipes[0] == "" || recipes[1] == "" {
		ts.Fatalf("the recipes of %s and %s do not differ, or are missing", args[0], args[1])
	}
}

// TestRecipeSaysEverything holds the keys of a recipe to the flags of quantize.
func TestRecipeSaysEverything(t *testing.T) {
	keys := recipe.Keys()
	c := quantizeCommand()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(keys, f.Name) == slices.Contains(noRecipe, f.Name) {
			t.Errorf("--%s: give recipe.Recipe a field for it, or list it in noRecipe if no byte of the network depends on it", f.Name)
		}
	})
	for _, key := range keys {
		if key != "model" && c.Flags().Lookup(key) == nil {
			t.Errorf("a recipe may have the key %s, and quantize has no such flag", key)
		}
	}
}

// TestRecipeMakesTheSameBytes quantizes in many ways, and again as the recipe of the output says.
func TestRecipeMakesTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	if err := writeFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("classes.txt", []byte(strings.Repeat("a class\n", 10)), 0o666); err != nil {
		t.Fatal(err)
	}
	quantize := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append([]string{"quantize"}, args...), nil, &stdout, &stderr); status != exitOK {
			t.Fatalf("quantize %q: %d, %s", args, status, stderr.String())
		}
		return stderr.String()
	}
	quantize("builtin", "-o", "x.onnx", "--calib-size", "4", "--save-ranges", "r.json", "--weight-bits", "4")
	for _, args := range []string{
		"builtin -o a.onnx",
		"builtin -o a.onnx --weight-bits 4 --act-bits 6 --act-signed --keep-edges --int4 --opset 22",
		"builtin -o a.onnx --per tensor --act-symmetric --weights mse --calib-method entropy --requant torch --format qoperator",
		"builtin -o a.onnx --method mse --calib builtin:test --labels classes.txt",
		"builtin -o a.onnx --calib-method percentile --override *conv1=w4a8 --override backbone.conv1=float --override classifier=w2",
		"builtin -o a.onnx --calib-method percentile --percentile 99.5 --preprocess imagenet",
		"builtin -o a.onnx --mean 0.1,0.25,0.3 --std 0.3 --divide 200 --bgr --resize 40 --layout nchw --input-type uint8",
		"builtin -o a.onnx --bgr=false --resize 0 --divide 1 --calib builtin",
		"builtin -o a.onnx --ranges r.json --weight-bits 4",
		"builtin -o a.onnx --budget size=120kB --int4 --weights mse --override backbone.conv2=w8",
		"builtin -o a.onnx --dynamic --weight-bits 3 --override classifier=float",
		"builtin -o a.safetensors --weight-bits 3 --pack --per group --group-size 7",
		"module.safetensors -o a.safetensors --scheme affine --layers *conv* --strip-module --arch vgg",
		"module.safetensors -o a.onnx --dynamic --root . --arch vgg",
	} {
		list := strings.Fields(args)
		if slices.Contains(list, "a.onnx") && !slices.Contains(list, "--ranges") && !slices.Contains(list, "--dynamic") {
			list = append(list, "--calib-size", "4")
		}
		stderr := quantize(list...)
		first, again := list[2], "again"+filepath.Ext(list[2])
		if said := quantize("--recipe", first, "-o", again); said != stderr && said != "" {
			t.Errorf("%s: again it says %q, and %q at first", args, said, stderr)
		}
		a, err := os.ReadFile(first)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the recipe makes another file", args)
		}
		r, err := recipe.Open(first)
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Text()
		if err != nil || isONNX(first) && !bytes.Contains(a, text) {
			t.Errorf("%s: %v: the file does not have the recipe as it is printed", args, err)
		}
		// As a file of its own it does the same, but for names of classes, which stand in another file.
		if err := os.WriteFile("r.yaml", text, 0o666); err != nil {
			t.Fatal(err)
		}
		quantize("--recipe", "r.yaml", "-o", again)
		if c, err := os.ReadFile(again); err != nil || !bytes.Equal(a, c) {
			t.Errorf("%s: %v: the recipe as a file makes another file", args, err)
		}
	}
}

// drawFlags draws a command line of quantize, which may be one that is refused.
func drawFlags(r *rand.Rand) []string {
	values := map[string][]string{
		"weight-bits": {"2", "3", "8"}, "per": {"tensor", "channel"}, "weights": {"nearest", "mse", "reconstruct"}, "act-bits": {"4", "5", "8"}, "act-signed": {"true"},
		"act-symmetric": {"true"}, "keep-edges": {"true"}, "requant": {"torch", "fixed", "fixed-double"}, "calib-size": {"1", "3"},
		"calib-method": {"moving-average", "percentile", "mse", "entropy"}, "percentile": {"99", "100"}, "mean": {"0.5", "0.1,0.2,0.3"},
		"std": {"0.5", "0.1, .2,0.30001"}, "divide": {"100", "0.1"}, "bgr": {"true", "false"}, "preprocess": {"imagenet", "-1..1", "raw"}, "resize": {"0", "33"},
		"labels": {"classes.txt"}, "format": {"qdq", "qoperator"}, "int4": {"true"}, "opset": {"13", "21", "25"}, "input-type": {"uint8"}, "dynamic": {"true"},
		"override": {"*conv1=w4", "*conv2=float", "classifier=w3a5", "module.classifier.weight=w4"}, "calib": {"builtin", "builtin:test", "npz:labelled.npz"},
		"method": {"mse", "min-max"}, "threads": {"1", "2"}, "ranges": {"r.json"},
	}
	names := slices.Sorted(maps.Keys(values))
	args := []string{"float.onnx"}
	for range 1 + r.IntN(6) {
		name := names[r.IntN(len(names))]
		args = append(args, "--"+name+"="+values[name][r.IntN(len(values[name]))])
	}
	given := func(prefix string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--"+prefix) })
	}
	if !given("calib=") && !given("dynamic") && !given("ranges") {
		args = append(args, "--calib=builtin")
	}
	if !given("calib-size") && !given("dynamic") && !given("ranges") {
		args = append(args, "--calib-size=2")
	}
	return args
}

// TestRecipeOfDrawnFlags is TestRecipeMakesTheSameBytes for command lines that are drawn.
func TestRecipeOfDrawnFlags(t *testing.T) {
	dir := t.TempDir()
	if err := writeNetworkFixtures(dir); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("classes.txt", []byte(strings.Repeat("a class\n", 10)), 0o666); err != nil {
		t.Fatal(err)
	}
	quantize := func(args ...string) (status int, stderr string) {
		var out, errors bytes.Buffer
		return run(t.Context(), append([]string{"quantize"}, args...), nil, &out, &errors), errors.String()
	}
	if status, said := quantize("builtin", "-o", "x.onnx", "--calib-size", "4", "--save-ranges", "r.json"); status != exitOK {
		t.Fatal(said)
	}
	made := 0
	for seed := range uint64(30) {
		args := drawFlags(rand.New(rand.NewPCG(seed, 0)))
		if status, _ := quantize(append(args, "-o", "a.onnx")...); status != exitOK {
			continue
		}
		made++
		if status, said := quantize("--recipe", "a.onnx", "-o", "b.onnx"); status != exitOK {
			t.Errorf("seed %d: %q: %d, %s", seed, args, status, said)
			continue
		}
		a, errA := os.ReadFile("a.onnx")
		b, errB := os.ReadFile("b.onnx")
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("seed %d: %q: %v, %v: the recipe makes another file", seed, args, errA, errB)
		}
	}
	if made < 10 {
		t.Errorf("%d of 30 command lines made a network", made)
	}
}
