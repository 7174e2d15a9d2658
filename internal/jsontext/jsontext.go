// Package jsontext says what is wrong with a JSON text in the words of who wrote it, where encoding/json names Go's types.
package jsontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Error returns err, if encoding/json made it, in such words; any other error as it is.
func Error(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var value *json.UnsupportedValueError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the text ends in the middle of its JSON")
	case errors.As(err, &syntax):
		if strings.Contains(syntax.Error(), "unexpected end") {
			return errors.New("the text ends in the middle of its JSON")
		}
		return fmt.Errorf("it is no JSON at byte %d (%v)", syntax.Offset, syntax)
	case errors.As(err, &kind):
		at := ""
		if kind.Field != "" {
			at = kind.Field + ": "
		}
		if number, ok := strings.CutPrefix(kind.Value, "number "); ok {
			return fmt.Errorf("%sthe number %s does not fit where %s belongs", at, number, noun(kind.Type))
		}
		return fmt.Errorf("%s%s stands where %s belongs", at, nouns[kind.Value], noun(kind.Type))
	case errors.As(err, &value):
		return fmt.Errorf("JSON has no number for %s", value.Str)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("there is no key %s", field)
	}
	return err
}

// nouns are the words for what encoding/json calls values.
var nouns = map[string]string{
	"number": "a number", "string": "a text", "bool": "true or false", "array": "a list", "object": "an object", "null": "null",
}

// noun is what a value of a type is called in JSON.
func noun(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return nouns["string"]
	case reflect.Bool:
		return nouns["bool"]
	case reflect.Slice, reflect.Array:
		return nouns["array"]
	case reflect.Map, reflect.Struct:
		return nouns["object"]
	}
	if t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 {
		return fmt.Sprintf("a number of %d bits", t.Bits())
	}
	return "an integer"
}
