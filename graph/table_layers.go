package graph

import "slices"

// windowAttrs are what convolutions and pools have in common.
var windowAttrs = []Attribute{
	strAttr("auto_pad", "NOTSET"), intsAttr("strides"), intsAttr("pads"),
}

var (
	dynamic = intAttr(dynamicAttr, 0).in(ScopeGraph)
	stacked = intAttr(stackedAttr, 0).in(ScopeGraph)
	epsilon = floatAttr("epsilon", 1e-5)
	stash   = intAttr("stash_type", 1).in(ScopeIgnored)
)

func init() {
	add(ClassLayer, Arity{2, 3}, []Operator{
		{
			Op: Conv, Since: 1, Role: RoleLayer, role: site.layerRole, shape: site.conv, eval: site.evalLayer,
			Attrs: append(slices.Clip(windowAttrs), intsAttr("kernel_shape"), intsAttr("dilations"), intAttr("group", 1), dynamic),
		},
		{
			Op: Gemm, Since: 1, Role: RoleLayer, role: site.layerRole, shape: site.gemm, eval: site.evalLayer,
			Attrs: []Attribute{floatAttr("alpha", 1), floatAttr("beta", 1), intAttr("transA", 0), intAttr("transB", 0), dynamic, stacked},
		},
		{
			Op: MatMul, Since: 1, Inputs: Arity{2, 2}, Role: RoleLayer, role: site.layerRole, shape: site.matMul, eval: site.evalLayer,
			Attrs: []Attribute{dynamic},
		},
	}...)

	add(ClassPool, Arity{1, 1}, []Operator{
		{
			Op: AveragePool, Since: 1, Role: RoleOwn, shape: site.pool, eval: site.evalAverage, nothing: poolsNothing,
			Attrs: append(slices.Clip(windowAttrs), intsAttr("kernel_shape").required(), intsAttr("dilations").from(19),
				intAttr("ceil_mode", 0).from(10), intAttr("count_include_pad", 0).from(7), qlinear),
		},
		{
			Op: GlobalAveragePool, Since: 1, Role: RoleOwn, shape: site.globalPool, eval: site.evalAverage,
			Attrs: []Attribute{qlinear},
		},
		{Op: GlobalMaxPool, Since: 1, Integers: Never, Role: RolePass, shape: site.globalPool, eval: site.evalMaxPool},
		{
			Op: MaxPool, Since: 1, Integers: 12, Role: RolePass, shape: site.pool, eval: site.evalMaxPool, nothing: poolsNothing,
			Attrs: append(slices.Clip(windowAttrs), intsAttr("kernel_shape").required(), intsAttr("dilations").from(10),
				intAttr("ceil_mode", 0).from(10), intAttr("storage_order", 0).from(8).in(ScopeIgnored)),
		},
	}...)

	add(ClassNormalization, Arity{3, 3}, []Operator{
		{
			Op: BatchNormalization, Since: 1, Inputs: Arity{5, 5}, FloatOnly: true, shape: site.batchNorm, eval: site.evalBatchNorm,
			Why: "a batch normalization that no layer took up has no integer form: fold the network first (graph.Fold)",
			Attrs: []Attribute{
				epsilon, floatAttr("momentum", 0.9).in(ScopeIgnored), intAttr("spatial", 1).in(ScopeFile),
				intAttr("training_mode", 0).from(14).in(ScopeFile),
			},
		},
		{
			Op: GroupNormalization, Since: 18, Written: 21, FloatOnly: true, shape: site.norm, eval: site.evalNorm,
			Attrs: []Attribute{epsilon, intAttr("num_groups", 0).required(), stash},
		},
		{
			Op: InstanceNormalization, Since: 1, FloatOnly: true, shape: site.norm, eval: site.evalNorm,
			Attrs: []Attribute{epsilon},
		},
		{
			Op: LayerNormalization, Since: 17, Inputs: Arity{2, 3}, FloatOnly: true, shape: site.norm, eval: site.evalNorm,
			Attrs:   []Attribute{intAttr("axis", -1), epsilon, stash},
			spelled: []recognizer{pieces.layerNorm, pieces.layerNormBias},
		},
		{
			Op: LogSoftmax, Since: 1, Inputs: Arity{1, 1}, FloatOnly: true, shape: site.softmax, eval: site.evalSoftmax,
			Attrs: []Attribute{intAttr("axis", -1)},
		},
		{
			Op: RMSNormalization, Since: 23, Inputs: Arity{2, 2}, FloatOnly: true, shape: site.norm, eval: site.evalNorm,
			Attrs: []Attribute{intAttr("axis", -1), epsilon, stash},
		},
		{
			Op: Softmax, Since: 1, Inputs: Arity{1, 1}, FloatOnly: true, shape: site.softmax, eval: site.evalSoftmax,
			Attrs: []Attribute{intAttr("axis", -1)},
		},
	}...)
}
