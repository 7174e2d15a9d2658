"""What the comparisons share: linquant as a command and CIFAR-10."""
import json
import os
import subprocess
import time

import numpy as np
import onnx

LINQUANT = os.environ.get("LINQUANT", "linquant")
CALIBRATION = 512  # images, the first of the training set


def linquant(*args):
    """Runs the command and returns what it printed; an error says what went wrong."""
    done = subprocess.run([LINQUANT, *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"linquant {args[0]}: {done.stderr.strip()}")
    return done.stdout


def export(network, path):
    """Writes the float network as ONNX, batch normalizations folded, and returns it."""
    linquant("export", network, "-o", path)
    return onnx.load(path)


def quantize(network, path, data, weight_bits, act_bits, *more):
    """Quantizes with the first CALIBRATION training images and returns the seconds that it took."""
    start = time.time()
    linquant("quantize", network, "-o", path, "--calib", f"cifar10:{data}", "--calib-size", CALIBRATION,
             "--weight-bits", weight_bits, "--act-bits", act_bits, "--keep-edges", *more)
    return time.time() - start


def right(path, data, limit=0):
    """Counts the test images that linquant's engine has right."""
    r = json.loads(linquant("eval", path, "--data", f"cifar10:{data}:test", "--limit", limit, "--json"))
    return round(r["top1"] * r["n"])


def images(data, files, model, count):
    """Returns the first count images, prepared as the model's metadata say, and their labels."""
    raw = np.concatenate([np.fromfile(os.path.join(data, f), np.uint8) for f in files]).reshape(-1, 3073)[:count]
    how = {"divisor": 255, "mean": [0, 0, 0], "std": [1, 1, 1]}
    for p in model.metadata_props:
        if p.key == "linquant.preprocess":
            how.update(json.loads(p.value))
    x = raw[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(how["divisor"])
    mean, std = (np.asarray(how[k], np.float32).reshape(1, -1, 1, 1) for k in ("mean", "std"))
    return (x - mean) / std, raw[:, 0].astype(np.int64)


def training(data, model, count=CALIBRATION):
    return images(data, ["data_batch_1.bin"], model, count)[0]


def test(data, model, count=10000):
    return images(data, ["test_batch.bin"], model, count)
