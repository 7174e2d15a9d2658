package checkpoint

import (
	"encoding/json"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNested opens objects as people save them (testdata/make_nested.py): every tensor that a walk in Python finds is
// there, with its bytes, among the network's or beside them.
func TestNested(t *testing.T) {
	var expected map[string]map[string]uint32
	if err := json.Unmarshal(fixture(t, "nested.json"), &expected); err != nil {
		t.Fatal(err)
	}
	const net = "fc.weight fc.bias"
	both := func(keys ...string) string {
		var names []string
		for _, key := range keys {
			names = append(names, key+".fc.weight", key+".fc.bias")
		}
		return strings.Join(names, " ")
	}
	arrays := "f2 f8 i8 u1 fortran big scalar empty objects.0 objects.1 bool"
	want := map[string]struct{ root, tensors, beside string }{ // tensors "": all that there are
		"flat":                     {},
		"state_dict":               {"state_dict", net, "optimizer best_acc"},
		"state_dict_and_tensor":    {"state_dict", net, "class_weights"},
		"model_and_tensor":         {"", both("model") + " class_weights", ""},
		"model_and_number":         {"model", net, "best_acc cuda_rng_state"},
		"backbone_head":            {"", both("backbone", "head"), ""},
		"generator_discriminator":  {"", both("generator", "discriminator"), "optim_g optim_d"},
		"params_batch_stats":       {},
		"numpy_params_batch_stats": {},
		"model_head":               {},
		"state_dicts":              {},
		"weights_biases":           {},
		"deep":                     {"checkpoint.model.state_dict", net, "checkpoint.optimizer"},
		"deep_parts":               {"model", both("encoder", "decoder"), "model.optimizer"},
		"ema":                      {"model", net, "model_ema optimizer"},
		"ema_of_parts":             {"", both("g", "d", "g_ema"), ""},
		"only_ema":                 {"ema", net, ""},
		"params_ema":               {"params", net, "params_ema"},
		"best":                     {"state_dict", net, "best_state_dict"},
		"student_teacher":          {"", both("student", "teacher"), ""},
		"ema_inside":               {"model", net, "model_ema"},
		"shared":                   {"state_dict", net, ""},
		"shared_likelier":          {"state_dict", net, ""},
		"shared_unknown":           {"zoo", net, ""},
		"empty":                    {"", "weight none", ""},
		"lightning":                {"state_dict", net, "optimizer_states callbacks MyDataModule hyper_parameters"},
		"list":                     {},
		"tuple":                    {},
		"lists_in_dict":            {},
		"wrapper_and_list":         {},
		"namespace":                {},
		"deque":                    {},
		"defaultdict":              {"", both("a", "b"), ""},
		"tuple_keys":               {"", "params.dense.kernel params.dense.bias", ""},
		"scale":                    {},
		"arrays":                   {"", arrays, ""},
		"arrays2":                  {"", arrays, ""},
		"arrays5":                  {"", arrays, ""},
		"array":                    {"", "tensor", ""},
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(expected)), slices.Sorted(maps.Keys(want))); diff != "" {
		t.Errorf("files (-there +tested):\n%s", diff)
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, fixture(t, "nested/"+name+".pt"))
			if diff := cmp.Diff(expected[name], checksums(t, f)); diff != "" {
				t.Errorf("tensors and their CRC-32 (-want +got):\n%s", diff)
			}
			var names, beside []string
			for _, x := range f.Tensors() {
				names = append(names, x.Name)
			}
			for _, g := range f.Beside() {
				beside = append(beside, g.Root)
			}
			if f.Root != w.root || w.tensors != "" && strings.Join(names, " ") != w.tensors || strings.Join(beside, " ") != w.beside {
				t.Errorf("root %q, tensors %q, beside %q; want %+v", f.Root, names, beside, w)
			}
			if w.tensors == "" && len(f.Other()) > 0 {
				t.Errorf("%d tensors are left out", len(f.Other()))
			}
		})
	}
}

// checksums returns the CRC-32 of each tensor by its full path of keys.
func checksums(t *testing.T, f *File) map[string]uint32 {
	t.Helper()
	sums := make(map[string]uint32)
	for i, x := range slices.Concat(f.Tensors(), f.Other()) {
		raw, err := x.Read()
		if err != nil {
			t.Fatal(err)
		}
		name := x.Name
		if i < len(f.Tensors()) {
			name = join(f.Root, name)
		}
		sums[name] = crc32.ChecksumIEEE(raw.Data)
	}
	return sums
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		file, root, want, beside string
	}{
		{"ema", "model_ema", "fc.weight fc.bias", "model optimizer"},
		{"ema", "optimizer.state.0", "exp_avg", "model model_ema"},
		{"ema", ".", "model.fc.weight model.fc.bias model_ema.fc.weight model_ema.fc.bias optimizer.state.0.exp_avg", ""},
		{"ema", "", "fc.weight fc.bias", "model_ema optimizer"},
		{"deep", "checkpoint.optimizer.state.0.exp_avg", "exp_avg", "checkpoint.model"},
		{"state_dict", "best_acc", "best_acc", "state_dict optimizer"},
		{"backbone_head", "head", "fc.weight fc.bias", "backbone"},
	} {
		t.Run(c.file+" "+c.root, func(t *testing.T) {
			f := mustOpen(t, fixture(t, "nested/"+c.file+".pt"))
			before := checksums(t, f)
			if err := f.Choose(c.root); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, checksums(t, f)); diff != "" {
				t.Errorf("other tensors than before (-before +after):\n%s", diff)
			}
			var names, beside []string
			for _, x := range f.Tensors() {
				names = append(names, x.Name)
				if found, err := f.Tensor(x.Name); err != nil || found != x {
					t.Errorf("%s by its name: %v, %v", x.Name, found, err)
				}
			}
			for _, g := range f.Beside() {
				beside = append(beside, g.Root)
			}
			if strings.Join(names, " ") != c.want || strings.Join(beside, " ") != c.beside {
				t.Errorf("tensors %q, beside %q; want %q, %q", names, beside, c.want, c.beside)
			}
		})
	}
	f := mustOpen(t, fixture(t, "nested/ema.pt"))
	wantError(t, f.Choose("mode"), "test", `"mode"`, `"model", "model_ema", "optimizer"`)
	if len(f.Tensors()) != 2 || f.Root != "model" {
		t.Errorf("an error changed what is chosen: %d tensors under %q", len(f.Tensors()), f.Root)
	}
	groups := f.Beside()
	if diff := cmp.Diff([]Group{{"model_ema", 2, 36}, {"optimizer", 1, 24}}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}
