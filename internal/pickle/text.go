package pickle

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDigits bounds decimal integers, whose conversion takes time that grows faster than their length.
const maxDigits = 1000

// parseInt reads the argument of INT and LONG; INT writes booleans as 00 and 01.
func parseInt(line string, isInt bool) (Value, error) {
	if isInt && (line == "00" || line == "01") {
		return line == "01", nil
	}
	line = strings.TrimSuffix(line, "L")
	if len(line) > maxDigits {
		return nil, fmt.Errorf("an integer of %d digits", len(line))
	}
	if v, err := strconv.ParseInt(line, 10, 64); err == nil {
		return v, nil
	}
	v, ok := new(big.Int).SetString(line, 10)
	if !ok {
		return nil, fmt.Errorf("%.40q is no integer", line)
	}
	return v, nil
}

// long reads the argument of LONG1 and LONG4: two's complement, little-endian, of any length. It reuses b.
func long(b []byte) Value {
	if len(b) <= 8 {
		var v int64
		for i, c := range b {
			v |= int64(c) << (8 * i)
		}
		shift := 64 - 8*len(b)
		return v << shift >> shift
	}
	negative := b[len(b)-1]&0x80 != 0
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if v.IsInt64() {
		return v.Int64()
	}
	return v
}

// simpleEscapes are those of a Python string that are one letter long; making a Replacer takes longer than using it.
var simpleEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

var errQuote = errors.New("a string without its quotes")

// parseString reads the argument of STRING: a Python literal in quotes, with backslash escapes.
func parseString(line string) (string, error) {
	if len(line) < 2 || line[0] != line[len(line)-1] || line[0] != '\'' && line[0] != '"' {
		return "", errQuote
	}
	line = line[1 : len(line)-1]
	if !strings.Contains(line, `\`) {
		return line, nil
	}
	if !strings.Contains(line, `\x`) {
		return simpleEscapes.Replace(line), nil
	}
	var out strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' || i+1 == len(line) {
			out.WriteByte(line[i])
			continue
		}
		if i+3 < len(line) && line[i+1] == 'x' {
			if c, err := strconv.ParseUint(line[i+2:i+4], 16, 8); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteString(simpleEscapes.Replace(line[i : i+2]))
		i++
	}
	return out.String(), nil
}

// parseUnicode reads the argument of UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX for what that has not.
func parseUnicode(line string) string {
	var out strings.Builder
	for i := 0; i < len(line); i++ {
		digits := 0
		if line[i] == '\\' && i+1 < len(line) {
			digits = map[byte]int{'u': 4, 'U': 8}[line[i+1]]
		}
		if digits > 0 && i+2+digits <= len(line) {
			if c, err := strconv.ParseUint(line[i+2:i+2+digits], 16, 32); err == nil && c <= utf8.MaxRune {
				out.WriteRune(rune(c))
				i += 1 + digits
				continue
			}
		}
		out.WriteRune(rune(line[i]))
	}
	return out.String()
}
