#!/usr/bin/env python3
"""Computes math.json: what the operators of mathematics must give, by ONNX Runtime.

    make_math.py            writes math.json beside this file
    make_math.py --check    computes it again and exits 1 if the file differs by more than rounding

Needs onnx, onnxruntime (1.22 or later) and numpy. The cases have the form of make_operators.py.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from make_operators import kinds, value

OPSET = 23  # Swish is one later, and the same as x times Sigmoid

# What is an attribute in package graph and an input in ONNX: by operator, the inputs behind the first.
AS_INPUTS = {
    "Resize": [("roi", np.float32), ("scales", np.float32), ("sizes", np.int64)],
    **{f"Reduce{r}": [("axes", np.int64)] for r in
       ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]},
}


def run(op, inputs, attrs):
    names, feeds, infos, initializers, rest = [], {}, [], [], dict(attrs)
    for i, x in enumerate(inputs):
        names.append(f"x{i}")
        feeds[f"x{i}"] = x
        infos.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, x.shape))
    for name, dtype in AS_INPUTS.get(op, []):
        names.append("")
        if name in rest or name == "roi":
            names[-1] = name
            initializers.append(numpy_helper.from_array(np.array(rest.pop(name, []), dtype=dtype), name))
    while not names[-1]:
        names.pop()
    if op == "Swish":
        alpha = numpy_helper.from_array(np.array(rest.get("alpha", 1), np.float32), "alpha")
        initializers.append(alpha)
        nodes = [helper.make_node("Mul", ["x0", "alpha"], ["a"]), helper.make_node("Sigmoid", ["a"], ["b"]),
                 helper.make_node("Mul", ["x0", "b"], ["y"])]
    else:
        nodes = [helper.make_node(op, names, ["y"], **rest)]
    opset = 12 if rest.get("coordinate_transformation_mode") == "tf_half_pixel_for_nn" else OPSET
    graph = helper.make_graph(nodes, "g", infos, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def case(name, op, shapes, low=None, **attrs):
    inputs = [value(s, 11 * i + 1, (low or {}).get(i, -128)) for i, s in enumerate(shapes)]
    y = run(op, inputs, attrs)
    typed = {k: {"fs": v} if isinstance(v, list) and isinstance(v[0], float) else t
             for (k, v), t in zip(attrs.items(), kinds(attrs).values())}
    return {
        "name": name, "op": op, "attrs": typed, "inputs": shapes, "low": {str(k): v for k, v in (low or {}).items()},
        "shape": list(y.shape), "want": [float(f"{v:.8g}") for v in y.flatten().tolist()],
    }


def unary():
    one = lambda op, name="", low=-128, **attrs: case(f"{op} {name}".strip(), op, [[2, 40]], {0: low} if low != -128 else None, **attrs)
    anywhere = ["Abs", "Ceil", "Erf", "Exp", "Floor", "Mish", "Neg", "Reciprocal", "Round", "Sign", "Softplus", "Softsign", "Tanh"]
    cases = [one(op) for op in anywhere]
    cases += [one(op, low=1) for op in ["Log", "Sqrt"]]
    cases += [one("Round", "halves", low=-96), one("Exp", "far", low=-1280), one("Tanh", "far", low=192),
              one("Log", "far", low=64 * 700), one("Softplus", "far", low=64 * 20), one("Softplus", "far below", low=-64 * 24)]
    for op in ["Celu", "Elu", "Swish", "ThresholdedRelu"]:
        cases += [one(op), one(op, "alpha", alpha=0.4)]
    return cases + [one("Selu"), one("Selu", "alpha", alpha=0.5, gamma=2.0), one("Gelu"), one("Gelu", "tanh", approximate="tanh")]


def pairs():
    cases = []
    for op in ["Sub", "Div", "Max", "Min"]:
        cases += [case(op, op, [[2, 3, 4], [2, 3, 4]], low={1: 8}), case(op + " broadcast", op, [[2, 3, 2, 2], [3, 1, 1]], low={1: -260})]
    cases += [
        case("Sub from a scalar", "Sub", [[2, 3], []]),
        case("Sub outer", "Sub", [[2, 1, 3], [1, 4, 1]]),
        case("Pow", "Pow", [[2, 3, 4], [2, 3, 4]], low={0: 8}),
        case("Pow outer", "Pow", [[2, 1, 3], [4, 1]], low={0: 32}),
        case("PRelu", "PRelu", [[2, 3, 2, 2], [3, 1, 1]]),
        case("PRelu of one slope", "PRelu", [[2, 3, 2], [1]]),
        case("PRelu of a vector", "PRelu", [[2, 5], [5]]),
    ]
    return cases


def reductions():
    cases = []
    for op in ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]:
        low = {0: 8} if op == "LogSum" else {0: -64}
        cases += [
            case(f"Reduce{op} last", f"Reduce{op}", [[2, 3, 5]], low=low, axes=[-1]),
            case(f"Reduce{op} inner", f"Reduce{op}", [[2, 3, 2, 4]], low=low, axes=[1, 2], keepdims=0),
        ]
    return cases + [
        case("ReduceSum of everything", "ReduceSum", [[2, 3, 2]], keepdims=0),
        case("ReduceMean of everything", "ReduceMean", [[2, 3, 2]]),
        case("ReduceSum of nothing", "ReduceSum", [[2, 3, 2]], noop_with_empty_axes=1),
        case("ReduceMax over channels", "ReduceMax", [[2, 3, 2, 2]], axes=[1]),
    ]


def norms():
    return [
        case("LogSoftmax", "LogSoftmax", [[3, 10]]),
        case("LogSoftmax axis 1", "LogSoftmax", [[2, 3, 4]], axis=1),
        case("GlobalMaxPool", "GlobalMaxPool", [[2, 3, 4, 5]]),
        case("LayerNormalization", "LayerNormalization", [[2, 3, 8], [8], [8]]),
        case("LayerNormalization axis 1", "LayerNormalization", [[2, 3, 4], [3, 4], [3, 4]], axis=1, epsilon=0.01),
        case("LayerNormalization without bias", "LayerNormalization", [[2, 3, 8], [8]]),
        case("RMSNormalization", "RMSNormalization", [[2, 3, 8], [8]], epsilon=0.001),
        case("InstanceNormalization", "InstanceNormalization", [[2, 3, 4, 5], [3], [3]]),
        case("InstanceNormalization of rank 3", "InstanceNormalization", [[2, 3, 7], [3], [3]], epsilon=0.1),
        case("GroupNormalization", "GroupNormalization", [[2, 4, 3, 2], [4], [4]], num_groups=2),
    ]


def resizes():
    cases, image = [], [1, 2, 4, 3]
    resize = lambda name, shape, **attrs: case("Resize " + name, "Resize", [shape], **attrs)
    modes = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"]
    for coordinates in modes:
        for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
            attrs = {"coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
            smaller = [1.0, 1.0, 0.6, 0.45]
            if coordinates == "tf_half_pixel_for_nn":
                smaller[2] = 0.55  # with 0.6 a coordinate is half a unit of float32 from a tie
            cases += [resize(f"nearest {coordinates} {nearest}", [1, 1, 4, 3], scales=[1.0, 1.0, 1.6, 2.5], **attrs),
                      resize(f"nearest smaller {coordinates} {nearest}", [1, 1, 9, 7], scales=smaller, **attrs)]
        for mode in ["linear", "cubic"]:
            if coordinates == "tf_half_pixel_for_nn":
                continue
            attrs = {"coordinate_transformation_mode": coordinates, "mode": mode}
            cases += [resize(f"{mode} {coordinates}", image, scales=[1.0, 1.0, 1.6, 2.5], **attrs),
                      resize(f"{mode} smaller {coordinates}", [1, 2, 9, 7], scales=[1.0, 1.0, 0.6, 0.45], **attrs)]
    for mode in ["nearest", "linear", "cubic"]:
        cases += [resize(f"{mode} to sizes", image, sizes=[1, 2, 7, 5], mode=mode),
                  resize(f"{mode} to one", image, sizes=[1, 2, 1, 1], mode=mode, coordinate_transformation_mode="pytorch_half_pixel")]
    for mode in ["nearest", "linear"]:
        cases.append(resize(f"{mode} of a part", image, sizes=[1, 2, 5, 6], mode=mode,
                            coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=9.0,
                            roi=[0.0, 0.0, 0.2, -0.3, 1.0, 1.0, 0.9, 0.8]))
    for mode in ["linear", "cubic"]:
        cases += [resize(f"{mode} antialias", [1, 1, 9, 7], scales=[1.0, 1.0, 0.6, 0.45], mode=mode, antialias=1)]
    return cases + [
        resize("cubic excluding", image, scales=[1.0, 1.0, 1.6, 2.5], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5),
        resize("linear of a channel", [2, 1, 3, 4], scales=[1.0, 1.0, 2.0, 2.0], mode="linear"),
    ]


def main():
    path = pathlib.Path(__file__).with_name("math.json")
    made = unary() + pairs() + reductions() + norms() + resizes()
    if "--check" not in sys.argv[1:]:
        path.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in made) + "\n]\n")
        return
    stored = json.loads(path.read_text())
    if len(stored) != len(made):
        sys.exit(f"{path}: {len(stored)} cases, not {len(made)}")
    for a, b in zip(stored, made):
        want_a, want_b = a.pop("want"), b.pop("want")
        if json.loads(json.dumps(b)) != a or not np.allclose(want_a, want_b, rtol=1e-5, atol=1e-5, equal_nan=True):
            sys.exit(f"{path}: {a['name']} differs")


if __name__ == "__main__":
    main()
