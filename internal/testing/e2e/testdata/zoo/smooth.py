"""The inputs of the networks, which the tests in Go compute too."""

import numpy as np


def hashed(i):
    """Well-mixed bits of an index (splitmix64)."""
    with np.errstate(over="ignore"):
        z = i.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)


def images(first, n, shape):
    """Examples first to first + n: a random grid with a point for every eight pixels, interpolated, and noise."""
    c, (h, w) = shape[0], (shape[1:] if len(shape) == 3 else (1, shape[1]))
    gh, gw = h // 8 + 2, w // 8 + 2
    i = np.arange(first, first + n, dtype=np.uint64)[:, None] << np.uint64(32)
    grid = (hashed(i + np.arange(c * gh * gw, dtype=np.uint64)) >> np.uint64(56)).astype(np.int64)
    grid = grid.reshape(n, c, gh, gw)
    y, x = np.arange(h), np.arange(w)
    fy, fx = (y % 8)[:, None], x % 8
    y, x = (y // 8)[:, None], x // 8
    smooth = (grid[..., y, x] * (8 - fy) * (8 - fx) + grid[..., y, x + 1] * (8 - fy) * fx
              + grid[..., y + 1, x] * fy * (8 - fx) + grid[..., y + 1, x + 1] * fy * fx) // 64
    i = i + np.uint64(1 << 31)
    noise = (hashed(i + np.arange(c * h * w, dtype=np.uint64)) >> np.uint64(60)).astype(np.int64).reshape(n, c, h, w)
    return ((smooth + noise - 136) / 64).astype(np.float32).reshape(n, *shape)
