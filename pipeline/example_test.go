package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"linquant/builtin"
	"linquant/dataset"
	"linquant/engine"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
)

// One call from a float network to integers, measured on examples that neither has seen.
func ExampleQuantize() {
	r, err := pipeline.Quantize(context.Background(), pipeline.Config{
		Model: pipeline.Builtin,
		Quant: ptq.Config{WeightBits: 4, KeepEdges: true},
		Test:  pipeline.Data{Spec: pipeline.Builtin, Limit: 100},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	var file bytes.Buffer
	if err := r.Export(&file, onnx.ExportConfig{}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d layers, %d of %d right, as floats %d\n", len(r.Report.Layers), r.Accuracy.Network.Top1, r.Accuracy.N,
		r.Accuracy.Reference.Top1)
	fmt.Println("constants became smaller:", r.Report.PackedBytes < r.Report.FloatBytes/4)
	// Output:
	// 9 layers, 97 of 100 right, as floats 96
	// constants became smaller: true
}

// The same in steps, of which each can be taken alone.
func Example() {
	ctx := context.Background()
	n, err := pipeline.Open(context.Background(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	training, err := dataset.Open(ctx, "builtin:train", "")
	if err != nil {
		log.Fatal(err)
	}
	defer training.Close()
	ranges, err := n.Calibrate(ctx, dataset.Limit(training, 64), pipeline.Config{})
	if err != nil {
		log.Fatal(err)
	}
	q, _, err := n.Quantize(context.Background(), ranges, ptq.Config{})
	if err != nil {
		log.Fatal(err)
	}
	model, err := q.Compile(context.Background(), engine.Config{Threads: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Numbers, len(model.Warnings()))
	_, _, err = q.Quantize(context.Background(), ranges, ptq.Config{})
	fmt.Println(errors.Is(err, pipeline.ErrQuantized))
	// Output:
	// integers 0
	// true
}

// digits returns an ONNX file of the network that comes with the module, which a program would embed:
//
//	//go:embed digits.onnx
//	var digits []byte
func digits() []byte {
	n, err := pipeline.Open(context.Background(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	var buf bytes.Buffer
	if err := n.Export(&buf, onnx.ExportConfig{}); err != nil {
		log.Fatal(err)
	}
	return buf.Bytes()
}

func ExampleLoad() {
	model, err := pipeline.Load(context.Background(), bytes.NewReader(digits()), engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	set, err := builtin.Data("test") // a service has dataset.ReadImage(request.Body, …)
	if err != nil {
		log.Fatal(err)
	}
	x := make([]float32, 3*32*32)
	label, err := set.Read(context.Background(), 7, x)
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

// A gate: it ends as soon as the examples show whether 4 bits lose more than 20 points of accuracy.
func ExampleCheck() {
	ctx := context.Background()
	r, err := pipeline.Quantize(ctx, pipeline.Config{Model: pipeline.Builtin, Quant: ptq.Config{WeightBits: 4}})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	set, err := dataset.Open(ctx, "builtin:test", "")
	if err != nil {
		log.Fatal(err)
	}
	defer set.Close()
	c, err := pipeline.Check(ctx, r.Network, r.Float, set, pipeline.CheckConfig{MaxLoss: 0.2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Verdict, c.N < 60, c.Of)
	// Output: pass true 2000
}
