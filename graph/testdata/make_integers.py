#!/usr/bin/python3
"""Computes integers.json: what Add, Mul, averages and functions of one value must give on codes, bit for bit.

    make_integers.py            writes integers.json beside this file
    make_integers.py --check    computes it again and exits 1 if the file differs

float32 steps are PyTorch's own operations, each of which rounds once. The fixed-point conventions are exact: Python
integers and fractions, after Jacob et al. 2018 (equation 6, appendix A.2) and TensorFlow Lite's reference kernels.
"""

import json
import math
import pathlib
import random
import struct
import sys
from fractions import Fraction

import torch

rng = random.Random(20180619)
F32 = torch.float32
CONVENTIONS = ["onnx", "torch", "fixed", "fixed-double"]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def bounds(bits, unsigned):
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def params(spread):
    bits, unsigned = rng.choice([(8, True), (8, False), (8, True), (5, True), (4, False)])
    lo, hi = bounds(bits, unsigned)
    return {"bits": bits, "unsigned": unsigned, "scale": f32(spread / (hi - lo) * rng.uniform(0.6, 1.6)), "zero": rng.randint(lo, hi)}


def draw(p, n):
    lo, hi = bounds(p["bits"], p["unsigned"])
    return [rng.randint(lo, hi) for _ in range(n)]


def dequantize(q, p):
    return (torch.tensor(q, dtype=torch.int64) - p["zero"]).to(F32) * torch.tensor(p["scale"], dtype=F32)


def quantize(x, p):
    lo, hi = bounds(p["bits"], p["unsigned"])
    steps = torch.round(x / torch.tensor(p["scale"], dtype=F32)).to(torch.float64)
    return torch.clamp(steps + p["zero"], lo, hi).to(torch.int64).tolist()


def fixed_point(m):
    """m = m0 · 2^-(31+s) with m0 in [2^30, 2^31), rounded half away from zero."""
    fraction, exponent = math.frexp(m)
    m0 = math.floor(Fraction(fraction) * 2**31 + Fraction(1, 2))
    if m0 == 2**31:
        m0, exponent = 2**30, exponent + 1
    return (m0, -exponent) if -exponent <= 31 else (0, 0)


def away(x):
    """A fraction rounded to an integer, ties away from zero."""
    return math.floor(x + Fraction(1, 2)) if x >= 0 else -math.floor(-x + Fraction(1, 2))


def rescale(acc, m, convention):
    m0, s = fixed_point(m)
    if s < 0:
        acc, s = max(min(acc << -s, 2**31 - 1), -(2**31)), 0
    if convention == "fixed":
        return math.floor(Fraction(acc * m0, 2 ** (31 + s)) + Fraction(1, 2))
    high = math.floor(Fraction(acc * m0, 2**31) + Fraction(1, 2))  # gemmlowp's nudge and truncation: ties up
    return away(Fraction(high, 2**s))


def clamp(v, p):
    lo, hi = bounds(p["bits"], p["unsigned"])
    return max(lo, min(hi, v))


def add(qa, qb, a, b, y, convention):
    if convention in ("onnx", "torch"):
        return quantize(dequantize(qa, a) + dequantize(qb, b), y)
    common = 2 * max(a["scale"], b["scale"])
    out = []
    for va, vb in zip(qa, qb):
        ra = rescale((va - a["zero"]) << 20, a["scale"] / common, convention)
        rb = rescale((vb - b["zero"]) << 20, b["scale"] / common, convention)
        out.append(clamp(rescale(ra + rb, common / (2**20 * y["scale"]), convention) + y["zero"], y))
    return out


def average(q, n, x, y, convention):
    """The code of the mean of n counted elements, of which q are in the input."""
    acc = sum(v - x["zero"] for v in q)
    if convention in ("fixed", "fixed-double"):
        return clamp(rescale(acc, x["scale"] / n / y["scale"], convention) + y["zero"], y)
    t = lambda v: torch.tensor(v, dtype=F32)
    m = (t(x["scale"]) / t(float(n))) / t(y["scale"])
    v = t(float(acc)) * m
    if convention == "torch":
        return clamp(int(torch.round(v + t(float(y["zero"])))), y)
    return clamp(int(torch.round(v)) + y["zero"], y)


def pairs():
    out = []
    for convention in CONVENTIONS:
        for k in range(6):
            a, b = params(8), params([8, 1, 30][k % 3])
            y = params([12, 6, 1][k % 3] if k != 5 else 0.001)
            qa, qb = draw(a, 24), draw(b, 24)
            out.append({"op": "Add", "convention": convention, "a": a, "b": b, "y": y, "qa": qa, "qb": qb,
                        "want": add(qa, qb, a, b, y, convention)})
    for _ in range(4):
        a, b, y = params(8), params(3), params(10)
        qa, qb = draw(a, 24), draw(b, 24)
        out.append({"op": "Mul", "convention": "onnx", "a": a, "b": b, "y": y, "qa": qa, "qb": qb,
                    "want": quantize(dequantize(qa, a) * dequantize(qb, b), y)})
    return out


def averages():
    """3×3 windows with stride 2 and a padding of 1 over [5, 4], counted with the padding and without, and the whole plane."""
    out = []
    height, width = 5, 4
    for convention in CONVENTIONS:
        for count_pad in [None, 0, 1]:
            x, y = params(8), params(6)
            q = draw(x, height * width)
            want = []
            if count_pad is None:
                want.append(average(q, height * width, x, y, convention))
            else:
                for oy in range((height + 2 - 3) // 2 + 1):
                    for ox in range((width + 2 - 3) // 2 + 1):
                        inside = [q[r * width + c] for r in range(2 * oy - 1, 2 * oy + 2) for c in range(2 * ox - 1, 2 * ox + 2)
                                  if 0 <= r < height and 0 <= c < width]
                        want.append(average(inside, 9 if count_pad else len(inside), x, y, convention))
            out.append({"convention": convention, "count_pad": count_pad, "x": x, "y": y, "q": q, "want": want})
    return out


def functions():
    t = lambda v: torch.tensor(v, dtype=F32)
    hard = lambda x, alpha, beta: torch.clamp(x * t(alpha) + t(beta), 0, 1)
    table = {
        "Relu": lambda x: torch.clamp(x, min=0),
        "LeakyRelu": lambda x: torch.where(x < 0, x * t(0.01), x),
        "Sigmoid": lambda x: (1 / (1 + torch.exp(-x.to(torch.float64)))).to(F32),
        "HardSigmoid": lambda x: hard(x, 0.2, 0.5),
        "HardSwish": lambda x: x * hard(x, 1 / 6, 0.5),
    }
    out = []
    for op, f in table.items():
        for spread in [10, 3]:
            x, y = params(spread), params(1 if "Sigmoid" in op else spread)
            q = list(range(bounds(x["bits"], x["unsigned"])[0], bounds(x["bits"], x["unsigned"])[1] + 1))
            out.append({"op": op, "x": x, "y": y, "want": quantize(f(dequantize(q, x)), y)})
    return out


def main():
    made = {"pairs": pairs(), "averages": averages(), "functions": functions()}
    lines = [f' "{part}": [\n' + ",\n".join("  " + json.dumps(c, separators=(",", ":")) for c in made[part]) + "\n ]" for part in made]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    path = pathlib.Path(__file__).with_name("integers.json")
    if "--check" not in sys.argv[1:]:
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path} differs from what PyTorch {torch.__version__} computes")


if __name__ == "__main__":
    main()
