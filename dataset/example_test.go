package dataset_test

import (
	"context"
	"fmt"

	"linquant/dataset"
)

func ExampleEach() {
	set, err := dataset.Open(context.Background(), "builtin", dataset.Test)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()

	for batch, err := range dataset.Each(context.Background(), dataset.Limit(set, 10), 4) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("from", batch.First, "on:", batch.N, "examples,", len(batch.X), "values, labels", batch.Labels)
	}
	// Output:
	// from 0 on: 4 examples, 12288 values, labels [5 1 3 6]
	// from 4 on: 4 examples, 12288 values, labels [9 7 2 0]
	// from 8 on: 2 examples, 6144 values, labels [4 8]
}
