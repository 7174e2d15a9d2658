package raw

import (
	"encoding/json"
	"fmt"

	"linquant/internal/jsontext"
)

// The keys of the metadata that say what ONNX has no place for.
const (
	KeyRequant = "linquant.requant" // quant.Convention
	KeyBits    = "linquant.bits"    // names the values with fewer bits than their type has
	KeyWhole   = "linquant.whole"   // "true": the whole input is one example (graph.Whole)
	KeyVersion = "linquant.version" // of linquant
)

// NarrowTypes reads the widths of narrow codes from the metadata.
func NarrowTypes(metadata map[string]string) (map[string]int, error) {
	s, ok := metadata[KeyBits]
	if !ok {
		return nil, nil
	}
	var bits map[string]int
	if err := json.Unmarshal([]byte(s), &bits); err != nil {
		return nil, fmt.Errorf("metadata %q is not a JSON object of numbers: %w", KeyBits, jsontext.Error(err))
	}
	for name, b := range bits {
		if b < 2 || b > 8 {
			return nil, fmt.Errorf("metadata %q: %d bits for value %q; codes have 2 to 8", KeyBits, b, name)
		}
	}
	return bits, nil
}
