#!/usr/bin/python3
"""Computes vectors.json: what quantization, folding and requantization must give, bit for bit.

    make_vectors.py            writes vectors.json beside this file
    make_vectors.py --check    computes it again and exits 1 if the file differs

float32 steps are PyTorch's own operations, each of which rounds once. PyTorch's quantize_per_tensor and
quantize_per_channel are not used: they multiply by a reciprocal and so differ from a division at some ties. The two
integer conventions of requantization are exact Python integers.

float32 values are stored as their 32 bits, so that NaN, infinities and signed zeros survive.
"""

import json
import math
import pathlib
import random
import struct
import sys
from fractions import Fraction

import torch
import torch.nn.functional as F

rng = random.Random(20180619)
F32 = torch.float32


def bits(values):
    return [struct.unpack("<I", struct.pack("<f", v))[0] for v in torch.as_tensor(values, dtype=F32).flatten().tolist()]


def code_range(width, unsigned):
    return (0, 2**width - 1) if unsigned else (-(2 ** (width - 1)), 2 ** (width - 1) - 1)


def noise(*shape, spread=1.0, shift=0.0):
    values = [(rng.random() * 2 - 1) * spread + shift for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=F32).reshape(shape)


def integers(lo, hi, *shape):
    values = [lo + rng.getrandbits(32) % (hi - lo + 1) for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.int64).reshape(shape)


def quantize(x, scale, zero_point, lo, hi):
    """Divides and rounds in float32; the integer steps are exact in float64. A NaN has the code of 0."""
    steps = torch.round(x / scale).to(torch.float64)
    steps = torch.where(torch.isnan(steps), torch.zeros_like(steps), steps)
    return torch.clamp(steps + zero_point.to(torch.float64), lo, hi).to(torch.int64)


def dequantize(q, scale, zero_point):
    return (q - zero_point).to(F32) * scale


def blocks(x, per, axis, group):
    """The index lists of the elements that share a scale, in the order of the scales."""
    index = torch.arange(x.numel()).reshape(x.shape)
    if per == "tensor":
        return [index.flatten()]
    channels = index.movedim(axis, 0).reshape(x.shape[axis], -1)
    if per == "channel":
        return list(channels)
    return [part for row in channels for part in row.split(group)]


def element_case(x, width, unsigned, scheme, per="tensor", axis=0, group=0, scale=None, zero_point=None):
    """Parameters chosen from the data by a scheme, or given; then the codes and the values these stand for."""
    lo, hi = code_range(width, unsigned)
    parts, flat = blocks(x, per, axis, group), x.flatten()
    if scheme != "given":
        scale, zero_point = [], []
        for part in parts:
            low, high = flat[part].min().item(), flat[part].max().item()
            if scheme == "symmetric":
                scale.append(max(-low, high, 5e-7) / hi)
                zero_point.append(0)
                continue
            if scheme == "affine with zero":
                low, high = min(low, 0.0), max(high, 0.0)
            step = (high - low) / (hi - lo) if high != low else 1.0
            scale.append(step)
            zero_point.append(max(lo, min(hi, round(lo - low / step))))
    scale32 = torch.tensor(scale, dtype=torch.float64).to(F32)
    codes, back = torch.empty(x.numel(), dtype=torch.int64), torch.empty(x.numel(), dtype=F32)
    for k, part in enumerate(parts):
        z = torch.tensor(zero_point[k])
        codes[part] = quantize(flat[part], scale32[k], z, lo, hi)
        back[part] = dequantize(codes[part], scale32[k], z)
    return {
        "scheme": scheme, "bits": width, "unsigned": unsigned, "per": per, "axis": axis, "group": group,
        "shape": list(x.shape), "x": bits(x), "scale": bits(scale32), "zero_point": zero_point,
        "codes": codes.tolist(), "back": bits(back),
    }


def element_cases():
    for width in range(2, 9):
        for unsigned in (False, True):
            for scheme in ("affine", "affine with zero", "symmetric"):
                shift = rng.random() * 4 - 2
                x = noise(4, 5, spread=1.5, shift=shift)
                yield element_case(x if scheme != "symmetric" or not unsigned else x.abs(), width, unsigned, scheme)
    for width, unsigned in ((8, False), (8, True), (4, False), (3, True)):
        for axis in range(3):
            for scheme in ("affine", "affine with zero", "symmetric"):
                x = noise(2, 4, 5, spread=0.7, shift=0.2) * torch.tensor([1e-3, 1.0, 30.0, 7.0]).reshape(1, 4, 1)
                yield element_case(x, width, unsigned, scheme, "channel", axis)
                if not unsigned:
                    for group in (1, 3, 7, 64):
                        yield element_case(x, width, unsigned, scheme, "group", axis, group)
    yield element_case(torch.zeros(2, 3), 8, False, "symmetric", "channel", 0)
    yield element_case(torch.full((6,), 3.25), 8, False, "affine")
    yield element_case(torch.full((6,), -3.25), 8, True, "affine")
    yield element_case(torch.tensor([-3.4e38, 3.4e38, 1.0, 0.0]), 8, False, "affine")

    nan, inf = math.nan, math.inf
    ties = [k + 0.5 for k in range(-12, 12)]
    odd = [nan, inf, -inf, 3.4028235e38, -3.4028235e38, 1e-45, -1e-45, 1.17549421e-38, -0.0, 0.0, 1e9, -1e9, 2.5e9, 65536.5]
    for width, unsigned, zero_point in ((8, False, 0), (8, False, 7), (8, False, -128), (8, True, 0), (8, True, 255),
                                        (8, True, 127), (4, False, -3), (4, True, 9), (2, False, 1), (2, True, 3),
                                        (32, False, 0), (32, False, 2147483647), (32, False, -2147483648)):
        for scale in (1.0, 0.125, 0.1, 1 / 3, 2.0**-126, 3e38):
            x = torch.tensor([t * scale for t in ties] + odd, dtype=torch.float64).to(F32)
            yield element_case(x, width, unsigned, "given", scale=[scale], zero_point=[zero_point])


def bias_cases():
    """Ordinary biases, ties, and biases that leave int32."""
    for channels, spread, input_scale in ((8, 3.0, 0.02), (5, 1e4, 1e-3), (6, 1e9, 1e-2), (4, 0.0, 0.5)):
        weight_scale = noise(channels, spread=0.4).abs() + 1e-3
        scale = torch.tensor(input_scale, dtype=F32) * weight_scale
        b = noise(channels, spread=spread) + torch.tensor([(c + 0.5) for c in range(channels)]) * scale
        codes = quantize(b, scale, torch.tensor(0), -(2**31), 2**31 - 1)
        yield {"input_scale": bits(input_scale)[0], "weight_scale": bits(weight_scale), "bias": bits(b),
               "scale": bits(scale), "codes": codes.tolist()}


def conv_cases():
    """A convolution of codes: the input padded with its zero point, and that zero point folded into the bias."""
    for width, unsigned, stride, pad, kernel in ((8, False, 1, 1, 3), (8, True, 2, 1, 3), (4, True, 1, 2, 5), (8, True, 1, 0, 1)):
        lo, hi = code_range(width, unsigned)
        x, w = integers(lo, hi, 2, 3, 6, 5), integers(-127, 127, 4, 3, kernel, kernel)
        b, z = integers(-50000, 50000, 4), int(integers(lo, hi, 1))
        folded = b - z * w.sum((1, 2, 3))
        padded = F.pad(x, (pad,) * 4, value=z).to(torch.float64)
        acc = F.conv2d(padded, w.to(torch.float64), folded.to(torch.float64), stride)
        centred = F.pad((x - z).to(torch.float64), (pad,) * 4)
        assert torch.equal(acc, F.conv2d(centred, w.to(torch.float64), b.to(torch.float64), stride))
        yield {"zero_point": z, "stride": stride, "pad": pad, "input_shape": list(x.shape), "input": x.flatten().tolist(),
               "weight_shape": list(w.shape), "weight": w.flatten().tolist(), "bias": b.tolist(), "folded": folded.tolist(),
               "output_shape": list(acc.shape), "accumulator": acc.flatten().to(torch.int64).tolist()}


def fixed_point(multiplier):
    fraction, exponent = math.frexp(multiplier)
    m0, s = math.floor(Fraction(fraction) * 2**31 + Fraction(1, 2)), -exponent
    return (2**30, s - 1) if m0 == 2**31 else (m0, s)


def shift_left(acc, s):
    return max(-(2**31), min(2**31 - 1, acc << -s)) if s < 0 else acc


def fixed(acc, multiplier):
    m0, s = fixed_point(multiplier)
    if s > 31:
        return 0
    acc, s = shift_left(acc, s), max(s, 0)
    return (acc * m0 + 2 ** (30 + s)) >> (31 + s)


def fixed_double(acc, multiplier):
    m0, s = fixed_point(multiplier)
    if s > 31:
        return 0
    acc, s = shift_left(acc, s), max(s, 0)
    product = acc * m0
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    away = (abs(high) + (2**s >> 1)) >> s
    return away if high >= 0 else -away


def rounded_twice(m):
    """Accumulators beyond 2^24 whose code shows that they are rounded to float32 before they are multiplied."""
    near = [round((k + 0.5) / m.item()) + d for k in range(100) for d in range(-40, 41)]
    acc = torch.tensor([a for a in near if 2**24 < a < 2**31], dtype=torch.int32)
    once = torch.round((acc.to(torch.float64) * m.to(torch.float64)).to(F32))
    return acc[once != torch.round(acc.to(F32) * m)][:6].tolist()


def requantize_cases():
    extremes = [0, 1, -1, 2, -2, 585, -585, 2**24 + 1, -(2**24) - 1, 2**31 - 1, -(2**31), 2**31 - 129, -(2**31) + 1]
    f32 = lambda v: torch.tensor(v, dtype=torch.float64).to(F32).item()
    multipliers = [f32(1 / 90), 0.5, 0.25, 2.0**-9, 1.0, 3.0, 2.5, 1e4, 2.0**30, 2.0**31, 2.0**100, 3e38, 2.0**-31, 2.0**-32,
                   2.0**-33, 2.0**-40, 2.0**-126, 1 - 2.0**-53, 0.5 - 2.0**-54, 2.0**-32 * (1 - 2.0**-40), 1 - 2.0**-25,
                   0.0123, 7.1e-4, 1.0 / 3, f32(1 / 90 / 2**14), f32(1 / 90 / 2**17)]
    for multiplier in multipliers:
        m = torch.tensor(multiplier, dtype=torch.float64).to(F32)
        twice = rounded_twice(m)
        for width, unsigned, zero_point, narrowed in ((8, False, 0, None), (8, False, 3, None), (8, True, 129, None), (4, False, -1, None),
                                                      (8, True, 1, (1, 200))):
            lo, hi = narrowed or code_range(width, unsigned)
            edge = [round((c + h - zero_point) / multiplier) for c in (lo, hi, zero_point) for h in (-1.5, -0.5, 0, 0.5, 1)]
            near = [round((rng.random() * 300 - 150) / multiplier) for _ in range(6)]
            acc = extremes + [a for a in edge + near + twice if -(2**31) <= a < 2**31]
            product = torch.tensor(acc, dtype=torch.int32).to(F32) * m
            clamp = lambda v: [max(lo, min(hi, c + zero_point)) for c in v]
            yield {
                "multiplier": multiplier, "bits": width, "unsigned": unsigned, "zero_point": zero_point, "lo": lo, "hi": hi, "acc": acc,
                "codes": {
                    "onnx": (torch.clamp(torch.round(product), lo - zero_point, hi - zero_point) + zero_point).int().tolist(),
                    "torch": torch.clamp(torch.round(product + zero_point), lo, hi).int().tolist(),
                    "fixed": clamp(fixed(a, multiplier) for a in acc),
                    "fixed-double": clamp(fixed_double(a, multiplier) for a in acc),
                },
            }


def fixed_point_cases():
    for multiplier in (torch.tensor(1 / 90).item(), 0.5, 1.0, 0.75, 2.5, 1 - 2.0**-53, 2.0**-31, 2.0**-32, 1e4, 2.0**-5 * (1 + 2.0**-31),
                       2.0**-32 * (1 - 2.0**-40), 2.0**-33, 2.0**-40):
        m0, s = fixed_point(multiplier)
        yield {"multiplier": multiplier, "m0": m0, "shift": s}


def document():
    assert fixed_point(torch.tensor(1 / 90).item()) == (1527099520, 6)
    assert fixed(585, torch.tensor(1 / 90).item()) == fixed_double(585, torch.tensor(1 / 90).item()) == 7
    sections = {"elements": element_cases(), "bias": bias_cases(), "conv": conv_cases(), "requantize": requantize_cases(),
                "fixed_point": fixed_point_cases()}
    lines = []
    for name, cases in sections.items():
        body = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        lines.append(f'"{name}":[\n{body}\n]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    path = pathlib.Path(__file__).with_name("vectors.json")
    text = document()
    if "--check" not in sys.argv[1:]:
        path.write_text(text)
        return 0
    if path.read_text() == text:
        return 0
    print(f"{path.name} is not what {pathlib.Path(__file__).name} computes", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
