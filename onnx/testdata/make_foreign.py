#!/usr/bin/env python3
"""Makes foreign/*.onnx, small networks with quantization spelled as tools other than linquant spell it, and foreign/*.npz, their
inputs and the outputs that ONNX Runtime computes: in integers (its own rewriting, session.x64quantprecision=1) or node by node.

    python make_foreign.py

Made with onnx 1.23.2, onnxruntime 1.32.0 and numpy 2.4.6.
"""

import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "foreign")
rng = np.random.default_rng(13)


class Net:
    """A network that is written node by node."""

    def __init__(self, opset=21):
        self.nodes, self.inits, self.inputs, self.outputs, self.feeds = [], [], [], [], {}
        self.opset, self.n = opset, 0

    def name(self, what):
        self.n += 1
        return f"{what}{self.n}"

    def const(self, v, dtype=np.float32):
        name = self.name("c")
        if isinstance(dtype, int):  # a type of ONNX that NumPy does not have
            self.inits.append(helper.make_tensor(name, dtype, np.shape(v), np.ravel(v)))
        else:
            self.inits.append(numpy_helper.from_array(np.array(v, dtype), name))
        return name

    def input(self, x, type=T.FLOAT, name="x", shape=None):
        self.feeds[name] = x
        self.inputs.append(helper.make_tensor_value_info(name, type, shape or ["N", *x.shape[1:]]))
        return name

    def op(self, op, *inputs, outputs=1, domain="", **attrs):
        out = [self.name("v") for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), out, name=self.name(op + "_"), domain=domain, **attrs))
        return out[0] if outputs == 1 else out

    def q(self, x, scale, zero, dtype=np.uint8, **attrs):
        return self.op("QuantizeLinear", x, self.const(scale), self.const(zero, dtype), **attrs)

    def dq(self, x, scale, zero=None, dtype=np.uint8, **attrs):
        more = [] if zero is None else [self.const(zero, dtype)]
        return self.op("DequantizeLinear", x, self.const(scale), *more, **attrs)

    def qdq(self, x, scale, zero, dtype=np.uint8):
        return self.dq(self.q(x, scale, zero, dtype), scale, zero, dtype)

    def save(self, name, y, integers=True, type=T.FLOAT):
        self.nodes[-1].output[0], y = "y", "y"
        def model(shape):
            out = helper.make_tensor_value_info(y, type, shape)
            graph = helper.make_graph(self.nodes, name, self.inputs, [out], self.inits)
            sets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
            return helper.make_model(graph, opset_imports=sets, ir_version=10, producer_name="make_foreign.py")

        o = ort.SessionOptions()
        o.add_session_config_entry("session.x64quantprecision", "1")
        if not integers:
            o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model(None).SerializeToString(), o, providers=["CPUExecutionProvider"])
        out = session.run(None, self.feeds)[0]
        done = model(["N", *out.shape[1:]])
        onnx.checker.check_model(done)
        onnx.save(done, os.path.join(HERE, name + ".onnx"))
        np.savez(os.path.join(HERE, name + ".npz"), y=out, **self.feeds)


def reals(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def codes(*shape, lo=-128, hi=127, dtype=np.int8):
    return rng.integers(lo, hi + 1, shape).astype(dtype)


def cast_of_codes():
    """PyTorch's exporter casts codes to the type that they have."""
    n = Net(17)
    x = n.op("Cast", n.q(n.input(reals(1, 3, 6, 6)), 0.02, 117), to=T.UINT8)
    w = n.dq(n.op("Cast", n.const(codes(4, 3, 3, 3), np.int8), to=T.INT8), 0.01, 0, np.int8)
    c = n.op("Conv", n.dq(x, 0.02, 117), w)
    n.save("cast_of_codes", n.dq(n.op("Cast", n.q(c, 0.05, 128), to=T.UINT8), 0.05, 128))


def dead_channel():
    """A channel of tiny weights has a bias at the end of int32: sums wrap."""
    n = Net(17)
    w = codes(4, 3, 3, 3)
    w[1], w[2] = w[1] // 64, w[2] // 64
    bias = np.array([1000, -(2**31), 2**31 - 1, -2000])
    scale = np.array([0.01, 1e-11, 1e-11, 0.01], np.float32)
    x = n.qdq(n.input(reals(1, 3, 6, 6)), 0.02, 117)
    b = n.op("DequantizeLinear", n.const(bias, np.int32), n.const(np.float32(0.02) * scale), axis=0)
    c = n.op("Conv", x, n.dq(n.const(w, np.int8), scale, np.zeros(4), np.int8, axis=0), b)
    n.save("dead_channel", n.qdq(c, 0.05, 128))


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for f in (cast_of_codes, dead_channel):
        f()
