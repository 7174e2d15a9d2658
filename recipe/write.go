package recipe

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Text returns the recipe as Read reads it: equal recipes give equal bytes. What is no UTF-8 in it becomes the character U+FFFD.
// Errors: a text of more than MaxBytes.
func (r *Recipe) Text() ([]byte, error) {
	root := mapping(settings(reflect.ValueOf(r).Elem()))
	root.Content = append([]*yaml.Node{plain(versionKey), plain(strconv.Itoa(Version))}, root.Content...)
	if made := settings(reflect.ValueOf(&r.Made).Elem()); made != nil {
		root.Content = append(root.Content, plain(madeKey), mapping(made))
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	if _, err := parse(b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func mapping(list []Setting) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range list {
		value := &yaml.Node{Kind: yaml.SequenceNode}
		f, _ := field(reflect.ValueOf(&Recipe{}).Elem(), s.Key) // of Made: it is no list and no number
		switch {
		case s.List:
			for _, v := range s.Values {
				value.Content = append(value.Content, quoted(v))
			}
		case f.IsValid() && f.Type() == reflect.TypeFor[[]float32]():
			value.Style = yaml.FlowStyle
			for v := range strings.SplitSeq(s.Values[0], ",") {
				value.Content = append(value.Content, plain(v))
			}
		case f.IsValid() && f.Kind() != reflect.String:
			value = plain(s.Values[0])
		default:
			value = quoted(s.Values[0])
		}
		m.Content = append(m.Content, plain(s.Key), value)
	}
	return m
}

func plain(v string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: v} }

// quoted is a string, in quotes where YAML would take it for something else.
func quoted(v string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ToValidUTF8(v, string(utf8.RuneError))}
	if strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
