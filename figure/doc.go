// Package figure draws what linquant measured: tensors before and after quantization as grids of numbers, and the
// weights of a network as histograms, and curves.
//
// Each constructor ([Matrices], [Histograms], [Curve]) checks its data and fixes the layout; the [Figure] it returns is drawn
// any number of times, and [Save] and [Encode] turn it into PNG or SVG. The same data gives the same bytes at every
// run.
//
// The package draws and computes no statistics: bins, densities and ranges come from the caller. All figures share one
// theme (theme.go): one typeface, one accent colour for bars, one palette for values.
package figure
