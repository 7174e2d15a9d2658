package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/builtin"
	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/quant"
	"linquant/recipe"
)

// whenGiven are the keys whose zero values say something, and that stand in a recipe where their flags were given.
var whenGiven = []string{"divide", "bgr", "resize"}

// recipeOf returns what the flags of c say, whether they were given or are so by default, as far as the bytes of the output depend on it.
func (t *told) recipeOf(c *cobra.Command, model string, cfg quantizeConfig, made recipe.Made) (*recipe.Recipe, error) {
	flag := func(name string) string { return c.Flags().Lookup(name).Value.String() }
	r := &recipe.Recipe{Made: made}
	for _, key := range recipe.Keys() {
		if t.idle(c, key, isONNX(cfg.out)) {
			continue
		}
		var values []string
		switch key {
		case "model":
			values = []string{t.name(key, model, made.Model)}
		case "calib":
			values = []string{t.name(key, flag(key), made.Calib)}
		case "ranges":
			values = []string{t.name(key, flag(key), made.Ranges)}
		case "calib-size":
			values = []string{flag(key)}
			if t.Recipe != nil && t.Made.Calib == made.Calib && t.CalibSize > 0 { // as the data's name
				values[0] = strconv.Itoa(t.CalibSize)
			}
		case "labels":
			if t.classes != nil {
				values = []string{t.Labels}
				break
			}
			values = []string{t.name(key, flag(key), "")}
		case "weights":
			values = []string{cfg.Method.String()} // --method chooses it too
		case "constant":
			values = t.constants(c.Flags().Lookup(key).Value.(pflag.SliceValue).GetSlice(), made.Constants)
		case "format":
			if values = []string{flag(key)}; values[0] == "" {
				values[0] = onnx.QDQ.String()
			}
		default:
			f := c.Flags().Lookup(key)
			if many, ok := f.Value.(pflag.SliceValue); ok {
				values = many.GetSlice()
				break
			}
			if nothing := slices.Contains([]string{"", "0", "false"}, f.Value.String()); !nothing || f.Changed && slices.Contains(whenGiven, key) {
				values = []string{f.Value.String()}
			}
		}
		if len(values) == 0 || values[0] == "" {
			continue
		}
		if err := r.Set(key, values...); err != nil {
			return nil, fmt.Errorf("recipe: %s: %w", key, err)
		}
	}
	return r, nil
}

// idle reports whether nothing would come of a key.
func (t *told) idle(c *cobra.Command, key string, network bool) bool {
	flag := func(name string) string { return c.Flags().Lookup(name).Value.String() }
	if network && t.weights.Lookup(key) != nil {
		return true
	}
	if !network && slices.ContainsFunc(t.networks, func(set *pflag.FlagSet) bool { return set.Lookup(key) != nil }) {
		return true
	}
	if flag("dynamic") == "true" && slices.Contains(notDynamic, key) {
		return true
	}
	switch key {
	case "method", "budget", "max-drop", "data": // weights and calib-method, and overrides, say what they came to
		return true
	case "group-size":
		return flag("per") != quant.PerGroup.String()
	case "calib", "calib-size", "calib-method":
		return flag("ranges") != ""
	case "percentile":
		return flag("ranges") != "" || flag("calib-method") != calib.Percentile.String()
	}
	return false
}

// name returns the name of a file, a folder or data as a recipe has it. What has the content of which the recipe was made has its name there, so
// that the same bytes come of it wherever it lies.
func (t *told) name(key, given, hash string) string {
	if t.Recipe != nil && hash != "" {
		switch {
		case key == "model" && t.Made.Model == hash && t.Model != "":
			return t.Model
		case key == "calib" && t.Made.Calib == hash && t.Calib != "":
			return t.Calib
		case key == "ranges" && t.Made.Ranges == hash && t.Recipe.Ranges != "":
			return t.Recipe.Ranges
		}
	}
	if key == "calib" {
		if given == "" {
			return pipeline.Builtin // which only the network of that name does without
		}
		spec, err := dataset.ParseSpec(given)
		if err != nil {
			return ""
		}
		if spec.Path != "" {
			spec.Path = inside(spec.Path)
		}
		return spec.String()
	}
	if given == "" {
		return ""
	}
	return inside(given)
}

// constants returns the constants of inputs as a recipe has them.
func (t *told) constants(given []string, hash string) []string {
	var values []string
	for _, one := range given {
		if input, file := constantFile(one); file != "" {
			one = input + "=" + inside(file)
			if t.Recipe != nil && hash != "" && t.Made.Constants == hash {
				for _, before := range t.Constants { // as the file was named there
					if name, file := constantFile(before); file != "" && name == input {
						one = before
					}
				}
			}
		}
		values = append(values, one)
	}
	return values
}

// constantFile returns the input and the .npy file of a constant, NAME=FILE; no file where it is a number.
func constantFile(given string) (input, file string) {
	i := strings.LastIndexByte(given, '=')
	if i < 0 || !strings.EqualFold(filepath.Ext(given[i+1:]), ".npy") {
		return "", ""
	}
	return given[:i], given[i+1:]
}

// inside is a path below the folder that the command runs in, and of any other its last element: recipes travel with networks, and what else
// there is on a machine is nobody's business.
func inside(path string) string {
	if path = filepath.Clean(path); !filepath.IsLocal(path) {
		path = filepath.Base(path)
	}
	return filepath.ToSlash(path)
}

// pathOf returns the path that a value names.
func pathOf(key, value string) string {
	if key == "constant" {
		_, file := constantFile(value)
		return file
	}
	if spec, err := dataset.ParseSpec(value); err == nil && key == "calib" {
		return spec.Path
	}
	return value
}

// metadata returns the recipe for the metadata of the output.
func (t *told) metadata(c *cobra.Command, model string, cfg quantizeConfig, made recipe.Made) (map[string]string, error) {
	r, err := t.recipeOf(c, model, cfg, made)
	if err != nil {
		return nil, err
	}
	data, err := r.Text()
	if err != nil {
		return nil, fmt.Errorf("the recipe for the metadata of %s: %w", text.Printable(cfg.out), err)
	}
	return map[string]string{recipe.MetadataKey: string(data)}, nil
}

// madeOf returns the hashes of the model and of the files of constants, and the version of linquant, and warns where the recipe was made with others.
func (t *told) madeOf(c *cobra.Command, model string, progress func(done, total int, what string)) (recipe.Made, error) {
	made := recipe.Made{Version: version()}
	var err error
	if made.Model, err = modelSHA256(c.Context(), model, progress); err != nil {
		return made, err
	}
	files, err := t.hashConstants(c, &made)
	if err != nil || t.Recipe == nil {
		return made, err
	}
	if t.differs(t.Made.Model, made.Model) {
		t.warning(c, "%s is not the model that %s was made of", model, "model-sha256", t.Made.Model, made.Model)
	}
	if t.differs(t.Made.Constants, made.Constants) {
		t.warning(c, "the constants in %s are not those that %s was made with", files, "constants-sha256", t.Made.Constants, made.Constants)
	}
	if t.Made.Version != "" && t.Made.Version != made.Version {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: %s was made by linquant %s, and this is %s: other bytes may come of it\n", text.Printable(t.path),
			text.Printable(t.Made.Version), made.Version)
	}
	return made, nil
}

// hashConstants notes the hash of the files that --constant names, in the order of the inputs, and returns their names for people.
func (t *told) hashConstants(c *cobra.Command, made *recipe.Made) (files string, err error) {
	of := map[string]string{} // the files of inputs
	for _, given := range c.Flags().Lookup("constant").Value.(pflag.SliceValue).GetSlice() {
		if input, file := constantFile(given); file != "" {
			of[input] = file
		}
	}
	if len(of) == 0 {
		return "", nil
	}
	all := sha256.New()
	var names []string
	for _, input := range slices.Sorted(maps.Keys(of)) {
		h := sha256.New()
		if err := hashFile(c.Context(), h, of[input], func(int, int, string) {}); err != nil {
			return "", err
		}
		all.Write(h.Sum(nil))
		names = append(names, of[input])
	}
	made.Constants = fmt.Sprintf("%x", all.Sum(nil))
	return strings.Join(names, ", "), nil
}

// warn warns where the recipe was made with other examples, or other ranges.
func (t *told) warn(c *cobra.Command, ranges string, made recipe.Made) {
	if t.Recipe == nil {
		return
	}
	if t.differs(t.Made.Calib, made.Calib) {
		data := c.Flags().Lookup("calib").Value.String()
		if data == "" {
			data = pipeline.Builtin
		}
		t.warning(c, "the examples of %s are not those that %s was made with", data, "calib-sha256", t.Made.Calib, made.Calib)
	}
	if t.differs(t.Made.Ranges, made.Ranges) {
		t.warning(c, "%s has not the ranges that %s was made with", ranges, "ranges-sha256", t.Made.Ranges, made.Ranges)
	}
}

// differs reports whether both hashes are known and differ.
func (t *told) differs(of, now string) bool { return of != "" && now != "" && of != now }

func (t *told) warning(c *cobra.Command, what, name, key, of, now string) {
	t.others = append(t.others, key)
	fmt.Fprintf(c.ErrOrStderr(), "linquant: warning: "+what+": its %s is %.16s…, and the recipe has %.16s…; another file comes of it\n",
		text.Printable(name), text.Printable(t.path), key, now, of)
}

// hash returns the SHA-256 of a file.
func (t *told) hash(c *cobra.Command, path string) (string, error) {
	h := sha256.New()
	f, err := cli.OpenStream(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(cli.Interruptible{Ctx: c.Context(), W: h}, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// modelSHA256 returns the SHA-256 of a model's file, and of the files of its external data behind it.
func modelSHA256(ctx context.Context, path string, progress func(done, total int, what string)) (string, error) {
	h := sha256.New()
	if path == pipeline.Builtin {
		h.Write(builtin.Checkpoint())
		return fmt.Sprintf("%x", h.Sum(nil)), nil
	}
	for _, file := range pipeline.Files(path) {
		if err := hashFile(ctx, h, file, progress); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func hashFile(ctx context.Context, h io.Writer, path string, progress func(done, total int, what string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const piece = 64 << 20
	for done := int64(0); err == nil; done += piece {
		progress(int(done>>20), int(info.Size()>>20), "MiB read for the SHA-256")
		_, err = io.CopyN(cli.Interruptible{Ctx: ctx, W: h}, f, piece)
	}
	if err != io.EOF {
		return err
	}
	return nil
}
