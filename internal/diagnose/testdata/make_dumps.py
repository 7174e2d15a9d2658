"""Makes the networks and the dumps of package diagnose's tests: NumPy as another runtime, with one deviation each.

    python make_dumps.py [--check]

needs numpy and onnx. --check compares with the files that are there. Everything is written from the definitions, in
NumPy, and shares nothing with the Go code.
"""

import io
import os
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

f32, f64 = np.float32, np.float64
SIZE = 6
SX = 0.06009597331285477  # its reciprocal and its products round so that other ways to compute give other codes


class Net:
    """The network's parameters; kind is one of KINDS."""

    def __init__(self, kind):
        rng = np.random.default_rng(5)
        self.kind, self.signed = kind, kind == "signed"
        shift = 128 if self.signed else 0
        self.lo, self.hi = (-128, 127) if self.signed else (0, 255)
        self.params = {
            name: (f32(scale), zero - shift)
            for name, (scale, zero) in {
                "q": (SX, 117), "conv": (SX, 61), "relu": (SX, 61), "pool": (SX, 61), "max": (SX, 117),
                "sum": (SX * 1.2, 45), "fc": (SX * 1.2, 129),
            }.items()
        }
        w = np.zeros((4, 4, 3, 3), np.int64)
        for o, (step, count) in enumerate([(45, 3), (15, 3), (8, 4)]):
            w[o].reshape(-1)[rng.choice(36, count, False)] = step * rng.choice([-1, 1], count)
            w[o, o, 0, 0] = w[o, 1, 1, 2] = step
        w[3] = rng.integers(-127, 128, (4, 3, 3))
        self.w, self.sw = w, np.array([1 / 90, (1 / 2 - 1 / 4096) / 15, 1 / 16, 0.0005], f32)
        # Sums times these come next to ties, to where rounding twice makes ties, to ties, and anywhere.
        self.zw = np.array([3, -2, 1, 5]) if kind == "zeros" else np.zeros(4, np.int64)
        self.b = np.array([45 * 30, 15 * 21, -8 * 33, 9000])
        steps = np.array([45, 15, 35, 25, 55, 65, 75, 5])
        self.fw = np.zeros((8, 64), np.int64)
        for row, step in zip(self.fw, steps):
            row[rng.choice(64, 3, False)] = step * rng.choice([-1, 1], 3)
        self.fs = (1 / (2 * steps)).astype(f32)
        self.fb = steps * (2 * rng.integers(-10, 10, 8) + 1)
        k = rng.integers(-100, 120, (2, 4, SIZE, SIZE))
        x = ((k + 0.5).astype(f32) * f32(SX)).astype(f32)
        free = rng.random(x.shape) < 0.4
        x[free] = (rng.standard_normal(x.shape) * 6).astype(f32)[free]
        x.reshape(-1)[::37] *= f32(4)  # beyond the range
        self.x = x

    def model(self):
        """The network as a QDQ file."""
        nodes, init = [], []
        small = np.int8 if self.signed else np.uint8

        def const(name, value, dtype):
            init.append(numpy_helper.from_array(np.asarray(value, dtype), name))
            return name

        def dq(name, axis=None):
            kw = {} if axis is None else {"axis": axis}
            nodes.append(helper.make_node("DequantizeLinear", [name, name + ".s", name + ".z"], [name + ".f"], **kw))
            return name + ".f"

        def op(kind, inputs, out, **kw):
            nodes.append(helper.make_node(kind, inputs, [out + ".r"], **kw))
            quantize(out + ".r", out)

        def quantize(x, out):
            scale, zero = self.params[out]
            const(out + ".s", scale, f32)
            const(out + ".z", zero, small)
            nodes.append(helper.make_node("QuantizeLinear", [x, out + ".s", out + ".z"], [out]))
            dq(out)

        def weight(name, codes, scales, zeros, dtype):
            const(name, codes, dtype)
            const(name + ".s", scales, f32)
            const(name + ".z", zeros, dtype)
            return dq(name, 0)

        quantize("x", "q")
        w = weight("w", self.w, self.sw, self.zw, np.int8)
        b = weight("b", self.b, self.params["q"][0] * self.sw, [0] * 4, np.int32)
        op("Conv", ["q.f", w, b], "conv", pads=[1, 1, 1, 1])
        op("Relu", ["conv.f"], "relu")
        op("AveragePool", ["relu.f"], "pool", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1])
        op("MaxPool", ["q.f"], "max", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1])
        op("Add", ["pool.f", "max.f"], "sum")
        nodes.append(helper.make_node("Flatten", ["sum.f"], ["flat"]))
        w = weight("fw", self.fw, self.fs, [0] * 8, np.int8)
        b = weight("fb", self.fb, self.params["sum"][0] * self.fs, [0] * 8, np.int32)
        op("Gemm", ["flat", w, b], "fc", transB=1)
        graph = helper.make_graph(
            nodes, self.kind, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4, SIZE, SIZE])],
            [helper.make_tensor_value_info("fc.f", TensorProto.FLOAT, ["N", 8])], init,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Runtime:
    """Computes a Net. Deviations are methods that are overridden."""

    in_double = False  # quantize in float64

    def __init__(self, net):
        self.n = net

    def round(self, v):
        return np.rint(v)

    def place(self, v, zero):
        """A quotient or product (float32 in float64) becomes a code, not clamped."""
        return self.round(v) + zero

    def clamp(self, v):
        return np.clip(v, self.n.lo, self.n.hi)

    def divide(self, x, scale):
        return (x.astype(f32) / scale).astype(f64)

    def quantize(self, x, name):
        scale, zero = self.n.params[name]
        return self.clamp(self.place(self.divide(x, scale), zero)).astype(np.int64)

    def real(self, q, name):
        scale, zero = self.n.params[name]
        return ((q - zero).astype(f32) * scale).astype(f32)

    def multiplier(self, sx, sw, sy):
        return (sx * sw).astype(f32) / sy

    def requantize(self, acc, sx, sw, name):
        """acc is [..., channels]."""
        scale, zero = self.n.params[name]
        v = (acc.astype(f32) * self.multiplier(sx, sw, scale).astype(f32)).astype(f32)
        return self.clamp(self.place(v.astype(f64), zero)).astype(np.int64)

    pad_code = None  # the zero point

    def weights(self, w):
        return w

    def bias(self, b):
        return b

    def scales(self, s):
        return s

    def input_zero(self, z):
        return z

    def weight_zeros(self, z):
        return z

    def dot(self, rows, w, zx, zw):
        """Rows [n, in, kernel] of codes and weights [out, in, kernel] make sums [n, out]."""
        flat = rows.reshape(len(rows), -1) - self.input_zero(zx)
        return flat @ (w.reshape(len(w), -1) - self.weight_zeros(zw)[:, None]).T

    def rows(self, q, zero):
        n, c, h, w = q.shape
        padded = np.full((n, c, h + 2, w + 2), zero if self.pad_code is None else self.pad_code)
        padded[:, :, 1:-1, 1:-1] = q
        rows = [padded[:, :, y : y + 3, x : x + 3].reshape(n, c, 9) for y in range(h) for x in range(w)]
        return np.stack(rows, 1).reshape(n * h * w, c, 9)

    def conv(self, q):
        sx, zx = self.n.params["q"]
        acc = self.dot(self.rows(q, zx), self.weights(self.n.w).reshape(4, 4, 9), zx, self.n.zw) + self.bias(self.n.b)
        y = self.requantize(acc, sx, self.scales(self.n.sw), "conv")
        return y.reshape(len(q), SIZE, SIZE, 4).transpose(0, 3, 1, 2)

    def relu(self, q):
        return np.maximum(q, self.n.params["relu"][1])

    count_pad = False

    def windows(self, q, empty):
        p = np.full((2, 4, SIZE + 2, SIZE + 2), empty)
        p[:, :, 1:-1, 1:-1] = q
        return np.stack([p[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)], -1)

    def pool(self, q):
        s, z = self.n.params["relu"]
        inside = self.windows(np.ones_like(q), 0)
        count = np.full(inside.shape[:-1], 4) if self.count_pad else inside.sum(-1)
        acc = self.windows(q - z, 0).sum(-1)
        scale, zero = self.n.params["pool"]
        m = ((s / count.astype(f32)).astype(f32) / scale).astype(f32)
        return self.clamp(self.place((acc.astype(f32) * m).astype(f64), zero)).astype(np.int64)

    def maximum(self, q):
        return self.windows(q, self.n.lo).max(-1)

    def add(self, a, b):
        return self.quantize(self.real(a, "pool") + self.real(b, "max"), "sum")

    def gemm(self, q):
        s, z = self.n.params["sum"]
        flat = q.reshape(len(q), -1, 1)
        acc = self.dot(flat, self.weights(self.n.fw)[:, :, None], z, np.zeros(8, np.int64)) + self.bias(self.n.fb)
        return self.requantize(acc, s, self.scales(self.n.fs), "fc")

    def run(self):
        v = {"x": self.n.x}
        v["q"] = self.quantize(v["x"], "q")
        v["conv"] = self.conv(v["q"])
        v["relu"] = self.relu(v["conv"])
        v["pool"] = self.pool(v["relu"])
        v["max"] = self.maximum(v["q"])
        v["sum"] = self.add(v["pool"], v["max"])
        v["fc"] = self.gemm(v["sum"])
        codes = np.int8 if self.n.signed else np.uint8
        return {k: a if a.dtype == f32 else a.astype(codes) for k, a in v.items()}


def deviate(**methods):
    return type("Deviation", (Runtime,), methods)


def in_torch(self, v, zero):
    return self.round((v + zero).astype(f32).astype(f64))


def wraps(self, v):
    low = v.astype(np.int64) & 255
    return np.where(low > 127, low - 256, low) if self.n.signed else low


def exactly(self, acc, sx, sw, name):
    scale, zero = self.n.params[name]
    v = acc.astype(f64) * (f64(sx) * sw.astype(f64) / f64(scale))
    return self.clamp(self.place(v, zero)).astype(np.int64)


def real_then_code(self, acc, sx, sw, name):
    scale, zero = self.n.params[name]
    real = (acc.astype(f32) * (sx * sw).astype(f32)).astype(f32)
    return self.clamp(self.place((real / scale).astype(f64), zero)).astype(np.int64)


def mantissa(m, bits):
    fraction, exponent = np.frexp(m)
    m0 = np.floor(fraction * 2.0**bits + 0.5).astype(np.int64) << (31 - bits)
    return m0, -exponent.astype(np.int64)


def fixed(once, bits):
    def requantize(self, acc, sx, sw, name):
        scale, zero = self.n.params[name]
        m = f64(sx) * sw.astype(f64) / f64(scale) if bits == 31 else self.multiplier(sx, sw, scale).astype(f64)
        m0, shift = mantissa(m, bits)
        return self.clamp(once(acc.astype(np.int64), m0, shift) + zero)

    return requantize


def single(acc, m0, shift):
    return (acc * m0 + (1 << (30 + shift))) >> (31 + shift)


def single_away(acc, m0, shift):
    magnitude = (np.abs(acc) * m0 + (1 << (30 + shift))) >> (31 + shift)
    return np.sign(acc) * magnitude


def shift_away(high, shift):
    remainder = high & ((1 << shift) - 1)
    threshold = (((1 << shift) - 1) >> 1) + (high < 0)
    return (high >> shift) + (remainder > threshold)


def double(acc, m0, shift):  # gemmlowp
    product = acc * m0
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)  # truncating division
    return shift_away(high, shift)


def double_up(acc, m0, shift):  # QNNPACK
    return shift_away((acc * m0 + (1 << 30)) >> 31, shift)


def shifted_floor(acc, m0, shift):
    return (acc * m0) >> (31 + shift)


def pairs(last):
    def dot(self, rows, w, zx, zw):
        if last:
            rows, w = rows.transpose(0, 2, 1), w.transpose(0, 2, 1)
        u = rows.reshape(len(rows), -1) + (128 if self.n.signed else 0)
        w = w.reshape(len(w), -1)
        products = u[:, None, :] * w[None]
        if products.shape[-1] % 2:
            products = np.concatenate([products, np.zeros_like(products[..., :1])], -1)
        sums = np.clip(products[..., ::2] + products[..., 1::2], -32768, 32767).sum(-1)
        return sums - (zx + (128 if self.n.signed else 0)) * w.sum(-1)

    return dot


def wrong_axis(self, q):
    sx, zx = self.n.params["q"]
    real = self.real(self.rows(q, zx), "q").astype(f64)  # [n, in, 9]
    w = (self.n.w.reshape(4, 4, 9).astype(f32) * self.n.sw[None, :, None]).astype(f32).astype(f64)
    y = np.einsum("nck,ock->no", real, w) + (self.n.b.astype(f32) * (sx * self.n.sw)).astype(f64)
    return self.quantize(y.astype(f32), "conv").reshape(len(q), SIZE, SIZE, 4).transpose(0, 3, 1, 2)


def floating(self, q):
    sx, zx = self.n.params["q"]
    real = self.real(self.rows(q, zx), "q").astype(f64)
    w = (self.n.w.reshape(4, 4, 9).astype(f32) * self.n.sw[:, None, None]).astype(f32).astype(f64)
    y = np.einsum("nck,ock->no", real, w) + (self.n.b.astype(f32) * (sx * self.n.sw)).astype(f64)
    return self.quantize(y.astype(f32), "conv").reshape(len(q), SIZE, SIZE, 4).transpose(0, 3, 1, 2)


def floating_order(self, q):
    sx, zx = self.n.params["q"]
    real = self.real(self.rows(q, zx), "q").reshape(-1, 36)
    w = (self.n.w.reshape(4, 36).astype(f32) * self.n.sw[:, None]).astype(f32)
    y = np.zeros((len(real), 4), f32) + (self.n.b.astype(f32) * (sx * self.n.sw)).astype(f32)
    for k in reversed(range(36)):
        y = (y + (real[:, k, None] * w[None, :, k]).astype(f32)).astype(f32)
    return self.quantize(y, "conv").reshape(len(q), SIZE, SIZE, 4).transpose(0, 3, 1, 2)


def by_ratios(self, a, b):
    (sa, za), (sb, zb), (sy, zy) = (self.n.params[n] for n in ("pool", "max", "sum"))
    v = ((a - za).astype(f32) * (sa / sy)).astype(f32) + ((b - zb).astype(f32) * (sb / sy)).astype(f32)
    return self.clamp(np.rint(v) + zy).astype(np.int64)


def by_constant(self, a, b):  # ONNX Runtime's QLinearAdd
    (sa, za), (sb, zb), (sy, zy) = (self.n.params[n] for n in ("pool", "max", "sum"))
    ra, rb = f32(sa / sy), f32(sb / sy)
    constant = f32(f32(f32(zy) - f32(f32(za) * ra)) - f32(f32(zb) * rb))
    v = a.astype(f32) * ra + (b.astype(f32) * rb + constant)
    return self.clamp(np.rint(v)).astype(np.int64)


def of_codes(self, q):
    count = self.windows(np.ones_like(q), 0).sum(-1)
    total = self.windows(q, 0).sum(-1)
    return np.sign(total) * ((np.abs(total) + count // 2) // count)


def soon(self, q):
    return np.maximum(Runtime.conv(self, q), self.n.params["relu"][1])


def disturbed(self, q):
    y = Runtime.conv(self, q)
    y[:, 1, 0, :] = np.clip(y[:, 1, 0, :] + np.arange(2, 2 + SIZE) % 5 + 2, self.n.lo, self.n.hi)
    return y


half_up = lambda self, v: np.floor(v + 0.5)
DUMPS = {  # name: (network, deviation)
    "equal": ("net", {}),
    "ties-away": ("net", {"round": lambda self, v: np.sign(v) * np.floor(np.abs(v) + 0.5)}),
    "ties-up": ("net", {"round": half_up}),
    "truncated": ("net", {"round": lambda self, v: np.trunc(v)}),
    "floor": ("net", {"round": lambda self, v: np.floor(v)}),
    "floor-fixed": ("net", {"requantize": fixed(shifted_floor, 31)}),
    "zero-before": ("net", {"place": in_torch}),
    "zero-after": ("net", {}),  # compared with the convention torch
    "wrap": ("net", {"clamp": wraps}),
    "reciprocal": ("net", {"divide": lambda self, x, s: (x.astype(f32) * (f32(1) / s)).astype(f64)}),
    "double": ("net", {"divide": lambda self, x, s: x.astype(f64) / f64(s), "requantize": exactly}),
    "double-conv": ("net", {"requantize": exactly}),
    "multiplier-once": ("net", {"multiplier": lambda self, x, w, y: (f64(x) * w.astype(f64) / f64(y)).astype(f32)}),
    "multiplier-order": ("net", {"multiplier": lambda self, x, w, y: x * (w / y).astype(f32)}),
    "two-steps": ("net", {"requantize": real_then_code}),
    "fixed": ("net", {"requantize": fixed(single, 31)}),
    "fixed-away": ("net", {"requantize": fixed(single_away, 24)}),
    "fixed-double": ("net", {"requantize": fixed(double, 31)}),
    "fixed-qnnpack": ("net", {"requantize": fixed(double_up, 24)}),
    "float": ("net", {}),  # compared with the convention fixed
    "ratios": ("net", {"add": by_ratios}),
    "ratios-constant": ("net", {"add": by_constant}),
    "zero-padding": ("net", {"pad_code": 0}),
    "pairs-first": ("net", {"dot": pairs(False)}),
    "pairs-last": ("net", {"dot": pairs(True)}),
    "pairs-signed": ("signed", {"dot": pairs(False)}),
    "weights-clamped": ("net", {"weights": lambda self, w: np.clip(w, -64, 63)}),
    "weights-halved": ("net", {"weights": lambda self, w: 2 * np.clip(np.rint(w / 2).astype(np.int64), -64, 63)}),
    "no-bias": ("net", {"bias": lambda self, b: 0 * b}),
    "bias": ("net", {"bias": lambda self, b: b + (np.arange(len(b)) % 3 - 1)}),
    "no-input-zero": ("net", {"input_zero": lambda self, z: 0}),
    "no-weight-zeros": ("zeros", {"weight_zeros": lambda self, z: 0 * z}),
    "one-scale": ("net", {"scales": lambda self, s: s[:1] + 0 * s}),
    "wrong-axis": ("net", {"conv": wrong_axis}),
    "floating": ("net", {"conv": floating}),
    "floating-order": ("net", {"conv": floating_order}),
    "no-relu": ("net", {"relu": lambda self, q: q}),
    "soon": ("net", {"conv": soon}),
    "count-pad": ("net", {"count_pad": True}),
    "mean-of-codes": ("signed", {"pool": of_codes}),
    "max-zero": ("signed", {"maximum": lambda self, q: self.windows(q, 0).max(-1)}),
    "two-causes": ("net", {"round": half_up, "pad_code": 0, "quantize": lambda self, x, n: Runtime(self.n).quantize(x, n)}),
    "unknown": ("net", {"conv": disturbed}),
}
KINDS = ["net", "signed", "zeros"]


def npz(arrays):
    """A compressed npz with the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, a in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(a))
            z.writestr(zipfile.ZipInfo(name + ".npy"), data.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def main():
    check, wrong = "--check" in sys.argv[1:], []
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    nets = {kind: Net(kind) for kind in KINDS}
    for kind, net in nets.items():
        data = net.model().SerializeToString()
        if not check:
            open(kind + ".onnx", "wb").write(data)
        elif onnx.load(kind + ".onnx") != onnx.load_from_string(data):
            wrong.append(kind + ".onnx")
    for name, (kind, methods) in DUMPS.items():
        arrays = deviate(**methods)(nets[kind]).run()
        path = f"{kind}.{name}.npz"
        if not check:
            open(path, "wb").write(npz(arrays))
            continue
        with np.load(path) as have:
            if set(have) != set(arrays) or any(not np.array_equal(have[k], arrays[k]) for k in arrays):
                wrong.append(path)
    if wrong:
        sys.exit("differ: " + ", ".join(wrong))


main()
