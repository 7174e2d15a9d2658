package main

import (
	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/recipe"
)

func recipeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recipe FILE",
		Short: "Print how a file was made, as a recipe that makes it again",
		Long: "recipe prints the recipe that an .onnx or .safetensors carries which 'linquant quantize' made: everything that was said " +
			"to it, and the hashes of what it was made of. Save it to a file, change it, and give it to 'linquant quantize --recipe'. Of a file that is " +
			"a recipe already it prints what is read in it, or what is wrong with it.\n\n" +
			"Files are named as on the command line that made the output, but of those outside the folder that it ran in only by the last part of " +
			"their path.",
		Example: "  linquant recipe vgg-int8.onnx\n" +
			"  linquant recipe vgg-int8.onnx > vgg.yaml",
		Args: cli.OneArg("a FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := recipe.Open(args[0])
			if err != nil {
				return err
			}
			text, err := r.Text()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}
