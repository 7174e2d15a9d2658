//go:build !linux || !amd64

// Command amxtrap runs a program on a processor without AMX as if it had it; see main.go.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "amxtrap: this works on Linux on amd64 only")
	os.Exit(1)
}
