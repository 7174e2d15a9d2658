package gemm_test

import (
	"os"
	"testing"

	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// What no test runs fails: kernels, and the forms of tiles that plans use.
func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, gemm.Table)) }
