package builtin_test

import (
	"context"
	"fmt"

	"linquant/builtin"
)

func ExampleData() {
	set, err := builtin.Data("test")
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float32, 3*32*32)
	label, err := set.Read(context.Background(), 0, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Name(), set.Len(), set.Shape())
	fmt.Println("the first shows a", set.Classes()[label])
	fmt.Println("its top left pixel is", x[0], x[1024], x[2048])
	// Output:
	// builtin test 2000 [3, 32, 32]
	// the first shows a 5
	// its top left pixel is 106 165 95
}
