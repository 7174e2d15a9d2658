package text

import "strings"

// identifiers are the fields and functions that errors of the library name, and what the command has in their place.
var identifiers = strings.NewReplacer(
	"(Override.Float)", "(--override NAME=float)",
	"(Override)", "(--override NAME=w8, NAME=float)",
	" (ImportConfig.Fixed)", "",
	" (ImportConfig.Constants)", "",
	"give examples (ptq.Config.Examples)", "give examples (--calib)",
	"calibrate the values that ptq.Points lists for this configuration", "measure it with --calib, and the same bits and overrides",
	"another Config.CPU may do without", "another tier may do without: set LINQUANT_CPU to generic",
	": observe with that of Config.Observer", "",
	": apply graph.Sort first", "",
	"the first size graph.Batch", "the first size that of the batch",
	" (graph.Fold)", "",
	" with graph.Batch first", " with the batch first",
	", graph.Batch", "",
	"is graph.Batch", "is the batch",
	"apply graph.Fold", "export it again with linquant export",
	"use Run, or make it of pixels with vision.PixelInput", "give it reals, or write it with --input-type uint8",
	"the program is empty: engine.Compile makes one of a graph", "the network is empty",
	"or another mean and std", "or another preparation (--mean and --std, or --preprocess)",
)

// InFlags says an error of the library in the words of the command: flags where it names fields.
func InFlags(message string) string { return identifiers.Replace(message) }
