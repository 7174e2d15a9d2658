"""Block-wise reconstruction with gradients (BRECQ, and QDrop's mixed inputs), in PyTorch; linquant's engine counts.

    python brecq.py NETWORK --data DIR --bits 2 --steps 5000 --drop 0.5

Each block, up to where the network is one value again, learns for each weight whether it is rounded up or down (AdaRound's
rectified sigmoid) and its biases, so that it makes of what the quantized network before it computes what the float one makes.
Scales are of least squared error for each output channel; first and last layer have 8 bits. Activations are reals while blocks learn.
"""
import argparse
import math
import os
import time

import torch
from onnx import helper
from torch.nn import functional as F

import common
from network import OPERATORS, Network

GAMMA, ZETA = -0.1, 1.1  # of AdaRound's rectified sigmoid


def scales(w, bits):
    """Returns a scale for each output channel, of a grid the one of least squared error."""
    rows = w.flatten(1)
    low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    most = rows.abs().amax(1).clamp_min(1e-12)
    best, least = None, torch.full_like(most, math.inf)
    for k in range(20, 121):
        s = most * k / 100 / 2 ** (bits - 1)
        e = ((rows / s[:, None]).round().clamp(low, high) * s[:, None] - rows).square().sum(1)
        best = s.clone() if best is None else torch.where(e < least, s, best)
        least = torch.minimum(e, least)
    return best


class Rounded(torch.nn.Module):
    """A layer whose weights are codes times scales; which codes, is learned until fix is called."""

    def __init__(self, layer, bits):
        super().__init__()
        self.layer, self.bits = layer, bits
        self.low, self.high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        w = layer.weight.data
        self.scale = scales(w, bits).reshape(-1, *[1] * (w.dim() - 1))
        self.floor = (w / self.scale).floor()
        rest = (w / self.scale - self.floor).clamp(1e-3, 1 - 1e-3)
        self.alpha = torch.nn.Parameter(torch.logit((rest - GAMMA) / (ZETA - GAMMA)))
        self.bias = torch.nn.Parameter(layer.bias.data.clone())
        self.fixed = None

    def up(self):
        return (torch.sigmoid(self.alpha) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)

    def fix(self):
        self.fixed = (self.floor + (self.up() >= 0.5)).clamp(self.low, self.high).detach()

    def weight(self):
        codes = self.fixed if self.fixed is not None else (self.floor + self.up()).clamp(self.low, self.high)
        return codes * self.scale

    def forward(self, x):
        if isinstance(self.layer, torch.nn.Linear):
            return F.linear(x, self.weight(), self.bias)
        m = self.layer
        return F.conv2d(x, self.weight(), self.bias, m.stride, m.padding, m.dilation, m.groups)


def blocks(net):
    """Returns runs of nodes, each from one value to the next that alone is read behind it, not to be followed by a Relu."""
    last = {}
    for i, n in enumerate(net.nodes):
        for v in n.input:
            last[v] = i
    made, runs, run = {net.input}, [], []
    for i, n in enumerate(net.nodes):
        run.append(n)
        made.update(n.output)
        live = [v for v in made if last.get(v, -1) > i]
        after = net.nodes[i + 1].op_type if i + 1 < len(net.nodes) else ""
        layers = any(m.name in net.names for m in run)
        if live == list(n.output) and layers and after not in ("Relu", "Clip") or not after:
            runs.append(run)
            run = []
    return runs


def compute(net, nodes, layers, name, x):
    """Computes nodes of a value; layers replaces some by name."""
    values = {**net.constants, name: x}
    for n in nodes:
        v = [values[i] for i in n.input if i]
        if n.name in net.names:
            y = layers.get(n.name, getattr(net, net.names[n.name]))(v[0])
        else:
            y = OPERATORS[n.op_type]({k.name: helper.get_attribute_value(k) for k in n.attribute}, *v)
        values[n.output[0]] = y
    return y


def learn(net, nodes, layers, name, x, quantized, target, a):
    """Learns the layers of a block from inputs of both networks and what the float one makes of its own."""
    rounding = torch.optim.Adam([m.alpha for m in layers.values()], a.rate)
    biases = torch.optim.Adam([m.bias for m in layers.values()], 1e-4)
    generator = torch.Generator().manual_seed(0)
    for step in range(a.steps):
        pick = torch.randint(len(x), (a.batch,), generator=generator)
        inputs = quantized[pick]
        if a.drop:
            inputs = torch.where(torch.rand(inputs.shape, generator=generator) < a.drop, x[pick], inputs)
        y = compute(net, nodes, layers, name, inputs)
        loss = (y - target[pick]).square().sum(1).mean()
        done = (step / a.steps - 0.2) / 0.8
        if done > 0:
            beta = 2 + 18 * (1 + math.cos(math.pi * done)) / 2
            loss = loss + a.weight * sum((1 - (2 * m.up() - 1).abs().pow(beta)).sum() for m in layers.values())
        rounding.zero_grad()
        biases.zero_grad()
        loss.backward()
        rounding.step()
        biases.step()


@torch.no_grad()
def batched(f, x):
    return torch.cat([f(part) for part in x.split(64)])


def reconstruct(net, bits, x, a):
    """Returns the layers in their order, with fixed codes."""
    edges = [n.name for n in net.nodes if n.name in net.names]
    edges = {edges[0], edges[-1]}
    done, name, quantized = {}, net.input, x
    for nodes in blocks(net):
        target = batched(lambda v: compute(net, nodes, {}, name, v), x)
        layers = {n.name: Rounded(getattr(net, net.names[n.name]), 8 if n.name in edges else bits)
                  for n in nodes if n.name in net.names}
        if layers:
            learn(net, nodes, layers, name, x, quantized, target, a)
        for m in layers.values():
            m.fix()
        quantized = batched(lambda v: compute(net, nodes, layers, name, v), quantized)
        noise = (quantized - target).square().sum() / target.square().sum()
        print(f"  {', '.join(layers)}: {-10 * math.log10(noise):.1f} dB", flush=True)
        done.update(layers)
        name, x = nodes[-1].output[0], target
    return done


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("network")
    p.add_argument("--data", required=True, help="folder of CIFAR-10's binary files")
    p.add_argument("--bits", type=int, default=2, help="of weights")
    p.add_argument("--steps", type=int, default=20000, help="for each block")
    p.add_argument("--rate", type=float, default=1e-3, help="of learning to round")
    p.add_argument("--batch", type=int, default=32, help="images of a step")
    p.add_argument("--weight", type=float, default=0.01, help="of the term that makes roundings definite")
    p.add_argument("--drop", type=float, default=0, help="part of inputs that are the float network's: 0 for BRECQ, 0.5 for QDrop")
    p.add_argument("--images", type=int, default=common.CALIBRATION, help="of the training set, the first")
    p.add_argument("--work", default=".", help="folder for the files that are made")
    a = p.parse_args()
    name = os.path.basename(a.network).split("-")[0].split(".")[0]
    onnx_model = common.export(a.network, os.path.join(a.work, f"brecq-{name}.onnx"))
    x = torch.from_numpy(common.training(a.data, onnx_model, a.images))
    torch.manual_seed(0)
    net = Network(onnx_model).eval()
    for q in net.parameters():
        q.requires_grad_(False)
    start = time.time()
    made = reconstruct(net, a.bits, x, a)
    took = time.time() - start
    ours = os.path.join(a.work, f"brecq-{name}-w{a.bits}.onnx")
    common.quantize(a.network, ours, a.data, a.bits, 8, "--weights", "nearest")
    q = common.QDQ(ours)
    assert len(made) == len(q.layers)
    with torch.no_grad():
        for node in q.layers:
            m = made[node.name]
            q.layer(node, m.weight().numpy(), m.scale.numpy(), m.bias.numpy(), m.bits)
    q.save(ours)
    print(f"{name} w{a.bits}a8: blocks with gradients, {a.steps} steps, {a.drop:g} of inputs dropped: "
          f"{common.right(ours, a.data)} right, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
