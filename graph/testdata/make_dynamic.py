#!/usr/bin/env python3
"""What ONNX Runtime's DynamicQuantizeLinear makes of some vectors.

    make_dynamic.py            write dynamic.json beside this script
    make_dynamic.py --check    fail unless that is what it has

Needs the Python packages onnxruntime, onnx and numpy.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).resolve().parent


def session():
    values = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    g = helper.make_graph(
        [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"])], "dynamic",
        [values("x", TensorProto.FLOAT, [None])],
        [values("q", TensorProto.UINT8, [None]), values("scale", TensorProto.FLOAT, []), values("zero", TensorProto.UINT8, [])])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)])
    m.ir_version = 8
    return ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])


def vectors():
    yield [0.0, 0.0]
    yield [-0.0]
    yield [1e-38, 0.0]  # a scale that is subnormal
    yield [1e-40, -1e-40, 5e-41]
    yield [-1.0, -2.0]
    yield [1.0, 2.0]
    yield [0.5, -127.5, 127.5]  # ties
    yield [1.5, 2.5, -0.5, 254.0, -1.0]
    yield [3.0, -2.0, float("nan")]
    rng = np.random.default_rng(5)
    for i in range(60):
        x = rng.standard_normal(rng.integers(1, 12)) * 10.0 ** rng.uniform(-5, 5)
        if i % 3 == 0:
            x = np.abs(x)
        if i % 4 == 0:
            x = np.round(x * 4) / 4
        yield x.astype(np.float32).tolist()


def main(args):
    s, cases = session(), []
    for x in vectors():
        q, scale, zero = s.run(None, {"x": np.array(x, np.float32)})
        bits = np.array(x, np.float32).view(np.uint32)
        cases.append({"x": bits.tolist(), "codes": q.tolist(), "scale": int(scale.view(np.uint32)), "zero": int(zero)})
    text = json.dumps(cases).replace("}, {", "},\n{") + "\n"
    path = HERE / "dynamic.json"
    if args == ["--check"]:
        assert path.read_text() == text, f"{path} differs"
    elif not args:
        path.write_text(text)
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
