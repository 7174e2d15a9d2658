#!/usr/bin/env python3
"""Makes qlinear.onnx, a model of ONNX Runtime's own operators on codes, and qlinear.npz, its inputs and what ONNX Runtime
computes. Pairs of operands are all pairs of codes. The scales make sums lie at or next to the middle between two codes.

    python make_qlinear.py            writes both
    python make_qlinear.py --check    runs the model that is here and compares with the npz file

Made with onnxruntime 1.32.0 on a processor with AVX-512, onnx 1.23.2 and numpy 2.4.6.
"""

import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL, VALUES = os.path.join(HERE, "qlinear.onnx"), os.path.join(HERE, "qlinear.npz")

rng = np.random.default_rng(9)
nodes, inits, outputs, made = [], [], [], {}


def const(v, dtype):
    if (v, dtype) not in made:
        made[v, dtype] = f"c{len(made)}"
        inits.append(numpy_helper.from_array(np.array(v, dtype), made[v, dtype]))
    return made[v, dtype]


def codes(name, scale, zero, dtype):
    """The codes of an input, whose reals are counted from the lowest code."""
    out = f"{name}_{len(nodes)}"
    lo = -128 if dtype == np.int8 else 0
    nodes.append(helper.make_node("Sub", [name, const(zero - lo, np.float32)], [out + "_centred"], name=out + "_sub"))
    nodes.append(helper.make_node("Mul", [out + "_centred", const(scale, np.float32)], [out + "_real"], name=out + "_mul"))
    params = [const(scale, np.float32), const(zero, dtype)]
    nodes.append(helper.make_node("QuantizeLinear", [out + "_real", *params], [out], name=out))
    return [out, *params]


def node(op, args, scale, zero, dtype, first=(), **attrs):
    out = f"y{len(outputs)}_{op}_{'s8' if dtype == np.int8 else 'u8'}"
    params = [const(scale, np.float32), const(zero, dtype)]
    args = [*params, *args] if op == "QLinearConcat" else [*args, *params]
    nodes.append(helper.make_node(op, args, [out], name=out, domain="com.microsoft", **attrs))
    outputs.append(helper.make_tensor_value_info(out, TensorProto.INT8 if dtype == np.int8 else TensorProto.UINT8, None))


def pairs(dtype, lo):
    z = [int(v) + lo for v in rng.integers(0, 256, 64)]
    pick = lambda: z.pop()
    for sa, sb, sy in ((0.5, 0.25, 0.5), (0.3, 0.3, 0.6), (0.1, 0.3, 0.4), (0.0371, 0.0127, 0.041)):
        node("QLinearAdd", codes("a", sa, pick(), dtype) + codes("b", sb, pick(), dtype), sy, pick(), dtype)
        node("QLinearMul", codes("a", sa, pick(), dtype) + codes("b", sb, pick(), dtype), sa * sb * 64, pick(), dtype)
    for a, b in (("row", "column"), ("column", "row")):  # one number for a row of the other
        for _ in range(3):
            d = rng.integers(1, 12, 2)
            sa = float(rng.uniform(0.01, 0.1))
            sy = sa * int(rng.integers(4, 9)) / 8
            node("QLinearAdd", codes(a, sa, pick(), dtype) + codes(b, sa * int(d[0]) / int(d[1]), pick(), dtype), sy, pick(), dtype)
    for sx, sy in ((0.05, 0.05), (0.05, 0.025), (0.03, 0.02)):
        zx = pick()
        for k, count in ((2, 0), (3, 0), (3, 1)):
            node("QLinearAveragePool", codes("x", sx, zx, dtype), sy, zx, dtype,
                 kernel_shape=[k, k], pads=[1, 1, 1, 1], count_include_pad=count)
        node("QLinearGlobalAveragePool", codes("x", sx, zx, dtype), sy / 8, pick(), dtype, channels_last=0)
    for s in (0.02, 0.05):
        node("QLinearSigmoid", codes("line", s, pick(), dtype), 1 / 256, lo, dtype)
        node("QLinearLeakyRelu", codes("line", s, pick(), dtype), s * 0.75, pick(), dtype, alpha=0.25)
        node("QLinearConcat", codes("line", s, pick(), dtype) + codes("line", s * 1.5, pick(), dtype), s * 2, pick(), dtype, axis=1)
        node("QLinearSoftmax", codes("lines", s, pick(), dtype), 1 / 256, lo, dtype, axis=1, opset=13)
        node("QLinearSoftmax", codes("x", s / 4, pick(), dtype), 1 / 256, lo, dtype, axis=2, opset=11)  # all from the axis on
    for sy in (1 / 255, 0.0071, 0.0045):  # whose 1/sy is no whole number
        node("QLinearSoftmax", codes("x", 0.0125, lo + 100, dtype), sy, lo, dtype, axis=3, opset=13)


def make():
    for dtype in (np.uint8, np.int8):
        pairs(dtype, -128 if dtype == np.int8 else 0)
    r = np.arange(256, dtype=np.float32)
    a, b = np.meshgrid(r, r, indexing="ij")
    feed = {
        "a": a[None], "b": b[None], "row": r.reshape(1, 1, 256), "column": r.reshape(1, 256, 1), "line": r.reshape(1, 256),
        "x": np.clip(rng.normal(128, 40, (1, 32, 7, 8)).round(), 0, 255).astype(np.float32),
        "lines": rng.integers(0, 256, (1, 20)).astype(np.float32),
    }
    graph = helper.make_graph(
        nodes, "qlinear",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["N", *v.shape[1:]]) for k, v in feed.items()], outputs, inits)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    onnx.save(model, MODEL)
    return feed


def run(feed):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, feed)))


if __name__ == "__main__":
    if "--check" in sys.argv:
        values = dict(np.load(VALUES))
        got = run({k: v for k, v in values.items() if not k.startswith("y")})
        wrong = [k for k, v in got.items() if not np.array_equal(v, values[k])]
        sys.exit(f"other codes now: {wrong}" if wrong else 0)
    feed = make()
    np.savez_compressed(VALUES, **feed, **run(feed))
