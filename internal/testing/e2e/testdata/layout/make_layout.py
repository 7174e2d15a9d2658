"""Networks that reshape their input and then take elements as they lie, and what ONNX Runtime computes of them.

    python make_layout.py    # onnx 1.23, onnxruntime 1.32

Writes NAME.onnx for each, and layout.json: for every name the input x and the output y, two examples one after the other.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

BATCH = 2
rng = np.random.default_rng(10)


class Net:
    def __init__(self, shape, dtype=np.float32):
        self.shape, self.dtype, self.nodes, self.constants, self.last = shape, dtype, [], [], "x"

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape):
        return self.constant(rng.normal(0, 0.5, shape).astype(np.float32))

    def add(self, op, *inputs, of=None, **attributes):
        """A node of the last value, or of `of`, and constants or names."""
        names = [of or self.last] + [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.last = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [self.last], **attributes))
        return self.last

    def reshape(self, *shape):
        return self.add("Reshape", np.array(shape, np.int64))

    def gemm(self, depth, width):
        self.add("Flatten")
        return self.add("Gemm", self.weight(depth, width), self.weight(width))

    def codes(self, scale, zero):
        """Quantizes and dequantizes the last value."""
        s, z = self.constant(np.float32(scale)), self.constant(np.uint8(zero))
        self.add("QuantizeLinear", s, z)
        return self.add("DequantizeLinear", s, z)

    def save(self, name):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info("x", kind, ["N", *self.shape])],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)], self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, pathlib.Path(__file__).parent / f"{name}.onnx")
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", "1")
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        if self.dtype == np.uint8:
            x = rng.integers(0, 256, (BATCH, *self.shape), np.uint8)
        else:
            x = rng.normal(0, 1, (BATCH, *self.shape)).astype(np.float32)
        y = session.run(None, {"x": x})[0]
        return {"x": x.ravel().tolist(), "y": [float(v) for v in y.ravel()]}


def networks():
    n = Net((16,))
    n.reshape(0, 2, 2, 4), n.add("Tanh"), n.gemm(16, 3)
    yield "flat_input", n

    n = Net((5, 12))  # tokens -> heads -> scale -> scores -> Softmax
    n.reshape(0, 5, 3, 4)
    heads = n.add("Mul", np.float32(0.7))
    query = n.add("Transpose", perm=[0, 2, 1, 3])
    n.add("Transpose", of=heads, perm=[0, 2, 3, 1])
    n.add("MatMul", n.last, of=query), n.add("Softmax", axis=-1), n.add("MatMul", query)
    n.add("Transpose", perm=[0, 2, 1, 3]), n.reshape(0, 5, 12)
    yield "attention", n

    n = Net((24,))
    n.reshape(0, 2, 3, 4), n.add("LayerNormalization", n.weight(4), n.weight(4), axis=-1), n.gemm(24, 3)
    yield "layer_norm", n

    n = Net((18,))
    n.reshape(0, 2, 3, 3), n.add("Relu"), n.add("ConvTranspose", n.weight(2, 3, 3, 3), n.weight(3), strides=[2, 2])
    yield "conv_transpose", n

    n = Net((24,))
    split = n.reshape(0, 2, 3, 4)
    n.add("Sigmoid"), n.add("Add", split), n.gemm(24, 3)
    yield "residual", n

    n = Net((24,))
    split = n.reshape(0, 2, 3, 4)
    n.add("Slice", np.array([1], np.int64), np.array([4], np.int64), np.array([3], np.int64))
    n.add("Concat", split, axis=3), n.add("Softmax", axis=1), n.gemm(42, 3)
    yield "slice_concat", n

    n = Net((24,))
    n.reshape(0, 2, 3, 4), n.add("Mul", n.weight(2, 1, 1)), n.add("Elu")
    yield "output", n

    n = Net((2, 3, 4))
    n.reshape(0, 4, 2, 3), n.add("Neg"), n.add("ReduceMean", axes=[1])
    yield "picture", n

    n = Net((24,))
    n.reshape(0, 2, 3, 4), n.add("Tanh"), n.codes(1 / 128, 128), n.add("Sigmoid"), n.codes(1 / 256, 0), n.gemm(24, 3)
    yield "tables", n

    n = Net((24,))
    n.reshape(0, 2, 3, 4), n.add("Abs"), n.codes(1 / 64, 0), n.add("Mul", n.weight(2, 1, 1)), n.codes(1 / 32, 128)
    n.gemm(24, 3)
    yield "tables_by_channel", n

    n = Net((24,), np.uint8)
    n.add("DequantizeLinear", np.float32(1 / 64), np.uint8(130)), n.reshape(0, 2, 3, 4), n.add("Tanh"), n.gemm(24, 3)
    yield "uint8_input", n


if __name__ == "__main__":
    cases = {name: net.save(name) for name, net in networks()}
    path = pathlib.Path(__file__).parent / "layout.json"
    path.write_text(json.dumps(cases, separators=(",", ":")).replace('},"', '},\n"') + "\n")
