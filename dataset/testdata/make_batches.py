"""Makes CIFAR-10 batches as several versions of Python and NumPy pickle them, of three made-up images.

    python3 make_batches.py            with NumPy 1 and with NumPy 2: each makes its own files
    python3 make_batches.py --check    compares what the files hold, as NumPy reads it

cifar_python_test.go computes the same pixels.
"""
import os
import pickle
import struct
import sys

import numpy as np

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "batches"))

i, j = np.ogrid[0:3, 0:3072]
PIXELS = ((i * 37 + j * j * 7 + j) % 256).astype(np.uint8)
LABELS = [3, 9, 0]


class Python2(pickle._Pickler):
    """Writes byte strings as Python 2 wrote its strings, with the opcodes that Python 3 no longer uses."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_bytes(self, b):
        if len(b) < 256:
            self.write(b"U" + bytes([len(b)]) + b)
        else:
            self.write(b"T" + struct.pack("<i", len(b)) + b)
        self.memoize(b)

    dispatch[bytes] = save_bytes


def python2(path):
    """The original's layout."""
    batch = {b"data": PIXELS, b"labels": LABELS, b"batch_label": b"testing batch 1 of 1"}
    batch[b"filenames"] = [b"a", b"b", b"c"]
    with open(path, "wb") as f:
        Python2(f, 2).dump(batch)


def python3(path, protocol, labels=LABELS):
    with open(path, "wb") as f:
        pickle.dump({"batch_label": "test", "labels": labels, "data": PIXELS}, f, protocol)


MAKE = {
    1: {
        "python2": python2,
        "numpy1_protocol2": lambda path: python3(path, 2),
        "numpy1_protocol5": lambda path: python3(path, 5),
    },
    2: {
        "numpy2_protocol4": lambda path: python3(path, 4, np.array(LABELS)),
        "numpy2_protocol5": lambda path: python3(path, 5, np.array(LABELS, np.uint8)),
    },
}[int(np.__version__.split(".")[0])]

for name, make in MAKE.items():
    if "--check" not in sys.argv:
        make(name)
    with open(name, "rb") as f:
        batch = {k.decode() if isinstance(k, bytes) else k: v for k, v in pickle.load(f, encoding="bytes").items()}
    assert (batch["data"] == PIXELS).all() and list(batch["labels"]) == LABELS, name
    print(name, "ok")
