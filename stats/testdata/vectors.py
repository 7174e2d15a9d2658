"""Writes vectors.json: arrays, their numpy.histogram and their summary, for the tests of package stats.

Values are the bits of float32 numbers, so that NaN and Inf survive JSON. Run in this folder: python3 vectors.py
"""
import json

import numpy as np

rng = np.random.default_rng(7)
f32 = np.float32
tiny = f32(1e-45)  # the least subnormal
top = np.finfo(f32).max

arrays = {
    "empty": ([], 4),
    "one value": ([3.25], 5),
    "one zero": ([0.0], 4),
    "equal negative": ([-7.125] * 6, 3),
    "equal large": ([8388608.0] * 3, 7),
    "two values": ([0.0, 1.0], 10),
    "two negative": ([-3.0, -1.0], 1),
    "integers on edges": (list(range(11)), 10),
    # 49 × (1/49) is below 1 in float64: a bin found by the reciprocal alone is one too low.
    "multiples of 49": (list(range(0, 49 * 20 + 1, 49)), 20),
    "tenths": (np.arange(11, dtype=f32) / f32(10), 10),
    "thirds": (np.arange(-30, 31, dtype=f32) / f32(3), 20),
    "sevenths": (np.arange(0, 50, dtype=f32) / f32(7), 49),
    "hundredths": (np.arange(-50, 51, dtype=f32) * f32(0.01), 100),
    "subnormal": (np.arange(0, 17, dtype=f32) * tiny, 8),
    "subnormal, more bins than values": ([0.0, tiny], 16),
    "whole range": ([-top, -1.0, 0.0, 1.0, top, top / 2, -top / 3], 6),
    "far from zero": (f32(1e8) + np.arange(0, 80, 8, dtype=f32), 9),
    "not finite": ([np.nan, 1.0, np.inf, 2.0, -np.inf, 4.0, np.nan], 3),
    "normal": (rng.normal(0, 0.02, 200), 16),
    "skewed": (rng.exponential(1, 200), 31),
    "quantized": (np.round(rng.normal(0, 2, 200)) * f32(0.1), 12),
}

cases = []
for name, (values, bins) in arrays.items():
    x = np.asarray(values, dtype=f32)
    finite = x[np.isfinite(x)].astype(np.float64)
    counts, edges = np.histogram(finite, bins=bins)
    cases.append({
        "name": name,
        "bits": x.view(np.uint32).tolist(),
        "bins": bins,
        "counts": counts.tolist(),
        "lo": edges[0],
        "hi": edges[-1],
        "mean": finite.mean() if len(finite) else 0.0,
        "std": finite.std() if len(finite) else 0.0,
    })

with open("vectors.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
