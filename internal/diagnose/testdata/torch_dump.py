"""Writes what PyTorch makes of net.onnx: torch_dump.py ENGINE x.npz dump.npz, with the engine qnnpack or onednn.

The dump has x, q, conv, max and, as far as PyTorch has them in integers, relu and sum. Needs torch, numpy and onnx.
"""

import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper

engine, source, target = sys.argv[1:]
if engine not in torch.backends.quantized.supported_engines:
    sys.exit(f"PyTorch has no engine {engine} here")
torch.backends.quantized.engine = engine
model = onnx.load("net.onnx")
init = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}


def parameters(name):
    return float(init[name + ".s"]), int(init[name + ".z"])


x = torch.from_numpy(np.load(source)["x"])
q = torch.quantize_per_tensor(x, *parameters("q"), torch.quint8)
weight = torch._make_per_channel_quantized_tensor(
    torch.from_numpy(init["w"].copy()), torch.from_numpy(init["w.s"].astype(np.float64)),
    torch.from_numpy(init["w.z"].astype(np.int64)), 0)
bias = torch.from_numpy(init["b"].astype(np.float32) * init["b.s"])
packed = torch.ops.quantized.conv2d_prepack(weight, bias, [1, 1], [1, 1], [1, 1], 1)
conv = torch.ops.quantized.conv2d(q, packed, *parameters("conv"))
relu = torch.relu(conv)
pool = torch.nn.functional.avg_pool2d(relu, 2, 2, 1, count_include_pad=False)
most = torch.nn.functional.max_pool2d(q, 2, 2, 1)
total = torch.ops.quantized.add(pool, most, *parameters("sum"))
values = {"q": q, "conv": conv, "relu": relu, "pool": pool, "max": most, "sum": total}
np.savez(target, x=x.numpy(), **{name: np.ascontiguousarray(v.int_repr().numpy()) for name, v in values.items()})
