#!/usr/bin/env python3
"""Makes float_bias_*.onnx, layers in QDQ with biases that are reals, and float_bias_*.npz, their inputs and outputs as ONNX
defines them: those of onnx.reference, compared with ONNX Runtime's without optimizations (with them, it rounds the bias).

    python make_float_bias.py

Made with onnx 1.23.2, onnxruntime 1.32.0 and numpy 2.4.6.
"""

import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = os.path.dirname(os.path.abspath(__file__))


def model(op, bits, ratio):
    """A layer whose step of the accumulator is ratio steps of the output, with biases next to half a step of it."""
    sx, sw = 0.5, 0.25
    bias = np.array([0.499, -0.499, 3.25, 0], np.float32) * np.float32(sx * sw)
    inits, nodes = [], []

    def const(name, v, dtype=np.float32):
        inits.append(numpy_helper.from_array(np.array(v, dtype), name))
        return name

    def quantized(x, name, scale, lo, hi):
        scale, zero = const(name + "_s", scale), const(name + "_z", 0, np.int8)
        q = helper.make_node("QuantizeLinear", [x, scale, zero], [name + "_wide"], name=name)
        clip = helper.make_node("Clip", [name + "_wide", const(name + "_lo", lo, np.int8), const(name + "_hi", hi, np.int8)], [name + "_q"])
        nodes.extend([q, clip, helper.make_node("DequantizeLinear", [name + "_q", scale, zero], [name + "_d"], name=name + "_d")])
        return name + "_d"

    top = 2 ** (bits - 1) - 1
    x = quantized("x", "xq", sx, -top - 1, top)
    codes = np.array([[1, -2, 0], [2, 1, -1], [0, 1, 1], [-1, 1, 2]], np.int8)
    if op == "Conv":
        codes = codes.reshape(4, 3, 1, 1)
    if op == "MatMul":
        codes = codes.T
    w = helper.make_node("DequantizeLinear", [const("w", codes, np.int8), const("w_s", sw), const("w_z", 0, np.int8)], ["wd"], name="wd")
    nodes.append(w)
    b = const("b", bias)
    if op == "MatMul":
        nodes += [helper.make_node("MatMul", [x, "wd"], ["m"], name="m"), helper.make_node("Add", ["m", b], ["c"], name="layer")]
    else:
        attrs = {"transB": 1} if op == "Gemm" else {}
        nodes.append(helper.make_node(op, [x, "wd", b], ["c"], name="layer", **attrs))
    y = quantized("c", "yq", sx * sw / ratio, -128, 127)
    nodes[-1].output[0] = "y"
    shape = ["N", 3, 4, 4] if op == "Conv" else ["N", 3]
    out = ["N", 4, 4, 4] if op == "Conv" else ["N", 4]
    graph = helper.make_graph(
        nodes, "float_bias", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)], inits)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def main():
    rng = np.random.default_rng(3)
    for op in ("Conv", "Gemm", "MatMul"):
        for bits, ratio in ((4, 2), (2, 3.5), (8, 0.5), (8, 0.001)):
            name = os.path.join(HERE, f"float_bias_{op.lower()}_{bits}_{ratio}")
            m = model(op, bits, ratio)
            onnx.save(m, name + ".onnx")
            x = (rng.integers(-2, 3, (8, 3, 4, 4) if op == "Conv" else (8, 3)) * 0.5).astype(np.float32)
            want = ReferenceEvaluator(m).run(None, {"x": x})[0]
            options = ort.SessionOptions()
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            theirs = ort.InferenceSession(name + ".onnx", options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
            assert np.array_equal(want, theirs), name
            np.savez_compressed(name + ".npz", x=x, y=want)


if __name__ == "__main__":
    main()
