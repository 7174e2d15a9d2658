#!/usr/bin/env python3
"""Writes gate.json: verdicts and bounds of the test that eval.Gate is, from products and scans in NumPy.

The losses are drawn by a generator that the Go test has too. Nothing is shared with eval/gate.go but the definition in its comment.
"""
import json
import os

import numpy as np


def draws(seed, n):
    """SplitMix64 (Steele, Lea, Flood 2014) as numbers in [0, 1)."""
    mask, out = (1 << 64) - 1, []
    for _ in range(n):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append(((z ^ (z >> 31)) >> 11) / (1 << 53))
    return np.array(out)


FRACTIONS = 2.0 ** (-np.arange(15) / 2)
SHARES = 1 / np.arange(2.0, 17.0)
SHARES /= SHARES.sum()


def wealth(gains):
    """Wealth after each loss: of the products of what each fraction makes of the gains, their shares."""
    factors = 1 - FRACTIONS + FRACTIONS * gains[:, None]
    with np.errstate(divide="ignore"):
        logs = np.cumsum(np.log(factors), axis=0)
    return np.log(np.exp(logs - logs.max(axis=1, keepdims=True)) @ SHARES) + logs.max(axis=1)


def beyond(x, budget, low):
    return wealth((x - low) / (budget - low))


def within(x, budget, high):
    return wealth((high - x) / (high - budget))


def case(name, seed, n, make, low, high, budget, confidence):
    x = make(draws(seed, n))
    threshold = np.log(1 / (1 - confidence))
    stops = [(int(np.argmax(w >= threshold)) + 1, v)
             for w, v in ((beyond(x, budget, low), "fail"), (within(x, budget, high), "pass")) if (w >= threshold).any()]
    stop, verdict = min(stops) if stops else (n, "undecided")
    seen = x[:stop]
    # The bounds by a scan in steps of a hundred-thousandth of the range, so that they are known to that.
    grid = np.linspace(low, high, 100001)[1:-1]
    mean = seen.mean()

    def bound(candidates, test):
        lo, hi = 0, len(candidates) - 1  # the first decides, or none; the last, next to the mean, does not
        if not len(candidates) or not test(candidates[0]):
            return None
        while hi - lo > 1:
            mid = (lo + hi) // 2
            lo, hi = (mid, hi) if test(candidates[mid]) else (lo, mid)
        return float(candidates[lo])

    below = bound(grid[grid < mean], lambda b: beyond(seen, b, low)[-1] >= threshold)
    above = bound(grid[grid > mean][::-1], lambda b: within(seen, b, high)[-1] >= threshold)
    return dict(name=name, seed=seed, n=n, low=low, high=high, budget=budget, confidence=confidence, stop=stop, verdict=verdict,
                mean=float(mean), below=low if below is None else below, above=high if above is None else above)


def ternary(lost, gained):
    return lambda u: np.where(u < lost, 1.0, np.where(u < lost + gained, -1.0, 0.0))


cases = [
    case("ternary 0.02 0.01", 1, 5000, ternary(0.02, 0.01), -1, 1, 0.005, 0.95),
    case("ternary 0.18 0.02", 2, 5000, ternary(0.18, 0.02), -1, 1, 0.005, 0.95),
    case("ternary 0.004 0.004", 3, 5000, ternary(0.004, 0.004), -1, 1, 0.005, 0.95),
    case("ternary 0 0", 4, 2000, ternary(0, 0), -1, 1, 0.005, 0.95),
    case("ternary 0.02 0.002", 5, 5000, ternary(0.02, 0.002), -1, 1, 0.01, 0.99),
    case("ternary 0 0.3", 6, 2000, ternary(0, 0.3), -1, 1, 0.0, 0.9),
    case("square", 7, 3000, lambda u: u * u, 0, 100, 0.5, 0.95),
    case("square", 8, 3000, lambda u: u * u, 0, 1, 0.3, 0.95),
    case("square", 9, 3000, lambda u: u * u, 0, 1, 0.34, 0.95),
    case("square", 10, 3, lambda u: u * u, 0, 1, 0.34, 0.95),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gate.json"), "w") as f:
    json.dump(cases, f, indent=1)
    f.write("\n")
