package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/engine"
	"linquant/models"
	"linquant/onnx"
)

// digits returns an ONNX file of the network that comes with the module, which a program would embed:
//
//	//go:embed digits.onnx
//	var digits []byte
func digits() []byte {
	data := builtin.Checkpoint()
	file, err := checkpoint.New(bytes.NewReader(data), int64(len(data)), "builtin")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	g, _, err := models.Build(file.Tensors(), "")
	if err != nil {
		log.Fatal(err)
	}
	var buf bytes.Buffer
	if err := onnx.Export(&buf, g, onnx.ExportConfig{}); err != nil {
		log.Fatal(err)
	}
	return buf.Bytes()
}

func ExampleLoad() {
	model, err := engine.Load(bytes.NewReader(digits()), engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	set, err := builtin.Data("test") // a service has dataset.ReadImage(request.Body, …)
	if err != nil {
		log.Fatal(err)
	}
	x := make([]float32, 3*32*32)
	label, err := set.Read(7, x)
	if err != nil {
		log.Fatal(err)
	}
	pixels := make([]uint8, len(x))
	for i, v := range x {
		pixels[i] = uint8(v)
	}
	classes, err := model.Classify(context.Background(), pixels, 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it is", label, "and looks like", classes[0].Index)
	// Output: it is 0 and looks like 0
}
