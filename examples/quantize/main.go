// Quantize is the smallest program that uses linquant as a library: it turns the built-in network into integers, keeps it as
// an ONNX file, and runs that on images.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"linquant/builtin"
	"linquant/engine"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
)

func main() {
	right, n, err := run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("in integers %d of %d images are right\n", right, n)
}

func run(ctx context.Context) (right, n int, err error) {
	result, err := pipeline.Quantize(ctx, pipeline.Config{Model: pipeline.Builtin, Quant: ptq.Config{WeightBits: 8}})
	if err != nil {
		return 0, 0, err
	}
	defer result.Close()
	var file bytes.Buffer
	if err := result.Export(&file, onnx.ExportConfig{}); err != nil {
		return 0, 0, err
	}

	model, err := pipeline.Load(ctx, &file, engine.Config{})
	if err != nil {
		return 0, 0, err
	}
	images, err := builtin.Data("test")
	if err != nil {
		return 0, 0, err
	}
	x, pixels := make([]float32, 3*32*32), make([]uint8, 3*32*32)
	for n = range 100 {
		label, err := images.Read(ctx, n, x)
		if err != nil {
			return 0, 0, err
		}
		for i, v := range x {
			pixels[i] = uint8(v)
		}
		classes, err := model.Classify(ctx, pixels, 1)
		if err != nil {
			return 0, 0, err
		}
		if classes[0].Index == label {
			right++
		}
	}
	return right, n + 1, nil
}
