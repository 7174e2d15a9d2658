package main

// files are all files of generated assembly.
var files = []file{
	{"tensor/half_avx2_amd64.s", avx2, half},
	{"tensor/half_avx512_amd64.s", avx512, half},
	{"calib/bins_amd64.s", 0, bins},
	{"quant/columns_avx2_amd64.s", avx2, columns},
	{"quant/columns_avx512_amd64.s", avx512, columns},
	{"quant/extremes_avx2_amd64.s", avx2, extremes},
	{"quant/extremes_avx512_amd64.s", avx512, extremes},
	{"quant/quantize_avx2_amd64.s", avx2, arrays},
	{"quant/quantize_avx512_amd64.s", avx512, arrays},
	{"quant/requantize_avx2_amd64.s", avx2, requantizeSums},
	{"quant/requantize_avx512_amd64.s", avx512, requantizeSums},
	{"internal/elementwise/pair_avx2_amd64.s", avx2, pair},
	{"internal/elementwise/pair_avx512_amd64.s", avx512, pair},
	{"internal/elementwise/reals_avx2_amd64.s", avx2, reals},
	{"internal/elementwise/reals_avx512_amd64.s", avx512, reals},
	{"internal/elementwise/dynamic_avx2_amd64.s", avx2, dynamic},
	{"internal/elementwise/window_avx2_amd64.s", avx2, pooling},
	{"internal/elementwise/window_avx512_amd64.s", avx512, pooling},
	{"internal/elementwise/depthwise_avx2_amd64.s", avx2, depthwise},
	{"internal/elementwise/depthwise_avx512_amd64.s", avx512, depthwise},
	{"internal/elementwise/gather_avx2_amd64.s", avx2, gather},
	{"internal/elementwise/gather_avx512_amd64.s", avx512, gather},
	{"internal/elementwise/gather_two_amd64.s", 0, gatherTwo},
}
