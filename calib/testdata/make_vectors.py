#!/usr/bin/python3
"""Computes vectors.json: percentiles by NumPy, and the least squared error of quantization by brute force.

    make_vectors.py            writes vectors.json beside this file
    make_vectors.py --check    computes it again and exits 1 if it differs

The data is made here and, by the same rules, in vectors_test.go. Quantization is float32 arithmetic: clamp(round(x/scale) +
zero), ties to even.
"""

import json
import pathlib
import sys

import numpy as np

COUNT, STEPS = 6000, 60


def uniform(count):
    """Numerical Recipes' linear congruential generator."""
    state, values = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32)
    return values


def data():
    """Bell curves of four uniform numbers each, and what networks make of them."""
    u = uniform(4 * COUNT)
    bell = [u[4 * i] + u[4 * i + 1] + u[4 * i + 2] + u[4 * i + 3] - 2 for i in range(COUNT)]
    shapes = {
        "bell": bell,
        "relu": [max(b, 0) for b in bell],
        "cubed": [b * b * b for b in bell],
        "shifted": [b + 1.25 for b in bell],
        "outliers": [b * 16 if i % 500 == 7 else b for i, b in enumerate(bell)],
        "relu with outliers": [max(b * 16 if i % 500 == 7 else b, 0) for i, b in enumerate(bell)],
    }
    return {name: np.array(x, dtype=np.float64).astype(np.float32) for name, x in shapes.items()}


def error(x, lo, hi, bits, symmetric):
    """Mean squared error with the codes of a signed type."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        scale, zero = max(-lo, hi) / most, 0
    else:
        scale = (hi - lo) / (most - least)
        zero = min(max(round(least - lo / scale), least), most)
    scale = np.float32(scale)
    steps = np.clip(np.round(x / scale).astype(np.float64), least - zero, most - zero)
    return float(np.mean((steps * np.float64(scale) - x.astype(np.float64)) ** 2))


def least_error(x, bits, symmetric):
    """Tries every pair of ends on a grid from the extremes (0 included) to 1/STEPS of them."""
    lo, hi = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    fractions = [k / STEPS for k in range(1, STEPS + 1)]
    if symmetric:
        m = max(-lo, hi)
        return min(error(x, -m * f, m * f, bits, True) for f in fractions)
    los = [lo * f for f in fractions] if lo < 0 else [0.0]
    return min(error(x, a, hi * f, bits, False) for a in los for f in fractions)


def document():
    cases = []
    for name, x in data().items():
        lo, hi = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
        case = {"name": name, "min": float(x.min()), "max": float(x.max()), "percentiles": [], "errors": []}
        for p in (99.99, 99.9, 99.0, 90.0, 60.0):
            case["percentiles"].append({
                "percentile": p,
                "upper": float(np.percentile(x, p, method="inverted_cdf")),
                "lower": -float(np.percentile(-x, p, method="inverted_cdf")),
                "magnitude": float(np.percentile(np.abs(x), p, method="inverted_cdf")),
            })
        for bits in (8, 4, 3):
            for symmetric in (False, True):
                if bits == 3 and not symmetric and lo < 0:
                    continue
                m = max(-lo, hi)
                whole = error(x, -m, m, bits, True) if symmetric else error(x, lo, hi, bits, False)
                case["errors"].append({"bits": bits, "symmetric": symmetric, "whole": whole, "least": least_error(x, bits, symmetric)})
        cases.append(case)
    return cases


def close(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    return abs(a - b) <= 1e-9 * abs(a) if isinstance(a, float) else a == b


def main():
    path = pathlib.Path(__file__).with_name("vectors.json")
    made = document()
    if "--check" not in sys.argv[1:]:
        path.write_text("[\n" + ",\n".join(json.dumps(case) for case in made) + "\n]\n")
        return 0
    if close(json.loads(path.read_text()), made):
        return 0
    print(f"{path.name} is not what {pathlib.Path(__file__).name} computes", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
