"""A float ONNX file of linquant as a PyTorch module, for tools that want one."""
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F


class Network(torch.nn.Module):
    """Computes the nodes of a graph in their order; layers are modules, by the names of their nodes."""

    def __init__(self, model):
        super().__init__()
        constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
        self.constants, self.nodes, self.names = constants, model.graph.node, {}
        self.input, self.output = model.graph.input[0].name, model.graph.output[0].name
        for n in model.graph.node:
            a = {x.name: helper.get_attribute_value(x) for x in n.attribute}
            if n.op_type == "Conv":
                w = constants[n.input[1]]
                top, left, bottom, right = a.get("pads", [0] * 4)
                assert (top, left) == (bottom, right), n.name
                m = torch.nn.Conv2d(w.shape[1] * a.get("group", 1), w.shape[0], w.shape[2:], a.get("strides", 1), (top, left),
                                    a.get("dilations", 1), a.get("group", 1))
            elif n.op_type == "Gemm":
                w = constants[n.input[1]] if a.get("transB") else constants[n.input[1]].T
                m = torch.nn.Linear(w.shape[1], w.shape[0])
            else:
                continue
            m.weight.data, m.bias.data = w.clone(), constants[n.input[2]].clone()
            self.names[n.name] = n.name.replace(".", "/")
            self.add_module(self.names[n.name], m)

    def forward(self, x):
        values = {**self.constants, self.input: x}
        for n in self.nodes:
            a = {k.name: helper.get_attribute_value(k) for k in n.attribute}
            v = [values[i] for i in n.input if i]
            if n.name in self.names:
                y = getattr(self, self.names[n.name])(v[0])
            else:
                y = OPERATORS[n.op_type](a, *v)
            values[n.output[0]] = y
        return values[self.output]


def pad(a, x, pads, fill=torch.tensor(0.0)):
    rank = len(pads) // 2
    return F.pad(x, [int(pads[k + s * rank]) for k in reversed(range(rank)) for s in (0, 1)], value=float(fill))


def cut(a, x, starts, ends, axes, steps):
    where = [slice(None)] * x.dim()
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist()):
        where[axis] = slice(start, end, step)
    return x[tuple(where)]


OPERATORS = {
    "Relu": lambda a, x: F.relu(x),
    "Clip": lambda a, x, low, high: torch.clamp(x, float(low), float(high)),
    "Add": lambda a, x, y: x + y,
    "Slice": cut,
    "Pad": pad,
    "MaxPool": lambda a, x: F.max_pool2d(x, a["kernel_shape"], a.get("strides")),
    "AveragePool": lambda a, x: F.avg_pool2d(x, a["kernel_shape"], a.get("strides")),
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
}
