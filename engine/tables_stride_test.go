package engine

import (
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// TestTablesOfRows multiplies each row, column or element of a value that lies row-major by a number of its own: a table
// for each, of which a row's is that of all its elements.
func TestTablesOfRows(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shape tensor.Shape // of the numbers 1, 2, 3
		at    func(row, column int) int
	}{
		{"rows", tensor.Shape{3, 1}, func(row, _ int) int { return 1 + row }},
		{"columns", tensor.Shape{1, 3}, func(_, column int) int { return 1 + column }},
		{"one", tensor.Shape{1, 1}, func(int, int) int { return 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			columns := 5
			if tt.shape[1] == 3 {
				columns = 3
			}
			p := &quant.Params{Type: quant.Uint(8), Scale: []float32{1}}
			g := graph.New("g")
			g.AddInput("x", tensor.Shape{graph.Batch, 3, columns})
			g.Values["x"].Quant = p
			n, _ := tt.shape.Elements()
			c, err := tensor.Of(tt.shape, []float32{1, 2, 3}[:n])
			if err != nil {
				t.Fatal(err)
			}
			g.AddConst("c", c)
			real := g.AddNode(graph.DequantizeLinear, "d", "real", nil, "x")
			product := g.AddNode(graph.Mul, "m", "product", nil, real, "c")
			g.AddNode(graph.QuantizeLinear, "q", "y", nil, product)
			g.Values["y"].Quant = p
			g.Outputs = []string{"y"}
			program, err := Compile(t.Context(), g, Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			if steps := program.Steps(); len(steps) < 2 || steps[1].Op != "DequantizeLinear+Mul+QuantizeLinear" {
				t.Fatalf("no tables: %+v", steps)
			}
			x, y := make([]uint8, 3*columns), make([]float32, 3*columns)
			for i := range x {
				x[i] = uint8(7*i + 1)
			}
			if err := program.RunUint8(t.Context(), [][]float32{y}, [][]uint8{x}); err != nil {
				t.Fatal(err)
			}
			for i, got := range y {
				if want := min(float32(int(x[i])*tt.at(i/columns, i%columns)), 255); got != want {
					t.Errorf("element %d is %v, want %v", i, got, want)
				}
			}
		})
	}
}
