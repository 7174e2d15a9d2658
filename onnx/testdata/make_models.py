#!/usr/bin/env python3
"""Small float networks in the forms that operators had over the opsets, with what PyTorch computes for them.

    make_models.py            write float/*.onnx and float.json beside this script
    make_models.py --check    fail unless they are what it would write

Needs the Python packages onnx (1.12 or later) and torch. An input is values(shape), which Go computes too; its first
dimension is the batch of 2. float.json has for every model the expected output, little-endian float32 as base64.
"""
import base64
import io
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 2
sys.dont_write_bytecode = True  # of move_models, which has more cases


def values(shape, step=37):
    n = int(np.prod(shape))
    return ((np.arange(n) * step % 101 - 50) / 32).astype(np.float32).reshape(shape)


def t(array):
    return torch.from_numpy(np.ascontiguousarray(array))


class Model:
    """A network whose input is x and whose output is y."""

    def __init__(self, opset, x, batch="N", ir=7):
        self.opset, self.shape, self.batch, self.ir = opset, x.shape[1:], batch, ir
        self.nodes, self.inits, self.extra_inputs, self.infos = [], [], [], []

    def node(self, op, inputs, outputs=("y",), **attrs):
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), **attrs))
        return self

    def init(self, name, array):
        self.inits.append(numpy_helper.from_array(np.asarray(array), name))
        return self

    def proto(self, name, out_rank):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch] + list(self.shape))
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [self.batch] + [None] * (out_rank - 1))
        graph = helper.make_graph(self.nodes, name, [x] + self.extra_inputs, [y], self.inits, value_info=self.infos)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="make_models.py")
        m.ir_version = self.ir
        return m


CASES = {}


def case(*shape):
    """Registers a function of the input, without the batch of that shape, that makes the model and its output."""

    def register(f):
        CASES[f.__name__] = f, shape
        return f

    return register


def i64(*v):
    return np.array(v, np.int64)


@case(3, 5, 6)
def conv_pads_opset7(x):
    w, b = values([4, 3, 3, 2], 29), values([4], 11)
    m = Model(7, x).init("w", w).init("b", b)
    m.node("Conv", ["x", "w", "b"], kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1])
    return m, F.conv2d(F.pad(x, (0, 1, 1, 2)), t(w), t(b), stride=(2, 1))


@case(4, 7, 7)
def conv_grouped_dilated_opset11(x):
    w = values([4, 1, 3, 3], 29)
    m = Model(11, x).init("w", w).node("Conv", ["x", "w"], group=4, dilations=[2, 2], pads=[2, 2, 2, 2])
    return m, F.conv2d(x, t(w), dilation=2, padding=2, groups=4)


@case(1, 5, 5)
def conv_same_upper_opset13(x):
    w = values([2, 1, 2, 2], 29)
    m = Model(13, x).init("w", w).node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2, 2])
    return m, F.conv2d(F.pad(x, (0, 1, 0, 1)), t(w), stride=2)


@case(1, 5, 5)
def conv_same_lower_opset13(x):
    w = values([2, 1, 2, 2], 29)
    m = Model(13, x).init("w", w).node("Conv", ["x", "w"], auto_pad="SAME_LOWER", strides=[2, 2])
    return m, F.conv2d(F.pad(x, (1, 0, 1, 0)), t(w), stride=2)


def batch_norm(m, x, **attrs):
    p = [values([3], s) for s in (3, 5, 7)] + [np.abs(values([3], 9)) + 0.5]
    for name, a in zip("sbmv", p):
        m.init(name, a)
    m.node("BatchNormalization", ["x", "s", "b", "m", "v"], **attrs)
    return m, F.batch_norm(x, t(p[2]), t(p[3]), t(p[0]), t(p[1]), eps=attrs.get("epsilon", 1e-5))


@case(3, 2, 2)
def batch_norm_opset7(x):
    m, y = batch_norm(Model(7, x, ir=3), x, epsilon=1e-3, momentum=0.8, spatial=1)
    # Before IR version 4 initializers are inputs too.
    m.extra_inputs = [helper.make_tensor_value_info(i.name, TensorProto.FLOAT, [3]) for i in m.inits]
    return m, y


@case(3, 2, 2)
def batch_norm_opset15(x):
    return batch_norm(Model(15, x), x, training_mode=0)


@case(7)
def clip_opset6_form(x):
    return Model(10, x).node("Clip", ["x"], min=-0.5, max=0.75), x.clamp(-0.5, 0.75)


@case(7)
def clip_constants_opset11(x):
    m = Model(11, x)
    m.node("Constant", [], ["lo"], value=numpy_helper.from_array(np.float32(0.0)))
    m.node("Constant", [], ["six"], value=numpy_helper.from_array(np.array(1, np.int64)))
    m.node("Cast", ["six"], ["one"], to=TensorProto.FLOAT)
    m.node("Identity", ["lo"], ["zero"])
    return m.node("Clip", ["x", "zero", "one"]), x.clamp(0, 1)


@case(7)
def clip_max_only_opset13(x):
    return Model(13, x).init("hi", np.float32(0.25)).node("Clip", ["x", "", "hi"]), x.clamp(max=0.25)


@case(3)
def constant_floats_opset12(x):
    m = Model(12, x).node("Constant", [], ["c"], value_floats=[0.5, -1.0, 2.0]).node("Constant", [], ["two"], value_float=2.0)
    return m.node("Mul", ["x", "c"], ["xc"]).node("Add", ["xc", "two"]), x * torch.tensor([0.5, -1.0, 2.0]) + 2


@case(3, 1, 2)
def squeeze_unsqueeze_opset11(x):
    m = Model(11, x).node("Squeeze", ["x"], ["s"], axes=[2]).node("Unsqueeze", ["s"], axes=[1, 4])
    return m, x.squeeze(2).unsqueeze(1).unsqueeze(4)


@case(3, 1, 2)
def squeeze_unsqueeze_opset13(x):
    m = Model(13, x).init("two", i64(2)).init("last", i64(-1))
    m.node("Squeeze", ["x", "two"], ["s"]).node("Unsqueeze", ["s", "last"])
    return m, x.squeeze(2).unsqueeze(-1)


@case(1, 3, 3)
def pad_opset2_form(x):
    m = Model(7, x).node("Pad", ["x"], pads=[0, 0, 1, 0, 0, 0, 0, 2], value=0.5)
    return m, F.pad(x, (0, 2, 1, 0), value=0.5)


@case(1, 4, 4)
def pad_reflect_opset11(x):
    m = Model(11, x).init("p", i64(0, 0, 1, 2, 0, 0, 2, 1)).node("Pad", ["x", "p"], mode="reflect")
    return m, F.pad(x, (2, 1, 1, 2), mode="reflect")


@case(1, 3, 3)
def pad_edge_axes_opset18(x):
    m = Model(18, x).init("p", i64(1, 2, 3, 0)).init("axes", i64(-1, 2)).node("Pad", ["x", "p", "", "axes"], mode="edge")
    return m, F.pad(x, (1, 3, 2, 0), mode="replicate")


@case(2, 2, 2)
def pad_value_opset13(x):
    m = Model(13, x).init("p", i64(0, 1, 0, 0, 0, 1, 0, 0)).init("v", np.float32(-2))
    return m.node("Pad", ["x", "p", "v"]), F.pad(x, (0, 0, 0, 0, 1, 1), value=-2)


@case(4, 5)
def slice_opset1_form(x):
    m = Model(9, x).node("Slice", ["x"], starts=[1, 0], ends=[3, -1], axes=[1, 2])
    return m, x[:, 1:3, 0:-1]


@case(4, 5)
def slice_steps_opset13(x):
    m = Model(13, x).init("s", i64(-1, 0)).init("e", i64(-(2**62), 2**62)).init("a", i64(2, 1)).init("d", i64(-2, 3))
    return m.node("Slice", ["x", "s", "e", "a", "d"]), t(x.numpy()[:, ::3, ::-2])


@case(4, 5)
def slice_no_axes_opset11(x):
    m = Model(11, x).init("s", np.array([0, 1], np.int32)).init("e", np.array([2**31 - 1, 3], np.int32))
    return m.node("Slice", ["x", "s", "e"]), x[:, 1:3]


@case(5)
def dropout_opset7(x):
    return Model(7, x).node("Dropout", ["x"], ["d"], ratio=0.5).node("Relu", ["d"]), x.relu()


@case(5)
def dropout_opset13(x):
    m = Model(13, x).init("ratio", np.float32(0.5)).init("training", np.array(False))
    return m.node("Dropout", ["x", "ratio", "training"], ["d", "mask"]).node("Relu", ["d"]), x.relu()


@case(2, 3)
def reshape_fixed_batch_opset9(x):
    m = Model(9, x, batch=BATCH).node("Constant", [], ["c"], value=numpy_helper.from_array(i64(BATCH, 3, 2)))
    return m.node("Reshape", ["x", "c"]), x.reshape(-1, 3, 2)


@case(2, 3, 2)
def reshape_zero_opset13(x):
    return Model(13, x).init("c", i64(0, 0, -1)).node("Reshape", ["x", "c"]), x.reshape(x.shape[0], 2, 6)


@case(2, 6)
def reshape_allowzero_opset14(x):
    return Model(14, x).init("c", i64(-1, 4, 3)).node("Reshape", ["x", "c"], allowzero=1), x.reshape(-1, 4, 3)


@case(2, 3, 2)
def reshape_of_shape_opset9(x):
    """x.view(x.size(0), -1) as PyTorch exports it"""
    m = Model(9, x).node("Relu", ["x"], ["r"]).node("Shape", ["r"], ["shape"])
    m.node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0, np.int64)))
    m.node("Gather", ["shape", "zero"], ["n"], axis=0).node("Unsqueeze", ["n"], ["n1"], axes=[0])
    m.node("Constant", [], ["rest"], value=numpy_helper.from_array(i64(-1)))
    m.node("Concat", ["n1", "rest"], ["target"], axis=0)
    return m.node("Reshape", ["r", "target"]), x.relu().flatten(1)


@case(4, 2, 3)
def reshape_shuffle_opset13(x):
    """the channel shuffle of ShuffleNet: batch, channels and height of Shape, computed on the way"""
    m = Model(13, x).node("Shape", ["x"], ["shape"])
    m.init("i0", i64(0)).init("i1", i64(2)).init("big", i64(2**40)).init("groups", i64(2, 2)).init("all", i64(4))
    m.node("Slice", ["shape", "i0", "one"], ["n"]).init("one", i64(1)).node("Slice", ["shape", "i1", "big"], ["hw"])
    m.node("Concat", ["n", "groups", "hw"], ["a"], axis=0).node("Concat", ["n", "all", "hw"], ["b"], axis=0)
    m.node("Reshape", ["x", "a"], ["g"]).node("Transpose", ["g"], ["tr"], perm=[0, 2, 1, 3, 4]).node("Reshape", ["tr", "b"])
    return m, F.channel_shuffle(x, 2)


@case(2, 3)
def flatten_default_opset9(x):
    return Model(9, x).node("Flatten", ["x"]), x.flatten(1)


@case(3, 2, 2)
def softmax_coerced_opset11(x):
    """before opset 13: over channels, height and width together"""
    return Model(11, x).node("Softmax", ["x"]), x.flatten(1).softmax(1).reshape(x.shape)


@case(3, 2, 2)
def softmax_coerced_axis2_opset11(x):
    return Model(11, x).node("Softmax", ["x"], axis=-2), x.flatten(2).softmax(2).reshape(x.shape)


@case(5)
def softmax_last_opset9(x):
    return Model(9, x).node("Softmax", ["x"], axis=1), x.softmax(1)


@case(3, 2, 2)
def softmax_axis1_opset13(x):
    return Model(13, x).node("Softmax", ["x"], axis=1), x.softmax(1)


@case(3, 2, 2)
def softmax_default_opset13(x):
    return Model(13, x).node("Softmax", ["x"]), x.softmax(-1)


@case(4)
def gemm_opset9(x):
    w, c = values([4, 3], 29), values([3], 11)
    m = Model(9, x).init("w", w).init("c", c).node("Gemm", ["x", "w", "c"], alpha=0.5, beta=2.0)
    return m, 0.5 * (x @ t(w)) + 2 * t(c)


@case(4)
def gemm_no_c_opset13(x):
    w = values([3, 4], 29)
    return Model(13, x).init("w", w).node("Gemm", ["x", "w"], transB=1), x @ t(w).T


@case(2, 4)
def matmul_double_weight_opset13(x):
    w = values([4, 3], 29)
    m = Model(13, x).init("w64", w.astype(np.float64)).node("Cast", ["w64"], ["w"], to=TensorProto.FLOAT)
    return m.node("MatMul", ["x", "w"]), x @ t(w)


@case(4)
def matmul_half_weight_opset13(x):
    w = values([4, 3], 29)
    m = Model(13, x).init("w16", w.astype(np.float16)).node("Cast", ["w16"], ["w"], to=TensorProto.FLOAT)
    return m.node("MatMul", ["x", "w"]), x @ t(w)


@case(2, 5, 5)
def max_pool_ceil_opset10(x):
    m = Model(10, x).node("MaxPool", ["x"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, storage_order=0)
    return m, F.max_pool2d(x, 2, ceil_mode=True)


@case(1, 6, 6)
def max_pool_dilated_opset12(x):
    m = Model(12, x).node("MaxPool", ["x"], kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1])
    return m, F.max_pool2d(x, 2, stride=1, dilation=2, padding=1)


@case(2, 5, 5)
def average_pool_opset7(x):
    m = Model(7, x).node("AveragePool", ["x"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    return m, F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


@case(2, 5, 5)
def average_pool_count_opset11(x):
    m = Model(11, x).node("AveragePool", ["x"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], count_include_pad=1)
    return m, F.avg_pool2d(x, 3, stride=2, padding=1)


@case(3, 4, 5)
def global_average_pool_opset9(x):
    return Model(9, x).node("GlobalAveragePool", ["x"]), x.mean((2, 3), keepdim=True)


@case(3, 4, 5)
def reduce_mean_opset11(x):
    return Model(11, x).node("ReduceMean", ["x"], axes=[2, 3], keepdims=0), x.mean((2, 3))


@case(3, 4, 5)
def reduce_mean_opset18(x):
    return Model(18, x).init("axes", i64(-1, -2)).node("ReduceMean", ["x", "axes"]), x.mean((2, 3), keepdim=True)


@case(9)
def hard_swish_opset14(x):
    return Model(14, x).node("HardSwish", ["x"]), F.hardswish(x)


@case(9)
def activations_opset13(x):
    m = Model(13, x).node("LeakyRelu", ["x"], ["a"], alpha=0.125).node("Sigmoid", ["a"], ["b"])
    m.node("HardSigmoid", ["b"], ["c"], alpha=0.25, beta=0.125).node("LeakyRelu", ["x"], ["d"]).node("Add", ["c", "d"])
    return m, (F.leaky_relu(x, 0.125).sigmoid() * 0.25 + 0.125).clamp(0, 1) + F.leaky_relu(x)


@case(2, 3)
def concat_transpose_opset13(x):
    m = Model(13, x).node("Transpose", ["x"], ["a"], perm=[0, 2, 1]).node("Concat", ["a", "a"], axis=-1)
    a = x.permute(0, 2, 1)
    return m, torch.cat([a, a], -1)


@case(3, 2, 2)
def broadcast_opset13(x):
    c = values([3, 1, 1], 29)
    m = Model(13, x).init("c", c).init("s", np.float32(0.5))
    return m.node("Add", ["x", "c"], ["a"]).node("Mul", ["s", "a"]), (x + t(c)) * 0.5


@case(4)
def unsorted_nodes_opset13(x):
    return Model(13, x).node("Relu", ["b"]).node("Add", ["a", "x"], ["b"]).node("Sigmoid", ["x"], ["a"]), (x.sigmoid() + x).relu()


@case(2, 3)
def packed_fields_opset13(x):
    """elements in float_data and int64_data instead of raw_data"""
    w = values([6, 3], 29)
    m = Model(13, x)
    m.inits = [
        helper.make_tensor("w", TensorProto.FLOAT, [6, 3], w.flatten().tolist()),
        helper.make_tensor("shape", TensorProto.INT64, [2], [0, -1]),
    ]
    return m.node("Reshape", ["x", "shape"], ["f"]).node("MatMul", ["f", "w"]), x.flatten(1) @ t(w)


@case(4)
def bfloat16_weight_opset13(x):
    w = np.array([0.5, -1.25, 3.0, 0.0078125], np.float32)
    m = Model(13, x)
    bits = (w.view(np.uint32) >> 16).astype(np.uint16)
    m.inits = [TensorProto(name="w16", data_type=TensorProto.BFLOAT16, dims=[4], raw_data=bits.tobytes())]
    m.node("Cast", ["w16"], ["w"], to=TensorProto.FLOAT)
    return m.node("Mul", ["x", "w"]), x * t(w)


@case(3, 4, 4)
def opset21(x):
    w = values([2, 3, 3, 3], 29)
    m = Model(21, x, ir=10).init("w", w).init("c", i64(0, -1))
    m.node("Conv", ["x", "w"], ["a"]).node("Relu", ["a"], ["b"]).node("Reshape", ["b", "c"], allowzero=0)
    return m, F.conv2d(x, t(w)).relu().flatten(1)


class Exported(torch.nn.Module):
    """What PyTorch's exporter writes for F.pad with strides as in CIFAR's ResNets, for a channel shuffle, and for view."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(8, 5)
        for i, p in enumerate(self.parameters()):
            p.data = t(values(p.shape, 29 + 2 * i))

    def forward(self, x):
        y = F.relu6(self.conv(x))
        y = F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2), "constant", 0)
        b, c, h, w = y.size()
        y = y.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, -1, h, w)
        y = F.adaptive_avg_pool2d(y, 1)
        return F.softmax(self.linear(F.dropout(y.view(y.size(0), -1), training=self.training)), dim=1)


def exported():
    """The files depend on PyTorch's version: only what they compute is checked."""
    import move_models

    files, expected = {}, {}
    models = [("", Exported, (3, 6, 6))] + [(f"{name}_", *what) for name, what in move_models.EXPORTED.items()]
    for prefix, make, shape in models:
        model, x = make().eval(), t(values((BATCH, *shape)))
        for opset in (11, 13, 16):
            for name, axes in (("fixed", None), ("batch", {"x": {0: "N"}, "y": {0: "N"}})):
                f = io.BytesIO()
                torch.onnx.export(model, x, f, opset_version=opset, dynamic_axes=axes, input_names=["x"], output_names=["y"])
                files[f"float/torch_{prefix}{name}_opset{opset}.onnx"] = f.getvalue()
                expected[f"torch_{prefix}{name}_opset{opset}"] = describe(x, model(x).detach())
    return files, expected


def describe(x, y):
    data = base64.b64encode(y.numpy().astype("<f4").tobytes()).decode()
    return {"input": list(x.shape), "shape": list(y.shape), "data": data}


def build():
    import move_models

    files, expected = {}, {}
    for name, (f, shape) in (CASES | move_models.CASES).items():
        x = t(values((BATCH, *shape)))
        m, y = f(x)
        files[f"float/{name}.onnx"] = m.proto(name, y.dim()).SerializeToString()
        expected[name] = describe(x, y)
    return files, expected


def main():
    files, expected = build()
    torch_files, torch_expected = exported()
    expected |= torch_expected
    if "--check" not in sys.argv[1:]:
        (HERE / "float").mkdir(exist_ok=True)
        for name, data in (files | torch_files).items():
            (HERE / name).write_bytes(data)
        (HERE / "float.json").write_text(json.dumps(expected, indent=1) + "\n")
        return
    bad = [name for name, data in files.items() if (HERE / name).read_bytes() != data]
    have = json.loads((HERE / "float.json").read_text())
    for name, want in expected.items():
        a, b = (np.frombuffer(base64.b64decode(e["data"]), "<f4") for e in (want, have.get(name, want)))
        if have.get(name, want)["shape"] != want["shape"] or not np.allclose(a, b, rtol=1e-6, atol=1e-6):
            bad.append(f"float.json: {name}")
    if set(have) != set(expected):
        bad.append("float.json: other models")
    if bad:
        sys.exit("differs from what the script makes: " + ", ".join(bad))
    print(f"{len(expected)} models are as the script makes them")


if __name__ == "__main__":
    main()
