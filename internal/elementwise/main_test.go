package elementwise_test

import (
	"os"
	"testing"

	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

// What no test runs fails.
func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, elementwise.Table)) }
