"""Writes bilinear.json: what ONNX Runtime's linear Resize of pictures makes, in the bits of float32.

Run with onnx, onnxruntime (1.32) and numpy: python make_bilinear.py > bilinear.json
"""

import json

import numpy as np
import onnxruntime as ort
from onnx import TensorProto as T, helper as h

f = np.float32
rng = np.random.default_rng(11)
cases = []
for coordinates in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"):
    for (height, width), scales in (((3, 4), (2, 2)), ((5, 3), (1.7, 2.3)), ((7, 6), (0.55, 0.4)), ((1, 4), (3, 2)), ((4, 6), (0.5, 3))):
        node = h.make_node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode=coordinates)
        g = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, [1, 2, height, width]),
                                       h.make_tensor_value_info("s", T.FLOAT, [4])],
                         [h.make_tensor_value_info("y", T.FLOAT, None)])
        s = ort.InferenceSession(h.make_model(g, opset_imports=[h.make_opsetid("", 19)], ir_version=9).SerializeToString(),
                                 providers=["CPUExecutionProvider"])
        x = rng.standard_normal((1, 2, height, width)).astype(f)
        y = s.run(None, {"x": x, "s": np.array([1, 1, *scales], f)})[0]
        bits = lambda a: [int(v) for v in a.ravel().view(np.uint32)]
        cases.append({"Shape": list(x.shape), "Scales": [float(f(v)) for v in (1, 1, *scales)], "Coordinates": coordinates,
                      "X": bits(x), "Y": bits(y)})
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
