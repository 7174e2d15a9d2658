"""Reads a QDQ file as the chain of layers that onednn.cpp computes, and builds it.

oneDNN itself reads no files. What stands here is what somebody would write who gives a network's layers to oneDNN by hand:
each convolution with its Relu or Clip and, where a residual sum follows, with the sum; codes between layers, floats at the
ends alone.
"""
import ctypes
import math
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_TIMES = 100000  # of one turn


class Unsupported(Exception):
    """Why a network is not built."""


def library(work):
    """onednn.cpp built against the oneDNN 3 in $ONEDNN_ROOT, or in the folder of this Python's environment."""
    root = os.environ.get("ONEDNN_ROOT", sys.prefix)
    so = os.path.join(root, "lib", "libdnnl.so.3")
    if not os.path.exists(so) or not os.path.exists(os.path.join(root, "include", "oneapi", "dnnl", "dnnl.hpp")):
        raise Unsupported("not installed: ONEDNN_ROOT names no folder with include/ and lib/libdnnl.so.3")
    built, source = os.path.join(work, "onednn.so"), os.path.join(HERE, "onednn.cpp")
    if not os.path.exists(built) or os.path.getmtime(built) < max(os.path.getmtime(source), os.path.getmtime(so)):
        made = subprocess.run(["g++", "-std=c++17", "-O2", "-shared", "-fPIC", "-I" + os.path.join(root, "include"), source,
                               so, "-Wl,-rpath," + os.path.join(root, "lib"), "-o", built + ".part"],
                              capture_output=True, text=True)
        if made.returncode:
            raise Unsupported("onednn.cpp does not compile: " + made.stderr.strip().splitlines()[0])
        os.replace(built + ".part", built)
    lib = ctypes.CDLL(built)
    lib.onednn_error.restype = lib.onednn_kernels.restype = ctypes.c_char_p
    lib.onednn_new.restype = ctypes.c_void_p
    return lib


class Value:
    """Codes with their scale and zero point. number is None as long as nothing computes them: make(scale, zero) does then,
    after what follows a layer has been taken up by it."""

    def __init__(self, number=None, scale=0.0, zero=0, make=None, **parts):
        self.number, self.scale, self.zero, self.make, self.parts = number, scale, zero, make, parts


class Chain:
    def __init__(self, lib, path, batch):
        import onnx
        from onnx import numpy_helper

        self.lib, self.attribute_of = lib, onnx.helper.get_attribute_value
        graph = onnx.load(path).graph
        self.nodes = list(graph.node)
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.source = {n.output[0]: n for n in self.nodes}
        self.readers, self.values = {}, {}
        for n in self.nodes:
            for i in n.input:
                self.readers.setdefault(i, []).append(n)
        self.shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
        self.shape[0] = batch
        self.net = lib.onednn_new()
        if not self.net:
            raise Unsupported(lib.onednn_error().decode())
        try:
            for n in self.nodes:
                self.node(n, graph.input[0].name)
            last = self.values[graph.output[0].name]
            self.call("output", self.built(last))
        except Exception:
            self.free()
            raise
        self.classes = graph.output[0].type.tensor_type.shape.dim[-1].dim_value

    def free(self):
        self.lib.onednn_free(ctypes.c_void_p(self.net))

    def call(self, name, *args):
        r = getattr(self.lib, "onednn_" + name)(ctypes.c_void_p(self.net), *args)
        if r < 0:
            raise Unsupported("%s: %s" % (name, self.lib.onednn_error().decode()))
        return r

    def attribute(self, node, name, default=None):
        return next((self.attribute_of(a) for a in node.attribute if a.name == name), default)

    def constant(self, name):
        """A constant's codes and their scales."""
        n = self.source.get(name)
        if n is None or n.op_type != "DequantizeLinear" or n.input[0] not in self.constants:
            raise Unsupported("%s: only codes are constants of layers" % name)
        return self.constants[n.input[0]], np.ascontiguousarray(self.constants[n.input[1]], np.float32)

    def bias(self, node):
        codes, scales = self.constant(node.input[2])
        return np.ascontiguousarray(codes.astype(np.float64) * scales, np.float32)

    def built(self, v):
        """The number of the value, which is computed now if it was not."""
        if v.number is None:
            v.number = v.make(v.scale, v.zero)
        return v.number

    def node(self, n, first):
        op, given = n.op_type, self.values.get(n.input[0]) if n.input else None
        out = n.output[0]
        if op == "QuantizeLinear":
            scale, zero = float(self.constants[n.input[1]]), int(self.constants[n.input[2]])
            if n.input[0] == first:
                number = self.call("input", *map(ctypes.c_long, self.shape), ctypes.c_float(scale), zero)
                self.values[out] = Value(number, scale, zero)
                return
            self.values[out] = given
            if given.number is None:
                given.scale, given.zero = scale, zero
                if not self.summed(out):
                    self.built(given)
        elif op == "DequantizeLinear":
            if n.input[0] not in self.constants:
                self.values[out] = given
        elif op == "Flatten":
            self.values[out] = given
        else:
            self.values[out] = self.layer(n, given)

    def summed(self, name):
        """Whether codes are read by a sum alone, so that the layer that makes them may wait for it."""
        readers = self.readers.get(name, [])
        while len(readers) == 1 and readers[0].op_type == "DequantizeLinear":
            readers = self.readers.get(readers[0].output[0], [])
        return len(readers) == 1 and readers[0].op_type == "Add"

    def layer(self, n, given):
        op = n.op_type
        if op == "Conv":
            weights, scales = self.constant(n.input[1])
            pads, strides = self.attribute(n, "pads", [0] * 4), self.attribute(n, "strides", [1, 1])
            shape = [weights.shape[0], *weights.shape[2:], *strides, *pads, self.attribute(n, "group", 1)]
            return self.convolution(source=self.built(given), shape=(ctypes.c_int * 10)(*shape),
                                    weights=np.ascontiguousarray(weights), scales=scales, bias=self.bias(n), other=None,
                                    high=0.0)
        if op in ("Relu", "Clip"):
            high = math.inf if op == "Relu" else float(self.constants[n.input[2]])
            if given.number is not None or "high" not in given.parts or op == "Clip" and self.constants[n.input[1]] != 0:
                raise Unsupported("%s: it follows no convolution" % n.name)
            return self.convolution(**{**given.parts, "high": high})
        if op == "Add":
            a, b = given, self.values[n.input[1]]
            if a.number is not None:
                a, b = b, a
            if a.number is not None or a.parts.get("other", 0) is not None:
                raise Unsupported("%s: a sum that no convolution can take up" % n.name)
            return self.convolution(**{**a.parts, "other": self.built(b)})
        if op == "Gemm":
            weights, scales = self.constant(n.input[1])
            weights = np.ascontiguousarray(weights if self.attribute(n, "transB", 0) else weights.T)
            source, bias = self.built(given), self.bias(n)
            return Value(make=lambda s, z: self.call("linear", source, ctypes.c_long(len(weights)), data(weights),
                                                     data(scales), data(bias), ctypes.c_float(s), z))
        if op in ("MaxPool", "GlobalAveragePool"):
            source, shape, mean = self.built(given), [0] * 8, op == "GlobalAveragePool"
            if not mean:
                strides, pads = self.attribute(n, "strides", [1, 1]), list(self.attribute(n, "pads", [0] * 4))
                if self.attribute(n, "ceil_mode", 0):
                    pads[2:] = [pads[2] + strides[0] - 1, pads[3] + strides[1] - 1]
                shape = [*self.attribute(n, "kernel_shape"), *strides, *pads]
            return Value(make=lambda s, z: self.call("pool", source, (ctypes.c_int * 8)(*shape), int(mean),
                                                     ctypes.c_float(s), z))
        if op == "Concat":
            numbers = [self.built(self.values[i]) for i in n.input]
            return Value(make=lambda s, z: self.call("concat", (ctypes.c_int * len(numbers))(*numbers), len(numbers),
                                                     ctypes.c_float(s), z))
        if op in ("Slice", "Pad", "Reshape", "Transpose"):
            return self.moved(n, op, given)
        raise Unsupported("%s (%s): not among the layers that were built for oneDNN" % (op, n.name))

    def convolution(self, **p):
        def make(scale, zero):
            return self.call("conv", p["source"], p["shape"], data(p["weights"]), data(p["scales"]), data(p["bias"]),
                             ctypes.c_float(scale), zero, -1 if p["other"] is None else p["other"],
                             ctypes.c_float(p["high"]))
        return Value(make=make, **p)

    def moved(self, n, op, v):
        """What copies codes: ranges of channels, every second pixel with channels around, and the shuffle."""
        def copy(*args):
            return Value(self.call("slice", self.built(v), *map(ctypes.c_long, args)), v.scale, v.zero)

        constants = [self.constants[i].tolist() for i in n.input[1:] if i in self.constants]
        if op == "Slice":
            starts, ends, axes, steps = (*constants, [1] * len(constants[0]))[:4]
            if (axes, steps) == ([1], [1]):
                return copy(starts[0], ends[0] - starts[0], 1, 0, 0)
            if (axes, steps, starts) == ([2, 3], [2, 2], [0, 0]):
                return Value(self.built(v), v.scale, v.zero, second=True)
        if op == "Pad" and "second" in v.parts and not any(constants[0][:1] + constants[0][2:5] + constants[0][6:]):
            return copy(0, -1, 2, constants[0][1], constants[0][5])
        if op == "Reshape" and len(constants[0]) == 5:
            return Value(self.built(v), v.scale, v.zero, groups=constants[0][1])
        if op == "Transpose" and "groups" in v.parts and list(self.attribute(n, "perm")) == [0, 2, 1, 3, 4]:
            number = self.call("shuffle", v.number, ctypes.c_long(v.parts["groups"]))
            return Value(number, v.scale, v.zero, shuffled=True)
        if op == "Reshape" and "shuffled" in v.parts:
            return v
        raise Unsupported("%s (%s): not among the layers that were built for oneDNN" % (op, n.name))


def data(a):
    return a.ctypes.data_as(ctypes.c_void_p)
