package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/feed"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
	"linquant/recipe"
	"linquant/vision"
)

// whatRecipe describes --recipe in help texts.
const whatRecipe = "A recipe is a YAML file that says all this, with the names of flags as keys: 'recipe: 1', 'weight-bits: 4', a list " +
	"where a flag may be repeated. Every output carries its own, with the hashes of what it was made of: given with --recipe, it makes the " +
	"same bytes again, and what differs is said. 'linquant recipe FILE' prints it."

// told is what --recipe says.
type told struct {
	path           string
	*recipe.Recipe // nil without --recipe

	set     []string // keys that became flags
	instead []string // what of the command line goes before the recipe, in words
	others  []string // keys of Made whose hashes are others now
	classes []string // names of classes that stand in the file beside its recipe

	weights  *pflag.FlagSet   // flags that go with weights alone
	networks []*pflag.FlagSet // flags that go with whole networks
}

// recipeJSON is what quantize --json says of --recipe.
type recipeJSON struct {
	File    string   `json:"file"`
	Instead []string `json:"instead,omitempty"` // what of the command line went before it, in words
	Differs []string `json:"differs,omitempty"` // the keys of its made whose hashes are others now
}

// json returns it; nil without --recipe.
func (t *told) json() *recipeJSON {
	if t.Recipe == nil {
		return nil
	}
	return &recipeJSON{t.path, t.instead, t.others}
}

func (t *told) add(c *cobra.Command) {
	c.Flags().StringVar(&t.path, "recipe", "", "`FILE` that says all this: a recipe (YAML), or an .onnx or .safetensors that was made here; flags "+
		"beside it go before it")
}

// argsOrRecipe wants a MODEL, which a recipe may name.
func argsOrRecipe(c *cobra.Command, args []string) error {
	if len(args) == 0 && c.Flags().Changed("recipe") {
		return nil
	}
	return cli.OneArg("a MODEL")(c, args)
}

// apply reads the recipe and sets the flags of c that the command line does not give. It says which of the recipe these go before. It
// returns the arguments, with the model.
func (t *told) apply(c *cobra.Command, args []string) ([]string, error) {
	if !c.Flags().Changed("recipe") {
		return args, nil
	}
	var err error
	if t.Recipe, err = recipe.Open(t.path); err != nil {
		return nil, err
	}
	if args, err = t.model(c, args); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	c.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	if t.Made.Calib != "" && t.Calib == "" && !given["calib"] && !given["ranges"] && !given["dynamic"] { // other data have a name there
		return nil, cli.Usagef("%s was made with examples that a program wrote, and a recipe runs no program: give --calib 'cmd:PROGRAM ARGS', or other data",
			text.Printable(t.path))
	}
	without := map[string][]string{} // flags that were given, and the keys that go without them
	for _, s := range t.Settings() {
		if s.Key == "model" {
			continue
		}
		if s.Key == "labels" && !given[s.Key] && recipe.Inside(t.path) {
			if t.classes, err = classesIn(t.path); err != nil {
				return nil, err
			}
			if t.classes != nil {
				continue
			}
		}
		if by := replaces(c, s.Key, given); by != "" {
			without[by] = append(without[by], s.Key)
			continue
		}
		if err := t.setFlag(c, s, given); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", t.where(s.Key, -1), s.Key, err)
		}
	}
	for _, by := range slices.Sorted(maps.Keys(without)) {
		t.instead = append(t.instead, fmt.Sprintf("--%s instead of %s", by, strings.Join(without[by], " and ")))
	}
	if len(t.instead) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: the command line goes before %s: %s\n", text.Printable(t.path), text.Printable(strings.Join(t.instead, "; ")))
	}
	return args, t.explain(cli.CheckValues(c, args))
}

// model returns the arguments, or the recipe's model where there are none.
func (t *told) model(c *cobra.Command, args []string) ([]string, error) {
	switch {
	case len(args) == 0 && t.Model == "":
		return nil, cli.Usagef("%s: a MODEL is missing, and %s names none", c.CommandPath(), text.Printable(t.path))
	case len(args) == 0:
		cli.Reads(c, t.Model)
		t.set = append(t.set, "model")
		return []string{t.Model}, nil
	case t.Model != "" && t.Model != args[0] && t.Made.Model == "":
		t.instead = append(t.instead, args[0]+" instead of model: "+t.Model)
	}
	return args, nil
}

// setFlag sets the flag of a key, unless the command line gives it.
func (t *told) setFlag(c *cobra.Command, s recipe.Setting, given map[string]bool) error {
	f := c.Flags().Lookup(s.Key)
	many, isMany := f.Value.(pflag.SliceValue)
	now, said := f.Value.String(), strings.Join(s.Values, ", ")
	if isMany {
		now = strings.Join(many.GetSlice(), ", ")
	}
	switch {
	case given[s.Key] && s.Key == "override": // the later wins
		t.set = append(t.set, s.Key)
		t.instead = append(t.instead, "--override "+now+" after override: "+said)
		return many.Replace(slices.Concat(s.Values, many.GetSlice()))
	case given[s.Key] && now != said && !t.hashed(s.Key):
		t.instead = append(t.instead, "--"+s.Key+" "+now+" instead of "+s.Key+": "+said)
		return nil
	case given[s.Key]:
		return nil
	}
	if s.Key == "calib" && len(s.Values) > 0 && strings.HasPrefix(s.Values[0], feed.Prefix) {
		return errors.New("a recipe runs no program: give it yourself, with --calib")
	}
	t.set = append(t.set, s.Key)
	for _, v := range s.Values {
		if err := c.Flags().Set(s.Key, v); err != nil {
			return err
		}
	}
	return nil
}

// hashed reports whether the recipe knows the content of what the key names, so that another name of it is not to be told.
func (t *told) hashed(key string) bool {
	return (key == "calib" || key == "calib-size") && t.Made.Calib != "" || key == "ranges" && t.Made.Ranges != ""
}

// replaces returns a flag that was given and that the one of the key does not go with; "" for none.
func replaces(c *cobra.Command, key string, given map[string]bool) string {
	value := func(name string) string { return c.Flags().Lookup(name).Value.String() }
	without := func(flag string, keys ...string) bool { return given[flag] && slices.Contains(keys, key) }
	switch {
	case without("dynamic", notDynamic...) && value("dynamic") == "true":
		return "dynamic"
	case without("ranges", "calib", "calib-size", "calib-method", "percentile"):
		return "ranges"
	case without("calib", "ranges"):
		return "calib"
	case without("method", "weights", "calib-method", "percentile"):
		return "method"
	case without("calib-method", "percentile") && value("calib-method") != calib.Percentile.String():
		return "calib-method"
	case without("per", "group-size") && value("per") != quant.PerGroup.String():
		return "per"
	case without("preprocess", "divide", "mean", "std"):
		return "preprocess"
	}
	return ""
}

// classesIn returns the names of the classes that an output of quantize has in its metadata.
func classesIn(path string) ([]string, error) {
	d, err := pipeline.Describe(path)
	if err != nil || d == nil {
		return nil, err
	}
	p, err := vision.Of(&graph.Graph{Metadata: d.Metadata})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p.Labels, nil
}

// nameClasses gives the network the names of classes that stand beside the recipe.
func (t *told) nameClasses(n *pipeline.Network) error {
	if t.classes == nil {
		return nil
	}
	p := n.Preprocess()
	p.Labels = t.classes
	if err := n.SetPreprocess(p); err != nil {
		return err
	}
	return n.CheckLabels()
}

// where says where in the recipe a key stands, or an element of its list.
func (t *told) where(key string, i int) string {
	if recipe.Inside(t.path) {
		return fmt.Sprintf("the recipe of %s, line %d", text.Printable(t.path), t.Line(key, i))
	}
	return fmt.Sprintf("%s, line %d", text.Printable(t.path), t.Line(key, i))
}

// explain adds to an error about flags, or about a file, where in the recipe it was said.
func (t *told) explain(err error) error {
	if err == nil || t.Recipe == nil {
		return err
	}
	for _, s := range t.Settings() {
		switch at, named := t.names(s, err); {
		case !slices.Contains(t.set, s.Key):
		case errors.Is(err, fs.ErrNotExist) && namesFile(s, err):
			return fmt.Errorf("%w (%s: %s; %s where it lies elsewhere)", err, t.where(s.Key, -1), s.Key, givenAs(s.Key))
		case named:
			return fmt.Errorf("%w (%s: %s)", err, t.where(s.Key, at), s.Key)
		}
	}
	return err
}

// names reports whether the error is about what the setting says, and of a list, which element.
func (t *told) names(s recipe.Setting, err error) (at int, named bool) {
	said := text.Message(err)
	if s.Key == "override" {
		var of *ptq.OverrideError
		about := errors.As(err, &of)
		at := slices.IndexFunc(s.Values, func(v string) bool {
			pattern := v[:max(strings.LastIndexByte(v, '='), 0)]
			return strings.Contains(said, fmt.Sprintf("--override %q", v)) || about && (pattern == of.Pattern || asLayers(pattern) == of.Pattern)
		})
		return at, at >= 0
	}
	return -1, strings.Contains(said+" ", "--"+s.Key+" ") || strings.Contains(said, "--"+s.Key+":")
}

// namesFile reports whether the error is about a file that the setting names.
func namesFile(s recipe.Setting, err error) bool {
	var of *fs.PathError
	if !slices.Contains([]string{"model", "calib", "ranges", "labels", "constant"}, s.Key) || !errors.As(err, &of) {
		return false
	}
	return slices.ContainsFunc(s.Values, func(value string) bool {
		path := pathOf(s.Key, value)
		return path != "" && (of.Path == path || strings.HasPrefix(filepath.ToSlash(of.Path), path+"/"))
	})
}

func givenAs(key string) string {
	if key == "model" {
		return "name the MODEL"
	}
	return "give --" + key
}
