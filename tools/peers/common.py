"""What the comparisons share: linquant as a command, CIFAR-10, and QDQ files that get codes of another tool."""
import json
import os
import subprocess
import time

import numpy as np
import onnx
from onnx import numpy_helper

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


class QDQ:
    """A QDQ file of linquant, whose activations keep their ranges while its layers get other codes."""

    def __init__(self, path):
        self.model = onnx.load(path)
        self.constants = {i.name: i for i in self.model.graph.initializer}
        self.makers = {o: n for n in self.model.graph.node for o in n.output}
        self.layers = [n for n in self.model.graph.node if n.op_type in ("Conv", "Gemm")]

    def get(self, name):
        return numpy_helper.to_array(self.constants[name])

    def put(self, name, values):
        old = self.get(name)
        new = np.asarray(values).astype(old.dtype).reshape(old.shape)
        self.constants[name].CopyFrom(numpy_helper.from_array(new, name))

    def layer(self, node, weight, scale, bias, bits):
        """Gives a layer real weights that are codes of at most bits times one scale for each output channel, and a bias."""
        source = [self.makers[i] for i in node.input]  # DequantizeLinear of input, weight and bias
        scale = np.asarray(scale, np.float64).reshape(-1)
        rows = np.asarray(weight, np.float64).reshape(len(scale), -1)
        codes = np.rint(rows / scale[:, None])
        if abs(codes * scale[:, None] - rows).max() > 1e-4 * scale.max():
            raise SystemExit(f"{node.name}: its weights are no multiples of its scales")
        if codes.min() < -2 ** (bits - 1) or codes.max() > 2 ** (bits - 1) - 1:
            raise SystemExit(f"{node.name}: codes {codes.min():g} to {codes.max():g} need more than {bits} bits")
        step = scale * float(self.get(source[0].input[1]))
        sums = np.rint(np.asarray(bias, np.float64) / step)
        if abs(sums).max() >= 2 ** 31:
            raise SystemExit(f"{node.name}: its bias needs more than 32 bits")
        self.put(source[1].input[0], codes)
        self.put(source[1].input[1], scale)
        self.put(source[2].input[0], sums)
        self.put(source[2].input[1], step)

    def save(self, path):
        """Saves it without the recipe, which says how other codes were made."""
        kept = [p for p in self.model.metadata_props if p.key != "linquant.recipe"]
        del self.model.metadata_props[:]
        self.model.metadata_props.extend(kept)
        onnx.save(self.model, path)
