"""Makes a PyTorch module of a float ONNX file, and quantizes it with PyTorch's own FX quantization.

PyTorch reads no ONNX files. The module has the file's weights; the integer one has codes of PyTorch's choice for them and
for its activations, calibrated on the same images (x86: activations of 7 bits, so that nothing saturates).
"""
import operator

import onnx
import torch
from onnx import numpy_helper
from torch import fx, nn
from torch.nn import functional as F


def module(path):
    graph = onnx.load(path).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for n in graph.node:
        if n.op_type == "Constant":
            constants[n.output[0]] = numpy_helper.to_array(n.attribute[0].t)
    root, g = nn.Module(), fx.Graph()
    values = {graph.input[0].name: g.placeholder("x")}

    def layer(m):
        name = "layer%d" % len(list(root.children()))
        root.add_module(name, m)
        return name

    def tensor(name):
        return torch.tensor(constants[name])

    for n in graph.node:
        a = {x.name: onnx.helper.get_attribute_value(x) for x in n.attribute}
        x = values.get(n.input[0]) if n.input else None
        op = n.op_type
        if op == "Constant":
            continue
        if op in ("Conv", "MaxPool") and a.get("pads", [0] * 4)[:2] != a.get("pads", [0] * 4)[2:]:
            raise RuntimeError("%s has other padding at its end" % n.name)
        if op == "Conv":
            w = tensor(n.input[1])
            m = nn.Conv2d(w.shape[1] * a.get("group", 1), w.shape[0], w.shape[2:], a.get("strides", [1, 1]),
                          a.get("pads", [0] * 4)[:2], groups=a.get("group", 1), bias=len(n.input) > 2)
            m.weight.data = w
            if len(n.input) > 2:
                m.bias.data = tensor(n.input[2])
            y = g.call_module(layer(m), (x,))
        elif op == "Gemm":
            w = tensor(n.input[1])
            w = w if a.get("transB", 0) else w.T.contiguous()
            m = nn.Linear(w.shape[1], w.shape[0])
            m.weight.data, m.bias.data = w, tensor(n.input[2])
            y = g.call_module(layer(m), (x,))
        elif op == "MaxPool":
            y = g.call_module(layer(nn.MaxPool2d(a["kernel_shape"], a.get("strides", [1, 1]), a.get("pads", [0] * 4)[:2],
                                                 ceil_mode=bool(a.get("ceil_mode", 0)))), (x,))
        elif op == "GlobalAveragePool":
            y = g.call_module(layer(nn.AdaptiveAvgPool2d(1)), (x,))
        elif op == "Relu":
            y = g.call_module(layer(nn.ReLU()), (x,))
        elif op == "Clip":
            low, high = float(constants[n.input[1]]), float(constants[n.input[2]])
            y = g.call_module(layer(nn.ReLU6() if (low, high) == (0, 6) else nn.Hardtanh(low, high)), (x,))
        elif op == "HardSwish":
            y = g.call_module(layer(nn.Hardswish()), (x,))
        elif op == "HardSigmoid":
            y = g.call_module(layer(nn.Hardsigmoid()), (x,))
        elif op in ("Add", "Mul") and all(i in values for i in n.input):
            y = g.call_function(operator.add if op == "Add" else operator.mul, tuple(values[i] for i in n.input))
        elif op == "Concat":
            y = g.call_function(torch.cat, ([values[i] for i in n.input], a["axis"]))
        elif op == "Flatten":
            y = g.call_function(torch.flatten, (x, a.get("axis", 1)))
        elif op == "Reshape":
            y = g.call_method("reshape", (x, *constants[n.input[1]].tolist()))
        elif op == "Transpose":
            y = g.call_method("permute", (x, *a["perm"]))
        elif op == "Slice":
            steps = constants[n.input[4]].tolist() if len(n.input) > 4 else [1] * len(constants[n.input[3]])
            index = [slice(None)] * 4
            for start, end, axis, step in zip(*(constants[i].tolist() for i in n.input[1:4]), steps):
                index[axis] = slice(start, end if end < 1 << 31 else None, step)
            y = g.call_function(operator.getitem, (x, tuple(index)))
        elif op == "Pad":
            p = constants[n.input[1]].tolist()
            half = len(p) // 2
            y = g.call_function(F.pad, (x, [v for i in reversed(range(half)) for v in (p[i], p[half + i])]))
        else:
            raise RuntimeError("%s is not among the layers that were built for PyTorch" % op)
        values[n.output[0]] = y
    g.output(values[graph.output[0].name])
    return fx.GraphModule(root, g).eval()


def quantized(m, images):
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    torch.backends.quantized.engine = "x86"
    prepared = prepare_fx(m, get_default_qconfig_mapping("x86"), (images[:1],))
    with torch.no_grad():
        prepared(images)
    return convert_fx(prepared)
