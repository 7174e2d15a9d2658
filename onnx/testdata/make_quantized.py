#!/usr/bin/env python3
"""Makes the quantized models of this folder with ONNX Runtime's own quantizer, and what ONNX Runtime computes with them.

    python make_quantized.py            writes quantized_*.onnx and quantized_*.npz
    python make_quantized.py --check    runs the models that are here and compares with the npz files

Each npz has the input "input", and the values that the model computes, codes and output, with optimizations off. Made
with onnxruntime 1.32.0, onnx 1.23.2 and numpy 2.4.6.
"""

import os
import pathlib
import platform
import re
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

HERE = os.path.dirname(os.path.abspath(__file__))


def float_model():
    """A network with every operator that the quantizer has a form for, and a residual connection."""
    rng = np.random.default_rng(20)
    inits, nodes = [], []

    def weight(name, *shape, scale=None):
        scale = scale or 1 / np.sqrt(np.prod(shape[1:]))
        spread = np.linspace(0.5, 1.5, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        inits.append(numpy_helper.from_array((rng.normal(size=shape) * scale * spread).astype(np.float32), name))
        return name

    def node(op, inputs, output, **attrs):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attrs))
        return output

    def conv(x, name, cin, cout, k=3, **attrs):
        w, b = weight(name + ".weight", cout, cin, k, k), weight(name + ".bias", cout, scale=0.2)
        return node("Conv", [x, w, b], name, kernel_shape=[k, k], pads=[k // 2] * 4, **attrs)

    x = node("Relu", [conv("input", "conv1", 3, 8)], "relu1")
    y = node("Relu", [conv(x, "conv2", 1, 8, group=8)], "relu2")
    y = conv(y, "conv3", 8, 8, k=1)
    x = node("Relu", [node("Add", [x, y], "add1")], "relu3")
    x = node("MaxPool", [x], "pool1", kernel_shape=[2, 2], strides=[2, 2])
    a = node("LeakyRelu", [conv(x, "conv4", 8, 4)], "leaky1", alpha=0.1)
    b = node("Sigmoid", [conv(x, "conv5", 8, 4, strides=[1, 1])], "sigmoid1")
    x = node("Concat", [a, b, node("Mul", [a, b], "mul1")], "concat1", axis=1)
    x = node("AveragePool", [x], "pool2", kernel_shape=[2, 2], strides=[1, 1])
    x = node("Clip", [conv(x, "conv6", 12, 12, strides=[2, 2]), "zero", "six"], "clip1")
    inits.append(numpy_helper.from_array(np.float32(0), "zero"))
    inits.append(numpy_helper.from_array(np.float32(6), "six"))
    v = node("Flatten", [node("GlobalAveragePool", [x], "pool3")], "flat1", axis=1)
    v = node("Gemm", [v, weight("fc1.weight", 10, 12), weight("fc1.bias", 10, scale=0.2)], "fc1", transB=1)
    v = node("MatMul", [v, weight("fc2.weight", 10, 5)], "fc2")
    node("Softmax", [v], "output", axis=1)
    graph = helper.make_graph(
        nodes, "quantized",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 5])], inits)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def images(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 3, 8, 8)).astype(np.float32)


class Images(CalibrationDataReader):
    def __init__(self):
        self.left = [{"input": images(1, i)} for i in range(8)]

    def get_next(self):
        return self.left.pop() if self.left else None


VARIANTS = {
    "qdq_u8s8_channel": (QuantFormat.QDQ, QuantType.QUInt8, QuantType.QInt8, True, {}),
    "qdq_s8s8_tensor": (QuantFormat.QDQ, QuantType.QInt8, QuantType.QInt8, False, {"ActivationSymmetric": True}),
    "qdq_u8u8_float_weights": (QuantFormat.QDQ, QuantType.QUInt8, QuantType.QUInt8, False, {"AddQDQPairToWeight": True}),
    "qoperator_u8s8_channel": (QuantFormat.QOperator, QuantType.QUInt8, QuantType.QInt8, True, {}),
    "qoperator_s8s8_tensor": (QuantFormat.QOperator, QuantType.QInt8, QuantType.QInt8, False, {}),
    "qoperator_u8u8_tensor": (QuantFormat.QOperator, QuantType.QUInt8, QuantType.QUInt8, False, {}),
}


def make(name, folder):
    source = os.path.join(folder, "float.onnx")
    onnx.save(float_model(), source)
    fmt, act, weights, per_channel, extra = VARIANTS[name]
    path = os.path.join(HERE, f"quantized_{name}.onnx")
    quantize_static(source, path, Images(), quant_format=fmt, activation_type=act, weight_type=weights,
                    per_channel=per_channel, extra_options=extra)
    np.savez_compressed(path[:-5] + ".npz", **run(path, images(1, 100)))


def run(path, x):
    """The input, and the codes that the model computes."""
    model = onnx.load(path)
    for n in list(model.graph.node):
        for o in n.output:
            if o not in {v.name for v in model.graph.output}:
                model.graph.output.append(onnx.ValueInfoProto(name=o))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    values = dict(zip(names, session.run(names, {"input": x})))
    constant = {o for n in model.graph.node for o in n.output
                if all(i in {c.name for c in model.graph.initializer} for i in n.input)}
    keep = {k: v for k, v in values.items() if v.dtype in (np.int8, np.uint8) and k not in constant or k == "output"}
    return {"input": x, **keep}


def check(name):
    path = os.path.join(HERE, f"quantized_{name}.onnx")
    stored = np.load(path[:-5] + ".npz")
    got = run(path, stored["input"])
    assert set(got) == set(stored.files), (name, set(got) ^ set(stored.files))
    for k, v in got.items():
        difference = np.abs(v.astype(np.float64) - stored[k].astype(np.float64)).max()
        assert difference <= (1e-3 if k == "output" else 1), (name, k, difference)


def saturates():
    """Whether ONNX Runtime's sums of products of uint8 and int8 saturate: on x86 without VNNI instructions."""
    try:
        flags = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return True
    return platform.machine() == "x86_64" and not re.search(r"\b(avx512_vnni|avx_vnni)\b", flags)


def main():
    if sys.argv[1:] == ["--check"]:
        names = [n for n in VARIANTS if not (saturates() and n.startswith("qoperator") and "s8" in n)]
        for name in names:
            check(name)
        print(f"{len(names)} of {len(VARIANTS)} models compute what their npz files say; here sums of the others saturate"
              if len(names) < len(VARIANTS) else f"{len(names)} models compute what their npz files say")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in VARIANTS:
            make(name, folder)


main()
