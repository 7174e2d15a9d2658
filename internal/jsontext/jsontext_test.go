package jsontext

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestError(t *testing.T) {
	type thing struct {
		F float32
		S string
		B bool
		L []int
		M map[string]int
	}
	for text, want := range map[string]string{
		`{"F": "x"}`:        "F: a text stands where a number of 32 bits belongs",
		`{"F": 1e99}`:       "F: the number 1e99 does not fit where a number of 32 bits belongs",
		`{"S": 1}`:          "S: a number stands where a text belongs",
		`{"B": {}}`:         "B: an object stands where true or false belongs",
		`{"L": true}`:       "L: true or false stands where a list belongs",
		`{"L": [1.5]}`:      "L: the number 1.5 does not fit where an integer belongs",
		`{"M": []}`:         "M: a list stands where an object belongs",
		`[]`:                "a list stands where an object belongs",
		`{"F": 1`:           "the text ends in the middle of its JSON",
		``:                  "the text ends in the middle of its JSON",
		`{"F": 1,}`:         "it is no JSON at byte 9 (invalid character '}' looking for beginning of object key string)",
		`{"layout": "xyz"}`: `there is no key "layout"`,
	} {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := Error(d.Decode(&thing{})); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if err := Error(json.Unmarshal([]byte(text), &thing{})); err == nil != strings.Contains(text, "layout") || err != nil && strings.Contains(err.Error(), "json:") {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := json.Marshal(math.NaN())
	if got := Error(err); got == nil || got.Error() != "JSON has no number for NaN" {
		t.Errorf("NaN: %v", got)
	}
	if other := errors.New("other"); Error(other) != other || Error(nil) != nil {
		t.Error("an error of another kind changed")
	}
}
