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

    def save(self, name, y, integers=True, type=T.FLOAT, threads=0):
        self.nodes[-1].output[0], y = "y", "y"
        def model(shape):
            out = helper.make_tensor_value_info(y, type, shape)
            graph = helper.make_graph(self.nodes, name, self.inputs, [out], self.inits)
            sets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
            return helper.make_model(graph, opset_imports=sets, ir_version=10, producer_name="make_foreign.py")

        o = ort.SessionOptions()
        o.add_session_config_entry("session.x64quantprecision", "1")
        o.intra_op_num_threads = threads
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


def weight(n, *shape, axis=0, lo=-128):
    """A weight of int8 with a scale for each index of an axis."""
    scale = (rng.random(shape[axis]) * 0.02 + 0.001).astype(np.float32)
    return n.dq(n.const(codes(*shape, lo=lo), np.int8), scale, np.zeros(shape[axis]), np.int8, axis=axis)


def weight_through_clip():
    """Brevitas writes the quantization of weights, and a Clip of the codes; here of a computed weight, by channels."""
    n = Net(17)
    x, s, z = n.qdq(n.input(reals(1, 3, 6, 6)), 0.02, 117), (rng.random(4) * 0.2 + 0.1).astype(np.float32), np.zeros(4)
    w = n.op("Reshape", n.op("Mul", n.const(reals(4, 27)), n.const(reals(4, 1))), n.const([4, 3, 3, 3], np.int64))
    q = n.op("Clip", n.q(w, s, z, np.int8, axis=0), n.const(-7, np.int8), n.const(7, np.int8))
    n.save("weight_through_clip", n.qdq(n.op("Conv", x, n.dq(q, s, z, np.int8, axis=0)), 0.1, 128))


def narrow_activations():
    """Codes of few bits in int8: Clips of the input's codes and of the output's."""
    n = Net(17)
    q = n.op("Clip", n.q(n.input(reals(1, 3, 6, 6)), 0.05, 0, np.int8), n.const(-6, np.int8), n.const(6, np.int8))
    y = n.q(n.op("Conv", n.dq(q, 0.05, 0, np.int8), n.dq(n.const(codes(4, 3, 3, 3, lo=-7, hi=7), np.int8), 0.1)), 0.1, 0, np.int8)
    n.save("narrow_activations", n.dq(n.op("Clip", y, n.const(-127, np.int8), n.const(127, np.int8)), 0.1, 0, np.int8))


def moved_weights():
    """Weights whose codes, or reals, are moved before layers read them; a negative axis; no zero point."""
    n = Net(17)
    x = n.qdq(n.input(reals(4, 8)), 0.02, 117)
    w = n.op("Concat", n.const(codes(4, 8), np.int8), n.op("Slice", n.const(codes(9, 8), np.int8), n.const([2], np.int64), n.const([6], np.int64), n.const([0], np.int64)), axis=0)
    w = n.op("Transpose", n.dq(n.op("Squeeze", n.op("Unsqueeze", w, n.const([0], np.int64)), n.const([0], np.int64)), (rng.random(8) * 0.02).astype(np.float32), np.zeros(8), np.int8, axis=-2), perm=[1, 0])
    y = n.qdq(n.op("MatMul", x, w), 0.05, 128)
    n.save("moved_weights", n.qdq(n.op("MatMul", y, n.op("DequantizeLinear", n.op("Transpose", n.const(codes(5, 8), np.int8), perm=[1, 0]), n.const(0.01))), 0.05, 128))


def reshaped_conv():
    n = Net(17)
    x = n.qdq(n.input(reals(1, 3, 6, 6)), 0.02, 117)
    y = n.qdq(n.op("Conv", x, n.op("Reshape", weight(n, 4, 27), n.const([4, 3, 3, 3], np.int64)), pads=[1, 1, 1, 1]), 0.05, 128)
    n.save("reshaped_conv", n.qdq(n.op("Conv", y, n.op("Transpose", weight(n, 3, 3, 4, 4, axis=3), perm=[3, 2, 0, 1])), 0.05, 128))


def signs_of_scales():
    """Scales below 0, with and without the least code, and of 0."""
    n = Net(17)
    x, w = n.qdq(n.input(reals(1, 3, 6, 6)), 0.0217, 117), codes(4, 3, 3, 3, lo=-127)
    w[2, 0, 0, 0] = -128
    scale = np.array([0.01, -0.02, -0.015, 0], np.float32)
    y = n.qdq(n.op("Conv", x, n.dq(n.const(w, np.int8), scale, np.zeros(4), np.int8, axis=0), n.const(reals(4))), 0.053, 128)
    w = n.dq(n.const(codes(2, 4, 3, 3, lo=0, hi=255, dtype=np.uint8), np.uint8), -0.01, 130)
    n.save("signs_of_scales", n.qdq(n.op("Conv", y, w), 0.07, 128), integers=False)


def blocks():
    """Blocks along every axis of weights, the last shorter, with scales of both signs."""
    n = Net(21)
    x = n.input(reals(1, 6, 7, 7))
    for shape, axis, block in (((8, 6, 3, 3), 0, 4), ((8, 8, 3, 3), 1, 3), ((8, 8, 3, 3), -1, 2)):
        scales = list(shape)
        scales[axis] = -(-shape[axis] // block)
        s = (rng.random(scales) * 0.02 - 0.01).astype(np.float32)
        x = n.op("Conv", x, n.dq(n.const(codes(*shape), np.int8), s, codes(*scales, lo=-4, hi=4), np.int8, axis=axis, block_size=block))
    x = n.op("Flatten", x)
    w = n.dq(n.const(codes(8, 5, lo=-8, hi=7), T.INT4), (rng.random((2, 5)) - 0.5).astype(np.float32), codes(2, 5, lo=-4, hi=4), T.INT4, axis=0, block_size=5)
    x = n.op("Gemm", x, w, n.const(reals(5)))
    w = n.dq(n.const(codes(5, 4, lo=0, hi=15), T.UINT4), (rng.random((3, 4)) - 0.5).astype(np.float32), codes(3, 4, lo=0, hi=15), T.UINT4, axis=-2, block_size=2)
    n.save("blocks", n.op("MatMul", x, w), integers=False)


def matmul_nbits():
    """ONNX Runtime's own product with weights in blocks: all bits, zero points packed, real and none, a row that does not fill its blocks."""
    n, k = Net(21), 80
    x = n.input(reals(2, 3, k))
    for bits, block, zeros, bias in ((4, 32, "none", True), (8, 16, "packed", False), (2, 32, "packed", True), (4, 64, "real", False), (4, 16, "packed", False)):
        blocks = -(-k // block)
        b = codes(k, blocks, block * bits // 8, lo=0, hi=255, dtype=np.uint8)
        inputs = [x, n.const(b, np.uint8), n.const((rng.random((k, blocks)) * 0.02 - 0.01).astype(np.float32))]
        if zeros == "packed":
            inputs.append(n.const(codes(k, (blocks * bits + 7) // 8, lo=0, hi=255, dtype=np.uint8), np.uint8))
        elif zeros == "real":
            inputs.append(n.const((rng.random((k, blocks)) * 2**bits).astype(np.float32)))
        if bias:
            inputs += [""] * (5 - len(inputs)) + [n.const(reals(k))]
        x = n.op("MatMulNBits", *inputs, domain="com.microsoft", K=k, N=k, bits=bits, block_size=block)
    n.save("matmul_nbits", x, integers=False)


def gather_blocks():
    """Tables of codes: in blocks, of 4 bits and in bytes of two, and by rows, gathered before they are dequantized."""
    n = Net(21)
    i = n.input(np.array([[1, 3, 0], [2, 2, 5]]), T.INT64, "x")
    parts = []
    for type, low, high, columns, zeros in ((T.INT4, -8, 7, 32, False), (T.UINT4, 0, 15, 32, True), (np.uint8, 0, 255, 16, False)):
        as_codes = np.uint8 if type == np.uint8 else np.int8
        inputs = [n.const(codes(6, columns, lo=low, hi=high, dtype=as_codes), type), i, n.const((rng.random((6, 2)) * 0.02).astype(np.float32))]
        if zeros:
            inputs.append(n.const(codes(6, 2, lo=low, hi=high), type))
        parts.append(n.op("GatherBlockQuantized", *inputs, domain="com.microsoft", block_size=16))
    parts.append(n.op("Gather", weight(n, 6, 32), i))
    parts.append(n.dq(n.op("Gather", n.const(codes(6, 32), np.int8), i), 0.02, 3, np.int8))
    n.save("gather_blocks", n.op("Concat", *parts, axis=1), integers=False)


def sixteen_bits():
    """Activations of 16 bits in both domains, moved as codes, and weights of 16 and 32."""
    n = Net(21)
    q = n.q(n.input(reals(1, 3, 6, 6)), 1e-4, 31000, np.uint16)
    q = n.op("Transpose", n.op("Transpose", q, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    c = n.op("Relu", n.op("Conv", n.dq(q, 1e-4, 31000, np.uint16), weight(n, 4, 3, 3, 3), n.op("DequantizeLinear", n.const(codes(4, dtype=np.int32) * 3000, np.int32), n.const(1e-6))))
    q = n.op("QuantizeLinear", c, n.const(2e-4), n.const(-200, np.int16), domain="com.microsoft")
    x = n.op("Reshape", n.op("DequantizeLinear", q, n.const(2e-4), n.const(-200, np.int16), domain="com.microsoft"), n.const([0, -1], np.int64))
    w = n.dq(n.const(codes(64, 5, lo=-30000, hi=30000, dtype=np.int16), np.int16), (rng.random(5) * 1e-4 + 1e-5).astype(np.float32), np.zeros(5), np.int16, axis=1)
    x = n.dq(n.op("QuantizeLinear", n.op("MatMul", x, w), n.const(1e-3), output_dtype=T.INT16), 1e-3)
    n.save("sixteen_bits", n.op("MatMul", x, n.dq(n.const(codes(5, 4, dtype=np.int32) * 100, np.int32), 1e-4)), integers=False)


def mixed_bits():
    """8 bits before and behind 16: the layers between codes of 8 bits are integers."""
    n = Net(21)
    y = n.qdq(n.op("Conv", n.qdq(n.input(reals(1, 3, 6, 6)), 0.02, 117), weight(n, 4, 3, 3, 3)), 0.05, 128)
    n.save("mixed_bits", n.qdq(n.dq(n.q(n.op("Relu", y), 1e-4, 31000, np.uint16), 1e-4, 31000, np.uint16), 0.04, 128), integers=False)


def odd_activations():
    """An activation with a scale for each channel, one with a scale below 0, one whose scale is computed."""
    n = Net(21)
    s, z = (rng.random(3) * 0.02 + 0.01).astype(np.float32), codes(3, lo=100, hi=140, dtype=np.uint8)
    x = n.qdq(n.dq(n.q(n.input(reals(1, 3, 4, 4), shape=[1, 3, 4, 4]), s, z, axis=1), s, z, axis=1), -0.02, 117)
    t, zero = n.op("Div", n.op("ReduceMax", n.op("Abs", x), keepdims=0), n.const(127.0)), n.const(0, np.int8)
    n.save("odd_activations", n.op("DequantizeLinear", n.op("QuantizeLinear", x, t, zero), t, zero), integers=False)


def by_hand():
    """Quantization of elementary operators: codes that are read as numbers, and numbers that become codes."""
    n = Net(17)
    q = n.q(n.input(reals(1, 3, 6, 6)), 0.05, 100)
    x = n.op("Mul", n.op("Cast", n.op("Sub", n.op("Cast", q, to=T.INT32), n.const(100, np.int32)), to=T.FLOAT), n.const(0.05))
    q = n.op("Clip", n.op("Add", n.op("Round", n.op("Div", x, n.const(0.07))), n.const(90.0)), n.const(0.0), n.const(255.0))
    n.save("by_hand", n.dq(n.op("Cast", q, to=T.UINT8), 0.07, 90), integers=False)


def bytes_in():
    """An input of uint8 that is divided by 255, and one that ConvInteger reads."""
    n = Net(17)
    x = n.input(codes(1, 3, 6, 6, lo=0, hi=255, dtype=np.uint8), T.UINT8)
    a = n.op("Conv", n.qdq(n.op("Div", n.op("Cast", x, to=T.FLOAT), n.const(255.0)), 1 / 255, 0), weight(n, 4, 3, 3, 3))
    w = n.const(codes(4, 3, 3, 3, lo=0, hi=255, dtype=np.uint8), np.uint8)
    b = n.op("Cast", n.op("ConvInteger", x, w, n.const(100, np.uint8), n.const(120, np.uint8)), to=T.FLOAT)
    n.save("bytes_in", n.op("Add", a, n.op("Mul", b, n.const(1e-5))), integers=False)


def old_dynamic():
    """ONNX Runtime's tool of 2020 quantized biases while the network runs."""
    n = Net(13)
    q, s, z = n.op("DynamicQuantizeLinear", n.input(reals(1, 3, 6, 6), shape=[1, 3, 6, 6]), outputs=3)
    s = n.op("Mul", s, n.const(0.01))
    b = n.op("Cast", n.op("Floor", n.op("Div", n.const(reals(4) * 100), s)), to=T.INT32)
    c = n.op("ConvInteger", q, n.const(codes(4, 3, 3, 3), np.int8), z, n.const(0, np.int8), pads=[1, 1, 1, 1])
    c = n.op("Add", c, n.op("Reshape", b, n.const([1, -1, 1, 1], np.int64)))
    n.save("old_dynamic", n.op("Mul", n.op("Cast", c, to=T.FLOAT), s))


def shared_dynamic():
    """Outputs of DynamicQuantizeLinear that several nodes read; products of two that are quantized so; zero points of columns."""
    n = Net(17)
    q, s, z = n.op("DynamicQuantizeLinear", n.input(reals(1, 4, 6), shape=[1, 4, 6]), outputs=3)
    q = n.op("Reshape", q, n.const([4, 6], np.int64))
    m = n.op("MatMulInteger", q, n.const(codes(6, 5), np.int8), z, n.const(codes(5, lo=-3, hi=3), np.int8))
    y = n.op("Mul", n.op("Cast", m, to=T.FLOAT), n.op("Mul", s, n.const((rng.random(5) * 0.02).astype(np.float32))))
    p, r, u = n.op("DynamicQuantizeLinear", n.op("Transpose", y, perm=[1, 0]), outputs=3)
    y = n.op("Mul", n.op("Cast", n.op("MatMulInteger", p, q, u, z), to=T.FLOAT), n.op("Mul", r, s))
    f = n.op("MatMulIntegerToFloat", n.op("Identity", q), n.const(codes(6, 5), np.int8), s, n.const(0.01), z, n.const(3, np.int8), n.const(reals(5)), domain="com.microsoft")
    parts = [n.op("Transpose", y, perm=[1, 0]), n.op("MatMul", n.op("DequantizeLinear", q, s, z), n.const(reals(6, 5))), f]
    n.save("shared_dynamic", n.op("Concat", *parts, axis=0))


def dynamic_lstm():
    """ONNX Runtime's LSTM that quantizes its input and its state: in both directions with everything that it can have, and backwards
    with a scale for each column. The range of the states is that of the whole batch on one thread alone."""
    n = Net(17)

    def lstm(x, inputs, hidden, type, columns, given=("", "", "", "", ""), **attrs):
        d, params = 2 if attrs["direction"] == "bidirectional" else 1, []
        weights = [n.const(codes(d, k, 4 * hidden, lo=np.iinfo(type).min, hi=np.iinfo(type).max, dtype=type), type) for k in (inputs, hidden)]
        for zero in (3, -2):
            shape = (d, 4 * hidden) if columns else (d,)
            zero = 128 if type == np.uint8 else 0 if columns else zero
            params += [n.const(rng.random(shape) * 0.01 + 0.002), n.const(np.full(shape, zero), type)]
        return n.op("DynamicQuantizeLSTM", x, *weights, *given, *params, outputs=3, domain="com.microsoft", hidden_size=hidden, **attrs)

    x = n.input(reals(6, 3, 10), shape=[6, 3, 10])
    given = (reals(2, 64) * 0.3, np.array([6, 2, 5]), reals(2, 3, 8), reals(2, 3, 8), reals(2, 24))
    given = [n.const(v, np.int32 if v.ndim == 1 else np.float32) for v in given]
    y, h, c = lstm(x, 10, 8, np.int8, False, given, direction="bidirectional")
    x = n.op("Reshape", n.op("Transpose", y, perm=[0, 2, 1, 3]), n.const([6, 3, 16], np.int64))
    more = lstm(x, 16, 5, np.uint8, True, direction="reverse", clip=0.9, input_forget=1, activations=["Sigmoid", "Tanh", "Softsign"])
    parts = [n.op("Reshape", v, n.const([1, -1], np.int64)) for v in (y, h, c, *more)]
    n.save("dynamic_lstm", n.op("Concat", *parts, axis=1), threads=1)


def known_parameters():
    """Parameters that follow from constants: of Clip, Pad, Resize and Reshape, scales and zero points of codes."""
    n = Net(17)
    s = n.op("Squeeze", n.op("Mul", n.const([0.2]), n.const([0.1])), n.const([0], np.int64))
    zero = n.op("Cast", n.const(117.0), to=T.UINT8)
    x = n.op("DequantizeLinear", n.op("QuantizeLinear", n.input(reals(1, 3, 4, 4)), s, zero), s, zero)
    x = n.op("Clip", x, n.op("Neg", n.dq(n.const(100, np.int8), 0.015, 0, np.int8)), n.op("Sqrt", n.const(2.0)))
    x = n.op("Pad", x, n.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), n.op("Squeeze", n.op("Exp", n.const([-1.0]))))
    x = n.op("Resize", x, "", n.dq(n.const([2, 2, 4, 4], np.int8), 0.5), mode="nearest")
    n.save("known_parameters", n.op("Reshape", x, n.op("Cast", n.op("Floor", n.dq(n.const([0, 9, 48], np.int8), 1.0)), to=T.INT64)), integers=False)


def constant_operands():
    """Constants of codes wherever reals can be."""
    n = Net(17)

    def c(*shape):
        return n.dq(n.const(codes(*shape, lo=1), np.int8), 0.02, 0, np.int8)

    x = n.op("Mul", n.op("Add", n.input(reals(2, 3, 4, 4)), c(3, 1, 1)), c(3, 1, 1))
    x = n.op("BatchNormalization", x, c(3), c(3), c(3), c(3))
    x = n.op("PRelu", x, n.op("Unsqueeze", c(3), n.const([1, 2], np.int64)))
    x = n.op("ConvTranspose", x, n.op("Mul", n.dq(n.const(codes(3, 4, 2, 2), np.int8), -0.01, 0, np.int8), n.const(2.0)), strides=[2, 2])
    n.save("constant_operands", n.op("LayerNormalization", x, c(8), c(8)), integers=False)


def positions():
    """The largest code of each row."""
    n = Net(17)
    n.save("positions", n.op("ArgMax", n.q(n.input(reals(4, 8)), 0.02, 117), axis=1), integers=False, type=T.INT64)


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for f in (
        cast_of_codes, dead_channel, weight_through_clip, narrow_activations, moved_weights, reshaped_conv, signs_of_scales, blocks, matmul_nbits,
        gather_blocks, sixteen_bits, mixed_bits, odd_activations, by_hand, bytes_in, old_dynamic, shared_dynamic, dynamic_lstm, known_parameters, constant_operands, positions,
    ):  # fmt: skip
        rng = np.random.default_rng(13)
        f()
