// Package seeds is imported for its effect by the tests that draw their cases with rapid: what fails is then named by its
// seed alone, and no file is written beside the tests. -rapid.nofailfile=false writes it all the same.
package seeds

import (
	"flag"
	"os"

	_ "pgregory.net/rapid" // whose flags are there once it is initialized
)

func init() {
	if os.Getenv("RAPID_NOFAILFILE") != "" {
		return
	}
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
}
