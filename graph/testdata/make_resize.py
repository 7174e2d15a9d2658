"""Writes resize.json: which element ONNX Runtime's nearest Resize takes, where coordinates lie next to the middle between two.

Run with onnx, onnxruntime (1.32) and numpy: python make_resize.py > resize.json
"""

import json

import numpy as np
import onnxruntime as ort
from onnx import TensorProto as T, helper as h

f = np.float32
cases = []


def session(n, coordinates, nearest):
    node = h.make_node("Resize", ["x", "", "s"], ["y"], mode="nearest", nearest_mode=nearest,
                       coordinate_transformation_mode=coordinates)
    g = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, n]), h.make_tensor_value_info("s", T.FLOAT, [2])],
                     [h.make_tensor_value_info("y", T.FLOAT, None)])
    return ort.InferenceSession(h.make_model(g, opset_imports=[h.make_opsetid("", 19)], ir_version=9).SerializeToString(),
                                providers=["CPUExecutionProvider"])


for coordinates, lengths, scales in (
    ("half_pixel_symmetric", (6, 12), (1.6125, 0.5445517897605896, 0.5286923050880432, 0.8691729307174683, 2.9878039360046387, 2.9833474159240723)),
    ("half_pixel", (5, 7), (0.75, 1.75, 0.8333333, 1.5)),
    ("asymmetric", (3, 9), (2, 6, 3.3333333, 0.6666667)),
    ("align_corners", (3, 6), (1.9558311700820923, 1.9642596244812012)),
):
    for nearest in ("round_prefer_ceil", "round_prefer_floor", "floor", "ceil"):
        for n in lengths:
            s = session(n, coordinates, nearest)
            for scale in scales:
                for k in (-2, 0, 2):
                    v = f(f(scale) + k * np.spacing(f(scale)))
                    y = s.run(None, {"x": np.arange(n, dtype=f)[None], "s": np.array([1, v], f)})[0].ravel()
                    if len(y) != n:  # else it copies
                        cases.append({"In": n, "Scale": int(v.view(np.uint32)), "Coordinates": coordinates, "Nearest": nearest,
                                      "Y": [int(i) for i in y]})

print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
