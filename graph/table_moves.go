package graph

func init() {
	// axis and block_size of the boundaries are read with their scales, the others are refused or follow from the types.
	quantization := []Attribute{
		intAttr("axis", 1).from(13).in(ScopeFile), intAttr("block_size", 0).from(21).in(ScopeFile),
		intAttr("output_dtype", 0).from(21).in(ScopeFile),
	}
	add(ClassBoundary, Arity{1, 1}, []Operator{
		{
			Op: DequantizeLinear, Since: 10, File: Arity{2, 3}, Attrs: quantization, eval: site.evalDequantize,
		},
		{
			Op: QuantizeLinear, Since: 10, File: Arity{2, 3}, eval: site.evalQuantize,
			Attrs: append(quantization[:3:3], intAttr("precision", 0).from(23).in(ScopeFile), intAttr("saturate", 1).from(19).in(ScopeFile)),
		},
	}...)

	// The same elements in the same order.
	add(ClassReshape, Arity{1, 1}, []Operator{
		{
			Op: Dropout, Since: 1, Counting: true, Integers: Never, Role: RolePass, Unary: always(same), nothing: alwaysNothing,
			Attrs: []Attribute{
				floatAttr("ratio", 0.5).input(1, 12).in(ScopeIgnored), intAttr("seed", 0).from(12).in(ScopeIgnored),
				intAttr("training_mode", 0).from(12).input(2, 12).in(ScopeFile),
			},
		},
		{
			Op: Flatten, Since: 1, Counting: true, Role: RolePass, shape: site.flatten, eval: site.evalReshape, nothing: sameShape,
			Attrs: []Attribute{intAttr("axis", 1)},
		},
		{Op: Identity, Since: 1, Counting: true, Role: RolePass, Unary: always(same), nothing: alwaysNothing},
		{
			Op: Reshape, Since: 1, Counting: true, Role: RolePass, shape: site.reshape, eval: site.evalReshape, nothing: sameShape,
			Attrs: []Attribute{intsAttr("shape").input(1, 5).required(), intAttr("allowzero", 0).from(14)},
		},
		{
			Op: Squeeze, Since: 1, Counting: true, Role: RolePass, shape: site.squeeze, eval: site.evalReshape, nothing: sameShape,
			Attrs: []Attribute{intsAttr("axes").input(1, 13)},
		},
		{
			Op: Unsqueeze, Since: 1, Counting: true, Role: RolePass, shape: site.unsqueeze, eval: site.evalReshape, nothing: sameShape,
			Attrs: []Attribute{intsAttr("axes").input(1, 13).required()},
		},
	}...)

	// Elements in other places.
	add(ClassMove, Arity{1, 1}, []Operator{
		{
			Op: Expand, Since: 8, Counting: true, Role: RolePass, shape: site.expand, eval: site.evalPick, nothing: sameShape,
			Attrs: []Attribute{intsAttr("shape").from(8).input(1, 8).required()},
		},
		{
			Op: Gather, Since: 1, Inputs: Arity{1, 2}, File: Arity{2, 2}, Role: RolePass, types: typeOfInput(0),
			shape: site.gather, eval: site.evalGather, floatOnly: func(n *Node) bool { return n.Input(1) != "" },
			Attrs: []Attribute{intAttr("axis", 0), intsAttr("indices").from(1).input(1, 1)},
		},
		{
			Op: Pad, Since: 1, Counting: true, Integers: 11, Role: RolePass, shape: site.pad, eval: site.evalPad, nothing: sameShape,
			Attrs: []Attribute{
				intsAttr("pads").input(1, 11).required(), strAttr("mode", "constant"), floatAttr("value", 0).input(2, 11),
				intsAttr("axes").from(18).input(3, 18).in(ScopeFile),
			},
		},
		{
			Op: Slice, Since: 1, Counting: true, Role: RolePass, shape: site.slice, eval: site.evalSlice, nothing: slicesNothing,
			Attrs: []Attribute{
				intsAttr("starts").input(1, 10).required(), intsAttr("ends").input(2, 10).required(),
				intsAttr("axes").input(3, 10), intsAttr("steps").from(10).input(4, 10),
			},
		},
		{
			Op: Tile, Since: 1, Counting: true, Role: RolePass, shape: site.tile, eval: site.evalPick, nothing: sameShape,
			Attrs: []Attribute{intsAttr("repeats").from(1).input(1, 1).required()},
		},
		{
			Op: Transpose, Since: 1, Counting: true, Role: RolePass, shape: site.transpose, eval: site.evalTranspose, nothing: movesNothing,
			Attrs: []Attribute{intsAttr("perm")},
		},
	}...)

	add(ClassJoin, Arity{1, Many}, Operator{
		Op: Concat, Since: 1, Counting: true, Role: RoleJoin, shape: site.concat, eval: site.evalConcat,
		Attrs:   []Attribute{intAttr("axis", -1).required()}, // before opset 4: 1
		nothing: func(s site, _, _ *Value) bool { return len(s.n.Inputs) == 1 },
	})

	add(ClassSelect, Arity{3, 3}, Operator{Op: Where, Since: 9, Counting: true, FloatOnly: true, shape: site.where, eval: site.evalWhere})

	add(ClassResample, Arity{1, 1}, Operator{
		Op: Resize, Since: 10, Written: 7, Role: RolePass, types: site.resizeType, shape: site.resize, eval: site.evalResize,
		floatOnly: func(n *Node) bool { return !ResizesByCopy(n) },
		Attrs: []Attribute{
			strAttr("mode", "nearest"), floatsAttr("roi").from(11).input(1, 11), floatsAttr("scales").input(2, 11),
			intsAttr("sizes").from(11).input(3, 11),
			strAttr("coordinate_transformation_mode", "half_pixel").from(11),
			strAttr("nearest_mode", "round_prefer_floor").from(11), floatAttr("cubic_coeff_a", -0.75).from(11),
			intAttr("exclude_outside", 0).from(11), floatAttr("extrapolation_value", 0).from(11),
			intAttr("antialias", 0).from(18), intsAttr("axes").from(18).in(ScopeFile),
			strAttr("keep_aspect_ratio_policy", "stretch").from(18).in(ScopeFile),
		},
	})
}
