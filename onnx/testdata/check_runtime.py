#!/usr/bin/env python3
"""Checks models that were exported from testdata/float: check_runtime.py FOLDER with files NAME@OPSET.onnx.

Each must pass onnx.checker, be of that opset, load in ONNX Runtime, take any batch, and compute what float.json says.
"""
import base64
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).resolve().parent


def check(path, expected):
    opset = int(path.stem.split("@")[1])
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {o.domain: o.version for o in model.opset_import} == {"": opset}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shape = expected["input"]
    x = ((np.arange(np.prod(shape)) * 37 % 101 - 50) / 32).astype(np.float32).reshape(shape)
    want = np.frombuffer(base64.b64decode(expected["data"]), "<f4").reshape(expected["shape"])
    for inputs, outputs in ((x, want), (x[:1], want[:1]), (np.concatenate([x, x]), np.concatenate([want, want]))):
        got = session.run(None, {session.get_inputs()[0].name: inputs})[0]
        assert got.shape == outputs.shape, f"shape {got.shape}, want {outputs.shape}"
        np.testing.assert_allclose(got, outputs, rtol=2e-6, atol=2e-6)


def main():
    onnxruntime.set_default_logger_severity(3)
    cases = json.loads((HERE / "float.json").read_text())
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*@*.onnx"))
    bad = 0
    for path in paths:
        try:
            check(path, cases[path.stem.split("@")[0]])
        except Exception as e:
            bad += 1
            print(f"{path.stem}: {str(e).strip()[:600]}")
    print(f"{len(paths) - bad} of {len(paths)} models agree with ONNX Runtime {onnxruntime.__version__}")
    sys.exit(bad > 0 or not paths)


if __name__ == "__main__":
    main()
