#!/usr/bin/env python3
"""Quantizes networks of float/ that move elements or have one dimension with ONNX Runtime's own quantizer.

    python quantize_moves.py            writes moves/*.onnx and moves/outputs.npz
    python quantize_moves.py --check    runs the models that are here and compares with outputs.npz

outputs.npz has for every model NAME the input NAME.x and what ONNX Runtime computes, NAME.y. Made with onnxruntime
1.32.0, onnx 1.23.2 and numpy 2.4.6.
"""

import pathlib
import sys
import tempfile

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

HERE = pathlib.Path(__file__).resolve().parent
MODELS = {"sequence": (3, 12), "decoder": (2, 6, 6), "attention": (8, 3, 3), "moves": (4, 6, 4)}


def values(seed, shape):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


class Data(CalibrationDataReader):
    def __init__(self, shape):
        self.examples = iter([{"x": values(i, (2, *shape))} for i in range(8)])

    def get_next(self):
        return next(self.examples, None)


def outputs():
    out = {}
    for path in sorted((HERE / "moves").glob("*.onnx")):
        x = values(99, (3, *MODELS[path.stem.split("_")[0]]))
        options = ort.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", "1")  # sums do not saturate on any processor
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        out[path.stem + ".x"], out[path.stem + ".y"] = x, session.run(None, {"x": x})[0]
    return out


def main():
    if "--check" in sys.argv[1:]:
        have, want = dict(np.load(HERE / "moves" / "outputs.npz")), outputs()
        bad = [n for n in want if n not in have or not np.array_equal(have[n], want[n])]
        if bad or len(have) != len(want):
            sys.exit("ONNX Runtime computes something else than outputs.npz: " + ", ".join(bad))
        print(f"{len(want) // 2} models compute what outputs.npz has")
        return
    (HERE / "moves").mkdir(exist_ok=True)
    for name, shape in MODELS.items():
        with tempfile.TemporaryDirectory() as scratch:
            plain = scratch + "/plain.onnx"
            quant_pre_process(str(HERE / "float" / f"torch_{name}_batch_opset13.onnx"), plain, skip_symbolic_shape=True)
            for form in ("QDQ", "QOperator")[: 1 + (name != "decoder")]:  # which has no ConvTranspose
                quantize_static(
                    plain, str(HERE / "moves" / f"{name}_{form.lower()}.onnx"), Data(shape),
                    quant_format=getattr(QuantFormat, form), per_channel=name in ("sequence", "decoder"),
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                )
    np.savez(HERE / "moves" / "outputs.npz", **outputs())


if __name__ == "__main__":
    main()
