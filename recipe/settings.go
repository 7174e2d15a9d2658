package recipe

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"linquant/internal/near"
)

// Setting is a key of a recipe and what it says, as the flag of that name takes it: one value, or of a list each.
type Setting struct {
	Key    string
	Values []string
	List   bool // the flag may be repeated
}

// Settings lists what the recipe says, in the order of its fields, without Made.
func (r *Recipe) Settings() []Setting { return settings(reflect.ValueOf(r).Elem()) }

// Keys lists all keys that a recipe may have, in the order of its fields, without those of Made and the version.
func Keys() []string { return keys(reflect.TypeFor[Recipe]()) }

func keys(t reflect.Type) []string {
	var list []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("key"); key != "" {
			list = append(list, key)
		}
	}
	return list
}

// Set gives the key these values, as the flag of that name takes them. Errors: a key that there is not, with the nearest name; values
// that are not of its kind, or none.
func (r *Recipe) Set(key string, values ...string) error {
	return set(reflect.ValueOf(r).Elem(), key, values)
}

// field returns the field of the key.
func field(of reflect.Value, key string) (reflect.Value, error) {
	for i := range of.NumField() {
		if of.Type().Field(i).Tag.Get("key") == key {
			return of.Field(i), nil
		}
	}
	return reflect.Value{}, fmt.Errorf("there is no key %q%s", key, instead(key, keys(of.Type())))
}

// elsewhere are flags of 'linquant quantize' that say where to write, and how, and so are no part of what is done.
var elsewhere = []string{"out", "save-ranges", "threads", "json", "pareto", "force", "dry-run"}

// otherNames are words for what a recipe has a key for, and names that flags had before.
var otherNames = map[string]string{
	"granularity": "per", "dataset": "calib", "calibration": "calib", "limit": "calib-size", "calib-limit": "calib-size",
	"weight-range": "weights", "weight-method": "weights", "normalize": "preprocess", "activations": "act-bits", "group": "group-size", "convention": "requant",
	"version": versionKey,
}

// instead is what an error about a key says at its end: which was meant, or where to find those that there are.
func instead(key string, known []string) string {
	meant := near.Meant(key, known)
	names := near.Names(key, known)
	other := otherNames[strings.ReplaceAll(key, "_", "-")]
	switch {
	case meant != "":
		return meant
	case slices.Contains(known, other) || other == versionKey:
		return fmt.Sprintf("; did you mean %q?", other)
	case slices.Contains(elsewhere, key):
		return fmt.Sprintf(": --%s stands on the command line alone, for no byte of the network depends on it", key)
	case len(names) > 0:
		return "; near to it: " + near.List(names)
	case len(known) < 8:
		return "; there are " + near.List(known)
	}
	return ": keys are the names of the flags of 'linquant quantize --help'"
}

func set(of reflect.Value, key string, values []string) error {
	f, err := field(of, key)
	if err != nil {
		return err
	}
	if len(values) == 0 || values[0] == "" {
		return fmt.Errorf("it says nothing: give it a value, or leave it out")
	}
	switch f.Interface().(type) {
	case []string:
		f.Set(reflect.ValueOf(append([]string(nil), values...)))
		return nil
	case []float32:
		return setNumbers(f, strings.Split(strings.Join(values, ","), ","))
	}
	if len(values) > 1 {
		return fmt.Errorf("it has %d values: give it one", len(values))
	}
	if f.Kind() == reflect.Pointer {
		f.Set(reflect.New(f.Type().Elem()))
		return setOne(f.Elem(), values[0])
	}
	if err := setOne(f, values[0]); err != nil || f.Kind() == reflect.Bool || !f.IsZero() {
		return err
	}
	return fmt.Errorf("it cannot be %s: leave it out for what is so by default", values[0]) // a field that is zero says nothing
}

// setOne reads a single value.
func setOne(f reflect.Value, value string) error {
	switch f.Kind() {
	case reflect.String:
		f.SetString(value)
	case reflect.Bool:
		if value != "true" && value != "false" {
			return fmt.Errorf("%q: write true or false", value)
		}
		f.SetBool(value == "true")
	case reflect.Int:
		v, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return fmt.Errorf("%q: write a whole number", value)
		}
		f.SetInt(v)
	default:
		v, err := strconv.ParseFloat(value, f.Type().Bits())
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%q: write a number without a unit, such as 5 or 0.5", value)
		}
		f.SetFloat(v)
	}
	return nil
}

func setNumbers(f reflect.Value, values []string) error {
	list := reflect.MakeSlice(f.Type(), len(values), len(values))
	for i, v := range values {
		if err := setOne(list.Index(i), strings.TrimSpace(v)); err != nil {
			return err
		}
	}
	f.Set(list)
	return nil
}

// settings lists the fields that say something.
func settings(of reflect.Value) []Setting {
	var list []Setting
	for i := range of.NumField() {
		f, key := of.Field(i), of.Type().Field(i).Tag.Get("key")
		if key == "" || f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		s := Setting{Key: key}
		switch v := f.Interface().(type) {
		case []string:
			s.List, s.Values = true, append(s.Values, v...)
		case []float32:
			numbers := make([]string, len(v))
			for i := range v {
				numbers[i] = text(f.Index(i))
			}
			s.Values = []string{strings.Join(numbers, ",")}
		default:
			s.Values = []string{text(f)}
		}
		list = append(list, s)
	}
	return list
}

// text writes a single value so that setOne reads the same.
func text(f reflect.Value) string {
	switch f.Kind() {
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(f.Float(), 'g', -1, f.Type().Bits())
	}
	return fmt.Sprint(f.Interface())
}
