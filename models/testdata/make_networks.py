#!/usr/bin/python3
"""Makes small networks with random weights, and what PyTorch computes with them: ARCH.safetensors is a checkpoint, ARCH.json
has images and the logits for them.

    make_networks.py            writes the files beside this one
    make_networks.py --check    computes them again and exits 1 if they differ

Weights are Python's random numbers, which are the same everywhere. Logits are computed in float64, so that they do not
depend on how a processor's float32 convolutions round; they are compared to 1e-9.
"""

import base64
import json
import math
import pathlib
import random
import struct
import sys

import torch
import torch.nn.functional as F

rng = random.Random(20150101)
IMAGES = 3


class Checkpoint:
    """Named tensors, as they are stored and as they are read back in float64."""

    def __init__(self, prefix, half=()):
        self.prefix, self.half, self.stored, self.value = prefix, half, {}, {}

    def add(self, name, shape, draw):
        values = torch.tensor([draw() for _ in range(math.prod(shape))], dtype=torch.float64).reshape(shape)
        values = values.to(torch.float16 if name in self.half else torch.float32)
        self.stored[self.prefix + name], self.value[name] = values, values.to(torch.float64)

    def conv(self, name, out, channels):
        spread = math.sqrt(2 / (9 * channels))
        self.add(name + ".weight", (out, channels, 3, 3), lambda: rng.gauss(0, spread))

    def batch_norm(self, name, channels):
        self.add(name + ".weight", (channels,), lambda: rng.uniform(0.5, 1.5))
        self.add(name + ".bias", (channels,), lambda: rng.gauss(0, 0.3))
        self.add(name + ".running_mean", (channels,), lambda: rng.gauss(0, 0.2))
        self.add(name + ".running_var", (channels,), lambda: rng.uniform(0.2, 2))

    def linear(self, name, out, channels, spread):
        self.add(name + ".weight", (out, channels), lambda: rng.gauss(0, spread))
        self.add(name + ".bias", (out,), lambda: rng.gauss(0, 1))

    def safetensors(self):
        header, data = {}, b""
        for name, t in self.stored.items():
            letter, dtype = ("e", "F16") if t.dtype == torch.float16 else ("f", "F32")
            raw = struct.pack(f"<{t.numel()}{letter}", *t.flatten().tolist())
            header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + data

    def run_conv(self, name, x, stride=1):
        return F.conv2d(x, self.value[name + ".weight"], stride=stride, padding=1)

    def run_batch_norm(self, name, x):
        v = self.value
        return F.batch_norm(x, v[name + ".running_mean"], v[name + ".running_var"], v[name + ".weight"], v[name + ".bias"], eps=1e-5)

    def run_linear(self, name, x):
        return F.linear(x, self.value[name + ".weight"], self.value[name + ".bias"])


def vgg():
    channels = [4, 6, 5, 6, 8, 7, 8, 9]
    c = Checkpoint("", half=("backbone.conv2.weight",))
    previous = 3
    for i, out in enumerate(channels):
        c.conv(f"backbone.conv{i}", out, previous)
        c.batch_norm(f"backbone.bn{i}", out)
        previous = out
    c.linear("classifier", 10, previous, 1)

    def run(pixels):
        x = pixels / 255
        for i in range(len(channels)):
            x = F.relu(c.run_batch_norm(f"backbone.bn{i}", c.run_conv(f"backbone.conv{i}", x)))
            if i % 2:
                x = F.max_pool2d(x, 2)
        return c.run_linear("classifier", x.mean([2, 3]))

    return c, run


def resnet():
    width, blocks, classes, pruned = 4, 2, 7, 3
    c = Checkpoint("module.")
    c.conv("conv1", width, 3)
    c.batch_norm("bn1", width)
    previous = width
    for stage in range(3):
        out = width << stage
        for b in range(blocks):
            name = f"layer{stage + 1}.{b}"
            inner = pruned if (stage, b) == (1, 1) else out
            c.conv(name + ".conv1", inner, previous)
            c.batch_norm(name + ".bn1", inner)
            c.conv(name + ".conv2", out, inner)
            c.batch_norm(name + ".bn2", out)
            previous = out
    c.linear("linear", classes, previous, 0.05)

    def run(pixels):
        mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).reshape(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).reshape(1, 3, 1, 1)
        x = F.relu(c.run_batch_norm("bn1", c.run_conv("conv1", (pixels / 255 - mean) / std)))
        for stage in range(3):
            for b in range(blocks):
                name, stride, shortcut = f"layer{stage + 1}.{b}", 1, x
                if stage > 0 and b == 0:
                    stride, quarter = 2, (width << stage) // 4
                    shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))
                x = F.relu(c.run_batch_norm(name + ".bn1", c.run_conv(name + ".conv1", x, stride)))
                x = F.relu(c.run_batch_norm(name + ".bn2", c.run_conv(name + ".conv2", x)) + shortcut)
        return c.run_linear("linear", F.avg_pool2d(x, x.shape[3]).flatten(1))

    return c, run


def image():
    """Three planes that slope, with noise."""
    pixels = []
    for _ in range(3):
        at, down, right = rng.uniform(0, 255), rng.uniform(-6, 6), rng.uniform(-6, 6)
        for y in range(32):
            pixels += [min(255, max(0, round(at + down * (y - 16) + right * (x - 16) + rng.gauss(0, 20)))) for x in range(32)]
    return bytes(pixels)


def files():
    for arch, make in (("vgg", vgg), ("resnet", resnet)):
        checkpoint, run = make()
        raw = b"".join(image() for _ in range(IMAGES))
        pixels = torch.tensor(list(raw), dtype=torch.float64).reshape(IMAGES, 3, 32, 32)
        yield f"{arch}.safetensors", checkpoint.safetensors()
        yield f"{arch}.json", {"pixels": base64.b64encode(raw).decode(), "logits": run(pixels).tolist()}


def same(stored, made):
    if stored["pixels"] != made["pixels"]:
        return False
    a, b = torch.tensor(stored["logits"]), torch.tensor(made["logits"])
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def main():
    torch.set_default_dtype(torch.float64)
    status = 0
    for name, made in files():
        path = pathlib.Path(__file__).with_name(name)
        raw = isinstance(made, bytes)
        if "--check" not in sys.argv[1:]:
            path.write_bytes(made if raw else (json.dumps(made) + "\n").encode())
        elif path.read_bytes() != made if raw else not same(json.loads(path.read_text()), made):
            print(f"{name} is not what {pathlib.Path(__file__).name} computes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
