package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is how long a recipe may be. What YAML makes of a text takes up to 200 times its length.
const MaxBytes = 256 << 10

// Error is what is wrong with a recipe.
type Error struct {
	Line int    // 0 where it is not known
	Key  string // "" where it is about none
	Err  error
}

// Error is one line: the line, the key, and what is wrong.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Key != "" {
		text = e.Key + ": " + text
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

const (
	versionKey = "recipe"
	madeKey    = "made"
)

// Read reads the text of a recipe: one YAML document, a mapping, without anchors, aliases and tags. Every key must be one that there is,
// and stand there once.
//
// Errors: *Error.
func Read(data []byte) (*Recipe, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	r := &Recipe{lines: map[string][]int{}}
	if err := r.version(root); err != nil {
		return nil, err
	}
	return r, eachKey(root, func(key, value *yaml.Node) error {
		switch key.Value {
		case versionKey:
			return nil
		case madeKey:
			if value.Kind != yaml.MappingNode {
				return wrong(value, madeKey, "it has keys of its own: %s", strings.Join(keys(reflect.TypeFor[Made]()), ", "))
			}
			return eachKey(value, func(key, value *yaml.Node) error { return r.Made.read(key, value) })
		}
		if _, err := field(reflect.ValueOf(r).Elem(), key.Value); err != nil {
			return &Error{key.Line, "", err}
		}
		values, lines, err := scalars(key, value)
		if err != nil {
			return err
		}
		r.lines[key.Value] = lines
		if err := r.Set(key.Value, values...); err != nil {
			return &Error{key.Line, key.Value, err}
		}
		return nil
	})
}

// parse returns the mapping of the one document.
func parse(data []byte) (*yaml.Node, error) {
	if len(data) > MaxBytes {
		return nil, &Error{Err: fmt.Errorf("it has %d bytes: a recipe has %d at most", len(data), MaxBytes)}
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, &Error{Err: errors.New("it is no text: a recipe is a YAML file, or stands in an .onnx or .safetensors that linquant made")}
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil, &Error{Err: errors.New("it is empty: begin with recipe: 1")}
	case err != nil:
		return nil, syntax(data, err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, wrong(&more, "", "a second document begins: a recipe is one")
	case !errors.Is(err, io.EOF):
		return nil, syntax(data, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, wrong(&doc, "", "it is no recipe, which has lines of KEY: VALUE")
	}
	return doc.Content[0], nil
}

var (
	atLine = regexp.MustCompile(`^line (\d+): `)
	anchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax is an error of YAML with its line.
func syntax(data []byte, err error) error {
	e := &Error{}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := atLine.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if m := anchor.FindStringSubmatch(text); m != nil {
		if before, _, found := bytes.Cut(data, []byte("*"+m[1])); found {
			e.Line = 1 + bytes.Count(before, []byte("\n"))
		}
	}
	if strings.Contains(text, "anchor") || strings.Contains(text, "alphabetic") {
		text += quotes
	}
	e.Err = errors.New("no YAML: " + text)
	return e
}

// quotes is what to do about a pattern that YAML takes for something of its own.
const quotes = "; put what begins with *, ! or & in quotes, such as '*.conv1=w4'"

func wrong(n *yaml.Node, key, format string, args ...any) error {
	return &Error{n.Line, key, fmt.Errorf(format, args...)}
}

// eachKey goes through a mapping, whose keys are plain and each there once.
func eachKey(mapping *yaml.Node, do func(key, value *yaml.Node) error) error {
	seen := map[string]int{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name, err := scalar(key)
		if err != nil {
			return err
		}
		if line, ok := seen[name]; ok {
			return wrong(key, "", "%q stands on line %d already", name, line)
		}
		seen[name] = key.Line
		if err := do(key, value); err != nil {
			return err
		}
	}
	return nil
}

// version checks that the text is a recipe, of a version that is known.
func (r *Recipe) version(root *yaml.Node) error {
	var found *yaml.Node
	err := eachKey(root, func(key, value *yaml.Node) error {
		if key.Value == versionKey {
			found = value
		}
		return nil
	})
	if err != nil {
		return err
	}
	if found == nil {
		return &Error{Err: fmt.Errorf("the key recipe is missing, which says the version of the format: write recipe: %d", Version)}
	}
	switch v, err := strconv.Atoi(found.Value); {
	case found.Kind != yaml.ScalarNode || err != nil || v < 1:
		return wrong(found, versionKey, "%q is no version: write %d", found.Value, Version)
	case v > Version:
		return wrong(found, versionKey, "this linquant reads recipes up to version %d, and this is %d: use a newer linquant", Version, v)
	}
	return nil
}

// scalars returns the values of a key, and the lines of the key and of each.
func scalars(key, value *yaml.Node) (values []string, lines []int, err error) {
	lines = []int{key.Line}
	list := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode && value.Anchor == "" && value.Style&yaml.TaggedStyle == 0 {
		list = value.Content
	}
	for _, n := range list {
		v, err := scalar(n)
		if err != nil {
			var of *Error
			if errors.As(err, &of) {
				of.Key = key.Value
			}
			return nil, nil, err
		}
		values, lines = append(values, v), append(lines, n.Line)
	}
	return values, lines, nil
}

// scalar returns the text of a plain value.
func scalar(n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return "", wrong(n, "", "anchors, aliases and tags of YAML are not read here%s", quotes)
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Kind == yaml.ScalarNode && n.Content[1].Kind == yaml.ScalarNode:
		return "", wrong(n, "", "a single value belongs here, or a list of them, written as the flag takes it: %q", n.Content[0].Value+"="+n.Content[1].Value)
	case n.Kind != yaml.ScalarNode:
		return "", wrong(n, "", "a single value belongs here, or a list of them")
	case n.ShortTag() == "!!null" || n.Value == "":
		return "", wrong(n, "", "it says nothing: give it a value, or leave it out")
	}
	return n.Value, nil
}

// read reads a key of what an output was made of.
func (m *Made) read(key, value *yaml.Node) error {
	f, err := field(reflect.ValueOf(m).Elem(), key.Value)
	if err != nil {
		return &Error{key.Line, "", err}
	}
	text, err := scalar(value)
	switch {
	case err != nil:
		return err
	case strings.HasSuffix(key.Value, "-sha256") && !isSHA256(text):
		return wrong(value, key.Value, "%q is no SHA-256, which has 64 hexadecimal digits", text)
	}
	f.SetString(text)
	return nil
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
