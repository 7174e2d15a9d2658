"""Writes a QDQ file as a LiteRT (TensorFlow Lite) model with the same integers, which LiteRT runs with XNNPACK.

Codes of uint8 become int8 by 128 less, pictures lie channels last, the input too. What TensorFlow Lite has no padding for is
padded before.
"""
import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as tfl
from onnx import numpy_helper

OPERATORS, OPTIONS, TYPES = tfl.BuiltinOperator, tfl.BuiltinOptions, tfl.TensorType


class Writer:
    def __init__(self, path, batch):
        graph = onnx.load(path).graph
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.source = {n.output[0]: n for n in graph.node}
        self.tensors, self.buffers, self.operators, self.codes = [], [tfl.BufferT()], [], []
        self.values = {}  # the file's values: numbers of tensors, of what waits for its scale a function, as (number, make)
        shape = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
        self.batch = batch
        first = self.tensor("input", [batch, shape[2], shape[3], shape[1]], TYPES.FLOAT32)
        self.values[graph.input[0].name] = first
        for n in graph.node:
            self.node(n)
        last = self.values[graph.output[0].name]
        out = self.tensor("output", self.tensors[last].shape, TYPES.FLOAT32)
        self.op(OPERATORS.DEQUANTIZE, [last], out)
        self.first, self.last = first, out

    def bytes(self):
        m, g = tfl.ModelT(), tfl.SubGraphT()
        g.tensors, g.operators, g.inputs, g.outputs, g.name = self.tensors, self.operators, [self.first], [self.last], "main"
        m.version, m.subgraphs, m.buffers, m.operatorCodes, m.description = 3, [g], self.buffers, self.codes, "linquant"
        b = flatbuffers.Builder(1 << 20)
        b.Finish(m.Pack(b), b"TFL3")
        return bytes(b.Output())

    def tensor(self, name, shape, kind, scale=None, zero=0, data=None, axis=0):
        t = tfl.TensorT()
        t.name, t.shape, t.type = name, [int(d) for d in shape], kind
        if scale is not None:
            t.quantization = tfl.QuantizationParametersT()
            t.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            t.quantization.zeroPoint = np.full(len(t.quantization.scale), zero, np.int64)
            t.quantization.quantizedDimension = axis
        t.buffer = 0
        if data is not None:
            b = tfl.BufferT()
            b.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(b)
            t.buffer = len(self.buffers) - 1
        self.tensors.append(t)
        return len(self.tensors) - 1

    def integers(self, data):
        return self.tensor("constant", np.shape(data), TYPES.INT32, data=np.asarray(data, np.int32))

    def op(self, code, inputs, output, options=None, kind=0):
        for k, c in enumerate(self.codes):
            if c.builtinCode == code:
                break
        else:
            c = tfl.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), 1 if code == OPERATORS.RESHAPE else 2
            self.codes.append(c)
            k = len(self.codes) - 1
        o = tfl.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs, o.builtinOptions, o.builtinOptionsType = k, inputs, [output], options, kind
        self.operators.append(o)
        return output

    def like(self, source, shape):
        q = self.tensors[source].quantization
        return self.tensor("value", shape, TYPES.INT8, q.scale, q.zeroPoint[0])

    def shape(self, number):
        return self.tensors[number].shape

    def constant(self, name):
        n = self.source.get(name)
        if n is None or n.op_type != "DequantizeLinear" or n.input[0] not in self.constants:
            raise RuntimeError("%s: only codes are constants of layers" % name)
        return self.constants[n.input[0]], self.constants[n.input[1]]

    def node(self, n):
        op, out = n.op_type, n.output[0]
        given = self.values.get(n.input[0]) if n.input else None
        if op == "QuantizeLinear":
            scale, zero = self.constants[n.input[1]], int(self.constants[n.input[2]]) - 128
            if callable(given):
                self.values[out] = given(scale, zero)
            elif self.tensors[given].type == TYPES.FLOAT32:
                t = self.tensor(out, self.shape(given), TYPES.INT8, scale, zero)
                self.values[out] = self.op(OPERATORS.QUANTIZE, [given], t, tfl.QuantizeOptionsT(), OPTIONS.QuantizeOptions)
            else:
                self.values[out] = given
        elif op == "DequantizeLinear":
            if n.input[0] not in self.constants:
                self.values[out] = given
        elif op in ("Relu", "Clip"):
            # The codes' range ends where a Relu does, or a Clip; where it does not, the layer's own clamp would be needed.
            high = None if op == "Relu" else float(self.constants[n.input[2]])

            def clamped(scale, zero):
                if zero != -128 or high is not None and float(scale) * 255 > high * 1.002:
                    raise RuntimeError("%s: codes go further than the %s" % (n.name, op))
                return given(scale, zero)
            self.values[out] = clamped
        else:
            self.values[out] = self.layer(n, given)

    def padded(self, x, pads, kernel, strides):
        """The tensor and TensorFlow Lite's padding for a window."""
        if not any(pads):
            return x, tfl.Padding.VALID
        if list(strides) == [1, 1] and list(pads) == [k // 2 for k in kernel] * 2 and all(k % 2 for k in kernel):
            return x, tfl.Padding.SAME
        return self.pad(x, [[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]]), tfl.Padding.VALID

    def pad(self, x, pads):
        shape = [d + a + b for d, (a, b) in zip(self.shape(x), pads)]
        return self.op(OPERATORS.PAD, [x, self.integers(pads)], self.like(x, shape), tfl.PadOptionsT(), OPTIONS.PadOptions)

    def layer(self, n, x):
        op, a = n.op_type, {v.name: onnx.helper.get_attribute_value(v) for v in n.attribute}
        if op in ("Conv", "MaxPool"):
            kernel = a.get("kernel_shape") or self.constant(n.input[1])[0].shape[2:]
            pads, strides = list(a.get("pads", [0] * 4)), a.get("strides", [1, 1])
            if a.get("ceil_mode") and any((d + p + q - k) % s for d, p, q, k, s in zip(
                    self.shape(x)[1:3], pads[:2], pads[2:], kernel, strides)):
                raise RuntimeError("%s: windows beyond the end" % n.name)
            size = [(d + p + q - k) // s + 1 for d, p, q, k, s in zip(self.shape(x)[1:3], pads[:2], pads[2:], kernel, strides)]
        if op == "Conv":
            return lambda scale, zero: self.convolution(n, x, pads, strides, a.get("group", 1), size, scale, zero)
        if op == "MaxPool":
            q = self.tensors[x].quantization
            if any(pads) and q.zeroPoint[0] != -128:
                raise RuntimeError("%s: padding of codes below 0" % n.name)
            x, padding = self.padded(x, pads, [0, 0], strides)
            o = tfl.Pool2DOptionsT()
            o.padding, (o.strideH, o.strideW), (o.filterHeight, o.filterWidth) = padding, strides, kernel
            return self.op(OPERATORS.MAX_POOL_2D, [x], self.like(x, [self.batch, *size, self.shape(x)[3]]), o,
                           OPTIONS.Pool2DOptions)
        if op == "GlobalAveragePool":
            def mean(scale, zero):
                o = tfl.ReducerOptionsT()
                o.keepDims = True
                t = self.tensor("value", [self.batch, 1, 1, self.shape(x)[3]], TYPES.INT8, scale, zero)
                return self.op(OPERATORS.MEAN, [x, self.integers([1, 2])], t, o, OPTIONS.ReducerOptions)
            return mean
        if op == "Flatten":
            return self.reshape(x, [self.batch, self.shape(x)[3]])
        if op == "Gemm":
            return lambda scale, zero: self.linear(n, x, scale, zero)
        if op == "Add":
            other = self.values[n.input[1]]

            def add(scale, zero):
                t = self.tensor("value", self.shape(x), TYPES.INT8, scale, zero)
                return self.op(OPERATORS.ADD, [x, other], t, tfl.AddOptionsT(), OPTIONS.AddOptions)
            return add
        if op == "Concat":
            parts = [self.values[i] for i in n.input]

            def concat(scale, zero):
                given = []
                for p in parts:
                    q = self.tensors[p].quantization
                    if q.scale[0] != scale or q.zeroPoint[0] != zero:
                        t = self.tensor("value", self.shape(p), TYPES.INT8, scale, zero)
                        p = self.op(OPERATORS.QUANTIZE, [p], t, tfl.QuantizeOptionsT(), OPTIONS.QuantizeOptions)
                    given.append(p)
                o = tfl.ConcatenationOptionsT()
                o.axis = 3
                shape = [*self.shape(parts[0])[:3], sum(self.shape(p)[3] for p in parts)]
                t = self.tensor("value", shape, TYPES.INT8, scale, zero)
                return self.op(OPERATORS.CONCATENATION, given, t, o, OPTIONS.ConcatenationOptions)
            return concat
        constants = [self.constants[i].tolist() for i in n.input[1:] if i in self.constants]
        if op == "Slice":
            begin, end, steps = [0] * 4, list(self.shape(x)), [1] * 4
            for s, e, axis, step in zip(*constants[:3], constants[3] if len(constants) > 3 else [1] * 4):
                axis = [0, 3, 1, 2][axis]
                begin[axis], end[axis], steps[axis] = s, min(e, end[axis]), step
            shape = [(e - b + s - 1) // s for b, e, s in zip(begin, end, steps)]
            return self.op(OPERATORS.STRIDED_SLICE, [x, self.integers(begin), self.integers(end), self.integers(steps)],
                           self.like(x, shape), tfl.StridedSliceOptionsT(), OPTIONS.StridedSliceOptions)
        if op == "Pad":
            p = constants[0]
            return self.pad(x, [[p[i], p[i + 4]] for i in (0, 2, 3, 1)])
        if op == "Reshape" and len(constants[0]) == 5:
            s, c = self.shape(x), constants[0]
            return self.reshape(x, [*s[:3], c[1], c[2]])
        if op == "Reshape" and len(constants[0]) == 4 and len(self.shape(x)) == 5:
            s = self.shape(x)
            return self.reshape(x, [*s[:3], s[3] * s[4]])
        if op == "Transpose" and list(a["perm"]) == [0, 2, 1, 3, 4]:
            s = self.shape(x)
            return self.op(OPERATORS.TRANSPOSE, [x, self.integers([0, 1, 2, 4, 3])], self.like(x, [*s[:3], s[4], s[3]]),
                           tfl.TransposeOptionsT(), OPTIONS.TransposeOptions)
        raise RuntimeError("%s is not among the layers that were written for LiteRT" % op)

    def reshape(self, x, shape):
        o = tfl.ReshapeOptionsT()
        o.newShape = [int(d) for d in shape]
        return self.op(OPERATORS.RESHAPE, [x, self.integers(shape)], self.like(x, shape), o, OPTIONS.ReshapeOptions)

    def bias(self, n):
        codes, scales = self.constant(n.input[2])
        return self.tensor("bias", codes.shape, TYPES.INT32, scales, data=codes.astype(np.int32))

    def convolution(self, n, x, pads, strides, groups, size, scale, zero):
        w, scales = self.constant(n.input[1])
        x, padding = self.padded(x, pads, w.shape[2:], strides)
        depthwise = groups > 1
        if depthwise and (groups != w.shape[0] or w.shape[1] != 1):
            raise RuntimeError("%s: a convolution in groups" % n.name)
        w = w.transpose(1, 2, 3, 0) if depthwise else w.transpose(0, 2, 3, 1)
        weights = self.tensor("weights", w.shape, TYPES.INT8, scales, data=w, axis=3 if depthwise else 0)
        o = tfl.DepthwiseConv2DOptionsT() if depthwise else tfl.Conv2DOptionsT()
        o.padding, (o.strideH, o.strideW) = padding, strides
        if depthwise:
            o.depthMultiplier = 1
        t = self.tensor("value", [self.batch, *size, w.shape[3] if depthwise else w.shape[0]], TYPES.INT8, scale, zero)
        code = OPERATORS.DEPTHWISE_CONV_2D if depthwise else OPERATORS.CONV_2D
        return self.op(code, [x, weights, self.bias(n)], t, o,
                       OPTIONS.DepthwiseConv2DOptions if depthwise else OPTIONS.Conv2DOptions)

    def linear(self, n, x, scale, zero):
        w, scales = self.constant(n.input[1])
        if not any(v.name == "transB" and v.i for v in n.attribute):
            w = w.T
        weights = self.tensor("weights", w.shape, TYPES.INT8, scales, data=w)
        t = self.tensor("value", [self.batch, w.shape[0]], TYPES.INT8, scale, zero)
        return self.op(OPERATORS.FULLY_CONNECTED, [x, weights, self.bias(n)], t, tfl.FullyConnectedOptionsT(),
                       OPTIONS.FullyConnectedOptions)
