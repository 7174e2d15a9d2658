#!/usr/bin/env python3
"""Computes operators.json: what every operator of package graph must give, by ONNX Runtime.

    make_operators.py            writes operators.json beside this file
    make_operators.py --check    computes it again and exits 1 if the file differs by more than rounding

Needs onnx, onnxruntime (1.20 or later) and numpy. Each case is a model of one node; its inputs are not stored: value()
makes them from a shape and a seed, here and in the test.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 21


def value(shape, seed, low=-128):
    """Elements that look random: multiples of 1/64 in [low/64, low/64 + 4]."""
    n = math.prod(shape)
    state = [(seed * 104729 + i * 7919 + (i * i % 1009) * 31) % 257 for i in range(n)]
    return ((np.array(state, dtype=np.int64) + low).astype(np.float32) / np.float32(64)).reshape(shape)


def codes(shape, seed, lo, hi):
    n = math.prod(shape)
    return np.array([lo + (seed * 104729 + i * 7919 + (i * i % 1009) * 31) % (hi - lo + 1) for i in range(n)]).reshape(shape)


# What is an attribute in package graph and an input in ONNX: name → type.
AS_INPUTS = {
    "Clip": [("min", np.float32), ("max", np.float32)],
    "Pad": [("pads", np.int64), ("value", np.float32)],
    "Slice": [("starts", np.int64), ("ends", np.int64), ("axes", np.int64), ("steps", np.int64)],
    "Reshape": [("shape", np.int64)],
    "Squeeze": [("axes", np.int64)],
    "Unsqueeze": [("axes", np.int64)],
}


def run(op, inputs, attrs):
    """Runs one node; inputs are arrays, or None for one that is left out."""
    names, initializers, feeds, infos = [], [], {}, []
    for i, x in enumerate(inputs):
        if x is None:
            names.append("")
            continue
        names.append(f"x{i}")
        feeds[f"x{i}"] = x
        infos.append(helper.make_tensor_value_info(f"x{i}", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape))
    rest = dict(attrs)
    for name, dtype in AS_INPUTS.get(op, []):
        if name not in rest:
            names.append("")
            continue
        initializers.append(numpy_helper.from_array(np.array(rest.pop(name), dtype=dtype), name))
        names.append(name)
    while names and names[-1] == "":
        names.pop()
    node = helper.make_node(op, names, ["y"], **rest)
    out_type = TensorProto.FLOAT
    if op.startswith("QLinear"):
        out_type = helper.np_dtype_to_tensor_dtype(inputs[-1].dtype)
    graph = helper.make_graph([node], "g", infos, [helper.make_tensor_value_info("y", out_type, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def kinds(attrs):
    """Attributes with their types, which JSON would lose."""
    typed = {}
    for name, v in attrs.items():
        if isinstance(v, str):
            typed[name] = {"s": v}
        elif isinstance(v, float):
            typed[name] = {"f": v}
        elif isinstance(v, int):
            typed[name] = {"i": v}
        else:
            typed[name] = {"is": list(v)}
    return typed


def case(name, op, shapes, low=None, **attrs):
    """low: per input, the least value in 64ths; variances are positive."""
    inputs = [None if s is None else value(s, 11 * i + 1, (low or {}).get(i, -128)) for i, s in enumerate(shapes)]
    y = run(op, inputs, attrs)
    return {
        "name": name, "op": op, "attrs": kinds(attrs), "inputs": shapes, "low": {str(k): v for k, v in (low or {}).items()},
        "shape": list(y.shape), "want": [float(f"{v:.8g}") for v in y.flatten().tolist()],
    }


def operators():
    image = [2, 4, 7, 6]
    conv = lambda name, w, b=None, x=image, **attrs: case("Conv " + name, "Conv", [x, w, b], **attrs)
    pool = lambda op, name, x=[2, 2, 7, 6], **attrs: case(f"{op} {name}", op, [x], **attrs)
    one = lambda op, name="", x=[2, 3, 4], **attrs: case(f"{op} {name}".strip(), op, [x], **attrs)
    cases = [
        conv("3x3", [3, 4, 3, 3], [3]),
        conv("without bias", [3, 4, 3, 3]),
        conv("1x1", [5, 4, 1, 1], [5]),
        conv("padded", [3, 4, 3, 3], [3], pads=[1, 1, 1, 1]),
        conv("asymmetric pads", [2, 4, 3, 2], [2], pads=[0, 2, 1, 1]),
        conv("strides", [2, 4, 3, 3], [2], strides=[2, 3], pads=[1, 1, 1, 1]),
        conv("dilation", [2, 4, 3, 2], [2], dilations=[2, 3], pads=[2, 1, 0, 2]),
        conv("groups", [6, 2, 3, 3], [6], group=2),
        conv("depthwise", [4, 1, 3, 3], [4], group=4, pads=[1, 1, 1, 1]),
        conv("depthwise multiplier", [8, 1, 2, 2], [8], group=4, strides=[2, 2]),
        conv("same upper", [2, 4, 3, 2], [2], auto_pad="SAME_UPPER", strides=[2, 2]),
        conv("same lower", [2, 4, 2, 4], [2], auto_pad="SAME_LOWER", strides=[2, 1]),
        conv("valid", [2, 4, 3, 3], [2], auto_pad="VALID", strides=[2, 2]),
        conv("stride larger than kernel", [2, 4, 1, 1], [2], strides=[3, 4]),
    ]
    for op in ["MaxPool", "AveragePool"]:
        cases += [
            pool(op, "2x2", kernel_shape=[2, 2], strides=[2, 2]),
            pool(op, "overlapping", kernel_shape=[3, 2], strides=[2, 1]),
            pool(op, "padded", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            pool(op, "asymmetric pads", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 2, 0]),
            pool(op, "ceil", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
            pool(op, "ceil padded", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1),
            pool(op, "ceil drops a window", [1, 2, 5, 6], kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1),
            pool(op, "dilation", kernel_shape=[2, 3], dilations=[3, 2], strides=[1, 1]),
            pool(op, "dilation padded", kernel_shape=[2, 3], dilations=[2, 2], strides=[2, 1], pads=[1, 1, 1, 1]),
            pool(op, "same upper", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
            pool(op, "same lower", kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
            pool(op, "stride larger than kernel", kernel_shape=[1, 2], strides=[3, 3]),
        ]
    cases += [
        pool("AveragePool", "count_include_pad", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        pool("AveragePool", "count_include_pad asymmetric", kernel_shape=[3, 2], strides=[2, 2], pads=[2, 0, 1, 1], count_include_pad=1),
        pool("AveragePool", "count_include_pad dilated", kernel_shape=[2, 2], dilations=[2, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        pool("GlobalAveragePool", ""),
        case("BatchNormalization", "BatchNormalization", [[2, 3, 2, 2], [3], [3], [3], [3]], low={4: 8}, epsilon=0.001),
        case("BatchNormalization of rank 2", "BatchNormalization", [[3, 4], [4], [4], [4], [4]], low={4: 8}),
        case("Gemm", "Gemm", [[3, 4], [4, 5], [5]]),
        case("Gemm without C", "Gemm", [[3, 4], [4, 5]]),
        case("Gemm transposed", "Gemm", [[3, 4], [5, 4], [5]], transB=1),
        case("Gemm transA", "Gemm", [[4, 3], [4, 5]], transA=1),
        case("Gemm scaled", "Gemm", [[3, 4], [5, 4], [1, 5]], transB=1, alpha=0.5, beta=1.5),
        case("Gemm with a column", "Gemm", [[3, 4], [4, 5], [3, 1]], beta=-2.0),
        case("MatMul", "MatMul", [[3, 4], [4, 5]]),
        case("MatMul of a stack", "MatMul", [[2, 3, 4], [4, 5]]),
        case("MatMul of stacks", "MatMul", [[2, 3, 2, 4], [3, 4, 2]]),
        case("MatMul broadcast", "MatMul", [[2, 1, 2, 4], [1, 3, 4, 2]]),
        case("MatMul by a vector", "MatMul", [[2, 3, 4], [4]]),
        one("Relu"),
        one("Clip", min=-0.5, max=1.25),
        one("Clip", "below", min=0.25),
        one("Clip", "above", max=0.25),
        one("Clip", "crossed", min=1.0, max=-1.0),
        one("LeakyRelu"),
        one("LeakyRelu", "alpha", alpha=0.2),
        one("Sigmoid", x=[2, 40]),
        one("HardSigmoid"),
        one("HardSigmoid", "of torch", alpha=1 / 6, beta=0.5),
        one("HardSwish"),
        one("Identity"),
        one("Softmax", x=[3, 10]),
        one("Softmax", "axis 1", x=[2, 3, 4], axis=1),
        case("Add", "Add", [[2, 3, 2], [2, 3, 2]]),
        case("Add a channel vector", "Add", [[2, 3, 2, 2], [3, 1, 1]]),
        case("Add a scalar", "Add", [[2, 3], []]),
        case("Add outer", "Add", [[2, 1, 3], [1, 4, 1]]),
        case("Mul", "Mul", [[2, 3, 2], [2, 3, 2]]),
        case("Mul a vector", "Mul", [[2, 3, 4], [4]]),
        case("Mul outer", "Mul", [[2, 1, 3], [4, 1]]),
        case("Concat", "Concat", [[2, 2, 3], [2, 1, 3], [2, 3, 3]], axis=1),
        case("Concat last", "Concat", [[2, 2, 1], [2, 2, 3]], axis=-1),
        one("Pad", x=[2, 3, 2], pads=[0, 1, 0, 0, 2, 1]),
        one("Pad", "value", x=[2, 3, 2], pads=[0, 1, 2, 0, 0, 1], value=1.5),
        one("Pad", "reflect", x=[2, 3, 4], pads=[0, 2, 1, 0, 1, 3], mode="reflect"),
        one("Pad", "edge", x=[2, 3, 2], pads=[0, 2, 1, 0, 1, 3], mode="edge"),
        one("Slice", x=[2, 5, 6], starts=[1, 0], ends=[4, 6], axes=[1, 2], steps=[1, 2]),
        one("Slice", "backwards", x=[2, 5, 6], starts=[-1, 4], ends=[-9, 0], axes=[1, 2], steps=[-2, -1]),
        one("Slice", "beyond", x=[2, 5, 6], starts=[-100, 2], ends=[2147483647, 100], axes=[-2, -1]),
        one("Slice", "stride 2", x=[2, 2, 5, 6], starts=[0, 0], ends=[2147483647, 2147483647], axes=[2, 3], steps=[2, 2]),
        one("Flatten", x=[2, 3, 2, 2]),
        one("Flatten", "axis -2", x=[2, 1, 3, 2], axis=-2),
        one("Reshape", x=[2, 3, 4], shape=[0, 2, -1]),
        one("Reshape", "to a row", x=[2, 3, 4], shape=[-1, 12]),
        one("Reshape", "copying", x=[2, 3, 4], shape=[0, 0, 2, 2]),
        one("Transpose", x=[2, 3, 4, 2], perm=[0, 2, 3, 1]),
        one("Transpose", "back", x=[2, 3, 4, 2], perm=[0, 3, 1, 2]),
        one("Squeeze", x=[2, 1, 3, 1], axes=[1, -1]),
        one("Unsqueeze", x=[2, 3], axes=[1, -1]),
    ]
    return cases


def integer(name, op, x, w, types, scales, zeros, bias=None, per_channel=False, **attrs):
    """A QLinearConv or QLinearMatMul. types: of x, w, y; scales and zeros likewise."""
    dtypes = [np.dtype(t) for t in types]
    span = lambda t: (np.iinfo(t).min, np.iinfo(t).max)
    qx = codes(x, 3, *span(dtypes[0])).astype(dtypes[0])
    lo, hi = (-64, 63) if dtypes[1] == np.int8 else (0, 127)  # so that AVX2 kernels without VNNI cannot saturate
    qw = codes(w, 5, lo, hi).astype(dtypes[1])
    channels = w[0] if op == "QLinearConv" else w[-1]
    sw = np.float32(scales[1])
    if per_channel:
        sw = np.array([np.float32(scales[1] * (1 + 0.25 * c)) for c in range(channels)], dtype=np.float32)
    zw = np.full(sw.shape, zeros[1], dtype=dtypes[1])
    inputs = [qx, np.array(scales[0], np.float32), np.array(zeros[0], dtypes[0]), qw, np.array(sw), zw,
              np.array(scales[2], np.float32), np.array(zeros[2], dtypes[2])]
    if op == "QLinearConv":
        inputs.append(codes([channels], 7, -3000, 3000).astype(np.int32) if bias else None)
        # run() takes the output's type from the last input
        y = run_qconv(inputs, attrs, dtypes[2])
    else:
        y = run(op, inputs, attrs)
    return {"name": name, "op": op[len("QLinear"):], "attrs": kinds(attrs), "x": x, "w": w, "types": types,
            "scales": [float(np.float32(s)) for s in scales], "zeros": zeros, "bias": bool(bias),
            "weight_scales": [float(s) for s in np.atleast_1d(sw)], "per_channel": per_channel,
            "shape": list(y.shape), "want": y.flatten().tolist()}


def run_qconv(inputs, attrs, dtype):
    names, infos, feeds, initializers = [], [], {}, []
    for i, x in enumerate(inputs):
        if x is None:
            continue
        names.append(f"x{i}")
        if i == 0:
            infos.append(helper.make_tensor_value_info("x0", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape))
            feeds["x0"] = x
        else:
            initializers.append(numpy_helper.from_array(x, f"x{i}"))
    node = helper.make_node("QLinearConv", names, ["y"], **attrs)
    out = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(dtype), None)
    model = helper.make_model(helper.make_graph([node], "g", infos, [out], initializers),
                              opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def integers():
    u, s = "uint8", "int8"
    conv = lambda name, x, w, types, zeros, **more: integer(
        name, "QLinearConv", x, w, types, [0.02, 0.01, more.pop("sy", 0.09)], zeros, **more)
    return [
        conv("Conv uint8", [2, 3, 5, 5], [4, 3, 3, 3], [u, s, u], [117, 0, 60], bias=True, per_channel=True, pads=[1, 1, 1, 1]),
        conv("Conv int8", [1, 3, 6, 5], [4, 3, 3, 3], [s, s, s], [-9, 0, 3], bias=True, per_channel=True, strides=[2, 2], pads=[0, 1, 1, 0]),
        conv("Conv per tensor", [1, 4, 5, 5], [4, 4, 1, 1], [u, s, u], [3, 0, 128], bias=True),
        conv("Conv without bias", [1, 2, 5, 5], [3, 2, 3, 2], [u, s, u], [128, 0, 128], dilations=[2, 2], pads=[1, 1, 1, 1]),
        conv("Conv depthwise", [1, 4, 5, 5], [4, 1, 3, 3], [u, s, u], [100, 0, 110], bias=True, per_channel=True, group=4, pads=[1, 1, 1, 1]),
        conv("Conv grouped", [1, 4, 4, 5], [6, 2, 2, 3], [u, s, u], [100, 0, 121], bias=True, per_channel=True, group=2, pads=[2, 0, 1, 3], sy=0.05),
        conv("Conv weight with a zero point", [1, 3, 4, 4], [2, 3, 2, 2], [u, u, u], [90, 64, 127], bias=True, pads=[1, 0, 0, 1]),
        integer("MatMul", "QLinearMatMul", [3, 16], [16, 5], [u, s, u], [0.03, 0.02, 0.4], [120, 0, 99]),
        integer("MatMul per channel", "QLinearMatMul", [3, 16], [16, 5], [u, s, u], [0.03, 0.02, 0.4], [120, 0, 99], per_channel=True),
        integer("MatMul of a stack", "QLinearMatMul", [2, 3, 8], [8, 4], [s, s, s], [0.03, 0.02, 0.3], [-20, 0, 5]),
        integer("MatMul of stacks", "QLinearMatMul", [2, 3, 8], [2, 8, 4], [u, s, u], [0.03, 0.02, 0.3], [77, 3, 5]),
    ]


def main():
    made = {"operators": operators(), "integers": integers()}
    path = pathlib.Path(__file__).with_name("operators.json")
    if "--check" not in sys.argv[1:]:
        lines = [f' "{part}": [\n' + ",\n".join("  " + json.dumps(c, separators=(",", ":")) for c in made[part]) + "\n ]" for part in made]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        return
    stored = json.loads(path.read_text())
    for part in made:
        if len(stored[part]) != len(made[part]):
            sys.exit(f"{path}: {len(stored[part])} {part}, not {len(made[part])}")
        for a, b in zip(stored[part], made[part]):
            tolerance = 1e-5 if part == "operators" else 0
            want_a, want_b = a.pop("want"), b.pop("want")
            if json.loads(json.dumps(b)) != a or not np.allclose(want_a, want_b, rtol=tolerance, atol=tolerance):
                sys.exit(f"{path}: {a['name']} differs")


if __name__ == "__main__":
    main()
