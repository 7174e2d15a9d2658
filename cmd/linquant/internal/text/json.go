package text

import (
	"encoding/json"
	"io"
	"math"
)

// WriteJSON prints v as one indented JSON value.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Finite returns v for JSON, which has no infinities and no NaN: they become null.
func Finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}
