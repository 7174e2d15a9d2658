// Package text makes numbers, names and tables what the command prints.
package text

import (
	"fmt"
	"math"
	"strconv"
)

// Thousands formats n with a comma after every three digits.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Megabytes formats a number of bytes for people, in units of 1000.
func Megabytes(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// MultiplyAccumulates formats how many of them an example takes.
func MultiplyAccumulates(n int64) string {
	if n >= 1e6 {
		return fmt.Sprintf("%.1f million multiply-accumulates an example", float64(n)/1e6)
	}
	return Thousands(n) + " multiply-accumulates an example"
}

// Plural returns "1 tensor", "2 tensors".
func Plural[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Thousands(int64(n)) + " " + what + "s"
}

// Decibels formats a signal-to-noise ratio.
func Decibels(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "exact"
	case math.IsNaN(v):
		return "-"
	}
	return fmt.Sprintf("%.1f dB", v)
}

// Percent formats a fraction with two digits, as accuracies are quoted.
func Percent(f float64) string { return fmt.Sprintf("%.2f%%", 100*f) }

// Points formats a difference of fractions in percentage points.
func Points(f float64) string { return fmt.Sprintf("%+.2f", 100*f) }

// Rate formats a number a second with three digits.
func Rate(v float64) string {
	switch {
	case v >= 100:
		return Thousands(int64(v + 0.5))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Ratio formats how many times larger a is.
func Ratio(a, b int64) string { return fmt.Sprintf("%.2fx", float64(a)/float64(b)) }

// Rounded formats a number that people have chosen, such as 0.5, without the traces of binary fractions.
func Rounded(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
