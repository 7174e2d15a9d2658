#!/usr/bin/env python3
"""Makes the networks that bench.py measures, as float ONNX files and as the integer ones that linquant makes of them.

The image networks are defined here after their papers and have seeded random weights: no download is needed, and what is
measured is speed and the exactness of arithmetic, not accuracy. So that the integers are of the kind that trained networks
have, weights are drawn with tails between the normal and the Laplace distribution (generalized normal, beta 1.3) of
variance 2/fan-in, each output channel at a scale of its own (log-normal, 0.3), and the statistics of batch norms are
measured on the images, so that activations neither vanish nor explode. Images are sums of noise at several scales.
"""
import argparse
import os
import subprocess
import sys

import numpy as np

SEED = 14
BETA = 1.3  # of the generalized normal distribution: 1 is Laplace, 2 is normal
CALIBRATION = 32  # images


def images(count, seed=SEED, size=224):
    """[count, 3, size, size] float32 images of mean 0 and deviation 1: noise of several scales, channels correlated."""
    rng = np.random.default_rng(seed)
    out = np.zeros((count, 3, size, size), np.float32)
    for cells, weight in ((4, 1.0), (14, 0.7), (56, 0.4), (size, 0.2)):
        noise = rng.normal(size=(count, 3, cells, cells)) + rng.normal(size=(count, 1, cells, cells))
        out += weight * noise.repeat(size // cells, 2).repeat(size // cells, 3).astype(np.float32)
    out -= out.mean((1, 2, 3), keepdims=True)
    return out / out.std((1, 2, 3), keepdims=True)


def definitions():
    """The networks by name, each a function that makes a torch.nn.Module of random weights."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Residual(nn.Module):
        def __init__(self, branch, shortcut=None, act=None):
            super().__init__()
            self.branch, self.shortcut, self.act = branch, shortcut, act

        def forward(self, x):
            y = self.branch(x) + (x if self.shortcut is None else self.shortcut(x))
            return y if self.act is None else self.act(y)

    def conv(i, o, k=1, stride=1, groups=1, act=nn.ReLU):
        layers = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
        return nn.Sequential(*layers, *([act()] if act else []))

    def head(i, classes=1000):
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, classes))

    def channels(c):  # the nearest multiple of 8 that is not under nine tenths of c
        o = max(8, int(c + 4) // 8 * 8)
        return o + 8 if o < 0.9 * c else o

    def mobilenetv2():
        def block(i, o, t, s):
            h = i * t
            layers = [conv(i, h, act=nn.ReLU6)] if t != 1 else []
            branch = nn.Sequential(*layers, conv(h, h, 3, s, h, nn.ReLU6), conv(h, o, act=None))
            return Residual(branch) if s == 1 and i == o else branch

        layers, i = [conv(3, 32, 3, 2, act=nn.ReLU6)], 32
        for t, o, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                           (6, 320, 1, 1)):
            for k in range(n):
                layers.append(block(i, o, t, s if k == 0 else 1))
                i = o
        return nn.Sequential(*layers, conv(i, 1280, act=nn.ReLU6), head(1280))

    class SqueezeExcite(nn.Module):
        def __init__(self, c):
            super().__init__()
            s = channels(c // 4)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, s, 1), nn.ReLU(), nn.Conv2d(s, c, 1),
                                      nn.Hardsigmoid())

        def forward(self, x):
            return x * self.gate(x)

    def mobilenetv3():
        def block(i, k, h, o, se, act, s):
            layers = [conv(i, h, act=act)] if h != i else []
            layers.append(conv(h, h, k, s, h, act))
            if se:
                layers.append(SqueezeExcite(h))
            branch = nn.Sequential(*layers, conv(h, o, act=None))
            return Residual(branch) if s == 1 and i == o else branch

        layers, i = [conv(3, 16, 3, 2, act=nn.Hardswish)], 16
        for k, h, o, se, act, s in ((3, 16, 16, 0, nn.ReLU, 1), (3, 64, 24, 0, nn.ReLU, 2), (3, 72, 24, 0, nn.ReLU, 1),
                                    (5, 72, 40, 1, nn.ReLU, 2), (5, 120, 40, 1, nn.ReLU, 1), (5, 120, 40, 1, nn.ReLU, 1),
                                    (3, 240, 80, 0, nn.Hardswish, 2), (3, 200, 80, 0, nn.Hardswish, 1),
                                    (3, 184, 80, 0, nn.Hardswish, 1), (3, 184, 80, 0, nn.Hardswish, 1),
                                    (3, 480, 112, 1, nn.Hardswish, 1), (3, 672, 112, 1, nn.Hardswish, 1),
                                    (5, 672, 160, 1, nn.Hardswish, 2), (5, 960, 160, 1, nn.Hardswish, 1),
                                    (5, 960, 160, 1, nn.Hardswish, 1)):
            layers.append(block(i, k, h, o, se, act, s))
            i = o
        layers += [conv(i, 960, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(960, 1280),
                   nn.Hardswish(), nn.Linear(1280, 1000)]
        return nn.Sequential(*layers)

    def resnet(depths, bottleneck):
        def block(i, c, o, s):
            if bottleneck:
                branch = nn.Sequential(conv(i, c), conv(c, c, 3, s), conv(c, o, act=None))
            else:
                branch = nn.Sequential(conv(i, c, 3, s), conv(c, o, 3, act=None))
            return Residual(branch, conv(i, o, 1, s, act=None) if s != 1 or i != o else None, nn.ReLU())

        layers, i = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
        for stage, n in enumerate(depths):
            c = 64 << stage
            o = 4 * c if bottleneck else c
            for k in range(n):
                layers.append(block(i, c, o, 2 if stage > 0 and k == 0 else 1))
                i = o
        return nn.Sequential(*layers, head(i))

    class Fire(nn.Module):
        def __init__(self, i, s, o):
            super().__init__()
            self.squeeze, self.narrow, self.wide = nn.Conv2d(i, s, 1), nn.Conv2d(s, o, 1), nn.Conv2d(s, o, 3, padding=1)

        def forward(self, x):
            x = F.relu(self.squeeze(x))
            return torch.cat([F.relu(self.narrow(x)), F.relu(self.wide(x))], 1)

    def squeezenet():
        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        return nn.Sequential(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(),
                             Fire(128, 32, 128), Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192),
                             Fire(384, 64, 256), Fire(512, 64, 256), nn.Conv2d(512, 1000, 1), nn.ReLU(),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten())

    class ShuffleUnit(nn.Module):
        def __init__(self, i, o, s):
            super().__init__()
            self.split, h = s == 1, o // 2
            j = h if self.split else i
            self.shortcut = None if self.split else nn.Sequential(conv(i, i, 3, 2, i, None), conv(i, h))
            self.branch = nn.Sequential(conv(j, h), conv(h, h, 3, s, h, None), conv(h, h))

        def forward(self, x):
            if self.split:
                a, b = x.chunk(2, 1)
                x = torch.cat([a, self.branch(b)], 1)
            else:
                x = torch.cat([self.shortcut(x), self.branch(x)], 1)
            c, h, w = (int(d) for d in x.shape[1:])
            return x.view(-1, 2, c // 2, h, w).transpose(1, 2).contiguous().view(-1, c, h, w)

    def shufflenet():
        layers, i = [conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
        for o, n in ((116, 4), (232, 8), (464, 4)):
            for k in range(n):
                layers.append(ShuffleUnit(i, o, 2 if k == 0 else 1))
                i = o
        return nn.Sequential(*layers, conv(i, 1024), head(1024))

    class Attention(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads, self.size = heads, width // heads
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x):
            n, width = int(x.shape[1]), int(x.shape[2])
            q, k, v = self.qkv(x).reshape(-1, n, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
            scores = (q @ k.transpose(-2, -1)) * self.size ** -0.5
            return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, n, width))

    class ViT(nn.Module):
        def __init__(self, width=192, heads=3, blocks=12, patch=16, size=224):
            super().__init__()
            self.patches = nn.Conv2d(3, width, patch, patch)
            self.token = nn.Parameter(torch.randn(1, 1, width) * 0.5)
            self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.5)
            self.blocks = nn.ModuleList()
            for _ in range(blocks):
                self.blocks.append(nn.ModuleList([
                    nn.LayerNorm(width, eps=1e-6), Attention(width, heads), nn.LayerNorm(width, eps=1e-6),
                    nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))]))
            self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1000)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            token = self.token + 0 * x[:, :1]  # one for each image, without reading the size of the batch
            x = torch.cat([token, x], 1) + self.position
            for first, attention, second, mlp in self.blocks:
                x = x + attention(first(x))
                x = x + mlp(second(x))
            return self.head(self.norm(x)[:, 0])

    return {
        "mobilenetv2": mobilenetv2, "mobilenetv3": mobilenetv3, "resnet18": lambda: resnet((2, 2, 2, 2), False),
        "resnet50": lambda: resnet((3, 4, 6, 3), True), "squeezenet": squeezenet, "shufflenet": shufflenet, "vit": ViT,
        "vit-fused": ViT,
    }


NAMES = ["mobilenetv2", "mobilenetv3", "resnet18", "resnet50", "squeezenet", "shufflenet", "vit", "vit-fused"]


def drawn(make, calibration):
    """A network with weights drawn and its batch norms' statistics measured on the images, ready to run."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    net = make()
    rng = np.random.default_rng(SEED)

    def weights(shape, gain):
        fan = int(np.prod(shape[1:]))
        w = rng.gamma(1 / BETA, size=shape) ** (1 / BETA) * rng.choice([-1, 1], size=shape)
        w *= rng.lognormal(0, 0.3, size=(shape[0],) + (1,) * (len(shape) - 1)) / w.std()
        return torch.tensor(w * np.sqrt(gain / fan), dtype=torch.float32)

    transformer = any(isinstance(m, nn.LayerNorm) for m in net.modules())
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                m.weight.copy_(weights(tuple(m.weight.shape), 1.0 if transformer else 2.0))
                if m.bias is not None:
                    m.bias.copy_(torch.tensor(rng.normal(0, 0.1, size=m.bias.shape)))
            elif isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
                m.weight.copy_(torch.tensor(rng.uniform(0.5, 1.2, size=m.weight.shape)))
                m.bias.copy_(torch.tensor(rng.normal(0, 0.3, size=m.bias.shape)))
                if isinstance(m, nn.BatchNorm2d):
                    m.momentum = None  # the mean of all batches
        net.train()
        x = torch.tensor(calibration)
        if any(isinstance(m, nn.BatchNorm2d) for m in net.modules()):
            net(x)
    return net.eval()


def export(name, make, path, calibration):
    """Writes the network as the legacy exporter of PyTorch does: LayerNorm and Gelu in pieces (opset 13), or as one
    operator each in vit-fused (opset 20, of which the exporter knows no Gelu: it is registered here)."""
    import torch

    net, opset = drawn(make, calibration), 13
    partial = path + ".part"
    if name == "vit-fused":
        opset = 17
        torch.onnx.register_custom_op_symbolic("aten::gelu", lambda g, x, *rest: g.op("linquant::Gelu", x), opset)
    more = {"dynamo": False} if tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 5) else {}
    torch.onnx.export(net, torch.tensor(calibration[:1]), partial, opset_version=opset, input_names=["x"],
                      output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, **more)
    if name == "vit-fused":
        import onnx

        model = onnx.load(partial)
        for node in model.graph.node:
            if node.domain == "linquant":
                node.domain = ""
        del model.opset_import[:]
        model.opset_import.append(onnx.helper.make_opsetid("", 20))
        onnx.save(model, partial)
    os.replace(partial, path)


def run(*command):
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--dir", required=True, help="folder of the files")
    p.add_argument("--linquant", required=True, help="the linquant binary")
    p.add_argument("--data", help="folder of real networks: checkpoints/, models/ and cifar10/, for vgg and resnet20")
    p.add_argument("--only", help="names, with commas between")
    p.add_argument("--force", action="store_true", help="make files again that are there")
    args = p.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    only = args.only.split(",") if args.only else NAMES + ["vgg", "resnet20"]

    def missing(path):
        return args.force or not os.path.exists(path)

    calibration = os.path.join(args.dir, "calibration.npz")
    for name in only:
        path = os.path.join(args.dir, name + ".onnx")
        integers = os.path.join(args.dir, name + "-int8.onnx")
        if name in ("vgg", "resnet20"):
            if not args.data:
                continue
            source = os.path.join(args.data, {"vgg": "checkpoints/model_199-1.tar",
                                              "resnet20": "models/resnet20-12fca82f.th"}[name])
            if missing(path):
                run(args.linquant, "export", source, "-o", path, "--force")
            if missing(integers):
                run(args.linquant, "quantize", source, "-o", integers, "--force", "--calib",
                    "cifar10:" + os.path.join(args.data, "cifar10"))
            continue
        if missing(calibration):
            np.savez(calibration, x=images(CALIBRATION))
        if missing(path):
            export(name, definitions()[name], path, np.load(calibration)["x"])
            print("made", path, flush=True)
        if missing(integers):
            run(args.linquant, "quantize", path, "-o", integers, "--force", "--calib", "npz:" + calibration)


if __name__ == "__main__":
    sys.exit(main())
