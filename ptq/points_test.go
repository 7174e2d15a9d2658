package ptq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
)

// branches is a network whose values share parameters in every way: along chains, in a Concat, beside the edges.
func branches(t testing.TB) *graph.Graph {
	n := newNet(t, 3, 6, 6)
	y := n.op(graph.Relu, "first_relu", nil, n.conv("first", "x", 3, 4))
	left := n.op(graph.Relu, "left_relu", nil, n.conv("left", y, 4, 2))
	right := n.conv("right", y, 4, 2)
	y = n.op(graph.Concat, "cat", graph.Attrs{"axis": 1}, left, right)
	y = n.op(graph.Sigmoid, "sigmoid", nil, n.conv("middle", y, 4, 4))
	return n.done(n.gemm("last", n.op(graph.Flatten, "flat", nil, y), 4*36, 5))
}

// Every value is calibrated for the codes that it gets, and for no others: bits from the configuration, overrides,
// KeepEdges and what shares its parameters, with the sign and the symmetry asked for.
func TestPointsHaveTheCodesThatValuesGet(t *testing.T) {
	g := branches(t)
	overrides := []ptq.Override{{Pattern: "right", ActBits: 5}, {Pattern: "sigmoid", ActBits: 3}, {Pattern: "left_relu", ActBits: 6}}
	for _, tt := range []struct {
		name string
		cfg  ptq.Config
		want string
	}{
		{"defaults", ptq.Config{}, "x uint8, first_relu.y uint8, cat.y uint8, middle.y uint8, flat.y uint8, last.y uint8"},
		{"signed", ptq.Config{ActBits: 4, ActSigned: true}, "x int4, first_relu.y int4, cat.y int4, middle.y int4, flat.y int4, last.y int4"},
		{
			"symmetric, edges",
			ptq.Config{ActBits: 4, ActSymmetric: true, KeepEdges: true},
			"x uint8 symmetric, first_relu.y uint8 symmetric, cat.y uint4 symmetric, middle.y uint4 symmetric, flat.y uint8 symmetric, last.y uint8 symmetric",
		},
		{
			"overrides",
			ptq.Config{ActBits: 4, KeepEdges: true, Overrides: overrides},
			"x uint8, first_relu.y uint8, cat.y uint6, middle.y uint4, flat.y uint3, last.y uint8",
		},
	} {
		points, err := ptq.Points(g, tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range points {
			got = append(got, p.Value+" "+p.Scheme.String())
		}
		if diff := cmp.Diff(strings.Split(tt.want, ", "), got); diff != "" {
			t.Errorf("%s: points (-want +got):\n%s", tt.name, diff)
		}
		program, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, Keep: calib.Values(points)})
		if err != nil {
			t.Fatal(err)
		}
		n := newNet(t, 3, 6, 6)
		x := n.random(8 * 3 * 36)
		data := func(yield func([][]float32, error) bool) { yield([][]float32{x}, nil) }
		for _, method := range []calib.Method{calib.MinMax, calib.MSE, calib.Entropy} {
			cfg := calib.Config{Method: method}
			ranges, err := calib.Run(t.Context(), program, data, points, cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, report, err := ptq.Quantize(t.Context(), g, ranges, tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Activations) != len(points) {
				t.Fatalf("%d activations of %d points", len(report.Activations), len(points))
			}
			for _, a := range report.Activations {
				// The same again, for the codes that the network has in the end.
				o, err := cfg.Observer()
				if err != nil {
					t.Fatal(err)
				}
				if err := calib.Observe(t.Context(), program, data, map[string][]calib.Observer{a.Value: {o}}, nil); err != nil {
					t.Fatal(err)
				}
				want, err := cfg.Range(o, calib.Scheme{Type: a.Type, Symmetric: tt.cfg.ActSymmetric})
				if err != nil {
					t.Fatal(err)
				}
				if want.Lo != a.Range.Lo || want.Hi != a.Range.Hi {
					t.Errorf("%s, %v: %s becomes %v over %v to %v, the range for that is %v to %v", tt.name, method, a.Value, a.Type,
						a.Range.Lo, a.Range.Hi, want.Lo, want.Hi)
				}
			}
		}
	}
}

// A range for other codes is an error, never used in silence; but for extremes, which are right for any, and for what
// nobody said anything about.
func TestRangesForOtherCodes(t *testing.T) {
	n := newNet(t, 4)
	g := n.done(n.op(graph.Sigmoid, "s", nil, "x"))
	for _, tt := range []struct {
		by   calib.Method
		have calib.Scheme
		cfg  ptq.Config
		want string
	}{
		{calib.MSE, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{}, ""},
		{calib.MSE, calib.Scheme{Type: quant.Uint(4)}, ptq.Config{}, `value "x": its range was chosen for uint4, by mse, and its codes are uint8: calibrate again`},
		{calib.MSE, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActBits: 4}, "for uint8, by mse, and its codes are uint4"},
		{calib.Entropy, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActSigned: true}, "for uint8, by entropy, and its codes are int8"},
		{calib.Entropy, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActSymmetric: true}, "and its codes are uint8 symmetric"},
		{calib.MinMax, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActBits: 3, ActSigned: true, ActSymmetric: true}, ""},
		{calib.MovingAverage, calib.Scheme{Type: quant.Int(2)}, ptq.Config{}, ""},
		{calib.MinMax, calib.Scheme{Type: quant.Uint(8), Symmetric: true}, ptq.Config{}, "for uint8 symmetric, by min-max"},
		{calib.MinMax, calib.Scheme{Type: quant.Uint(8), Symmetric: true}, ptq.Config{ActBits: 4, ActSymmetric: true}, ""},
		{calib.MinMax, calib.Scheme{Type: quant.Int(8), Symmetric: true}, ptq.Config{ActSymmetric: true}, "for int8 symmetric, by min-max"},
		{calib.Percentile, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActBits: 4, ActSigned: true}, ""},
		{calib.Percentile, calib.Scheme{Type: quant.Uint(8)}, ptq.Config{ActSymmetric: true}, "for uint8, by percentile"},
		{calib.Percentile, calib.Scheme{Type: quant.Uint(8), Symmetric: true}, ptq.Config{}, "for uint8 symmetric, by percentile"},
		{calib.Percentile, calib.Scheme{Type: quant.Uint(8), Symmetric: true}, ptq.Config{ActBits: 2, ActSymmetric: true}, ""},
		{calib.MSE, calib.Scheme{}, ptq.Config{ActBits: 2, ActSymmetric: true}, ""},
	} {
		ranges := calib.Ranges{"x": {Lo: -1, Hi: 1, For: tt.have, By: tt.by}, "s.y": {Lo: 0, Hi: 1}}
		_, _, err := ptq.Quantize(t.Context(), g, ranges, tt.cfg)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%v by %v, %+v: %v", tt.have, tt.by, tt.cfg, err)
			}
			continue
		}
		var value *graph.ValueError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &value) || value.Value != "x" {
			t.Errorf("%v by %v, %+v: error %v, want %q", tt.have, tt.by, tt.cfg, err, tt.want)
		}
	}
}
