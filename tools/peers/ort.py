"""ONNX Runtime beside linquant: the accuracy of linquant's files in both, and that of quantize_static's files in both.

    python ort.py same NETWORK... --data DIR --rungs w4a8,w3a8,w2a8,w4a4
    python ort.py static NETWORK... --data DIR --methods MinMax,Entropy,Percentile
"""
import argparse
import os
import re
import time

import numpy as np
import onnx
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

import common

BATCH = 250


def logits(path, x):
    """Returns what ONNX Runtime computes, with sums of products that never saturate."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
    s = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = s.get_inputs()[0].name
    return np.concatenate([s.run(None, {name: x[i:i + BATCH]})[0] for i in range(0, len(x), BATCH)])


def both(path, data, work):
    """Runs a file on the test images in both: right in ONNX Runtime, right here, other answers, examples whose outputs differ."""
    x, y = common.test(data, onnx.load(path))
    here_path, input_path = os.path.join(work, "here.npy"), os.path.join(work, "input.npy")
    np.save(input_path, x)
    common.linquant("run", path, "--input", input_path, "-o", here_path, "--force")
    here, there = np.load(here_path), logits(path, x)
    right = [int((v.argmax(1) == y).sum()) for v in (there, here)]
    if (counted := common.right(path, data)) != right[1]:
        raise SystemExit(f"{path}: linquant eval has {counted} right, linquant run {right[1]}")
    return *right, int((here.argmax(1) != there.argmax(1)).sum()), int((here != there).any(1).sum())


class Reader(quantization.CalibrationDataReader):
    def __init__(self, x):
        self.batches = iter([{"input": x[i:i + 32]} for i in range(0, len(x), 32)])

    def get_next(self):
        return next(self.batches, None)


def same(a, network, name):
    for rung in a.rungs.split(","):
        weights, acts = re.fullmatch(r"w(\d)a(\d)", rung).groups()
        path = os.path.join(a.work, f"ours-{name}-{rung}.onnx")
        took = common.quantize(network, path, a.data, weights, acts)
        there, here, answers, outputs = both(path, a.data, a.work)
        print(f"{name} {rung}: ONNX Runtime {there}, linquant {here} right; {answers} other answers, "
              f"outputs of {outputs} images differ; quantized in {took:.0f} s", flush=True)


def static(a, network, name):
    float_path, ready = (os.path.join(a.work, f"float-{name}{s}.onnx") for s in ("", "-ready"))
    model = common.export(network, float_path)
    quant_pre_process(float_path, ready)
    x, y = common.test(a.data, model)
    print(f"{name} float: ONNX Runtime {int((logits(float_path, x).argmax(1) == y).sum())}, "
          f"linquant {common.right(float_path, a.data)} right", flush=True)
    path = os.path.join(a.work, f"ours-{name}-w8a8.onnx")
    took = common.quantize(network, path, a.data, 8, 8)
    there, here, answers, outputs = both(path, a.data, a.work)
    print(f"{name} w8a8 linquant: ONNX Runtime {there}, linquant {here} right; {answers} other answers, "
          f"outputs of {outputs} images differ; {took:.0f} s", flush=True)
    for method in a.methods.split(","):
        path = os.path.join(a.work, f"static-{name}-{method}.onnx")
        start = time.time()
        quantization.quantize_static(
            ready, path, Reader(common.training(a.data, model)), quant_format=quantization.QuantFormat.QDQ,
            per_channel=True, activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod[method])
        took = time.time() - start
        m = onnx.load(path)
        del m.metadata_props[:]
        m.metadata_props.extend(model.metadata_props)
        onnx.save(m, path)
        there, here, answers, outputs = both(path, a.data, a.work)
        print(f"{name} w8a8 quantize_static {method}: ONNX Runtime {there}, linquant {here} right; {answers} other answers, "
              f"outputs of {outputs} images differ; {took:.0f} s", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["same", "static"])
    p.add_argument("networks", nargs="+", metavar="NETWORK")
    p.add_argument("--data", required=True, help="folder of CIFAR-10's binary files")
    p.add_argument("--rungs", default="w4a8,w3a8,w2a8,w4a4", help="bits of weights and activations")
    p.add_argument("--methods", default="MinMax,Entropy,Percentile", help="of quantize_static to choose ranges")
    p.add_argument("--work", default=".", help="folder for the files that are made")
    a = p.parse_args()
    print("ONNX Runtime", onnxruntime.__version__)
    for network in a.networks:
        name = os.path.basename(network).split("-")[0].split(".")[0]
        (same if a.what == "same" else static)(a, network, name)


if __name__ == "__main__":
    main()
