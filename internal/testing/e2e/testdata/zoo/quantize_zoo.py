#!/usr/bin/env python3
"""The networks of make_zoo.py, quantized by ONNX Runtime's own quantizer.

    quantize_zoo.py                    write the STORED ones, quantized_*.onnx, and what ONNX Runtime computes with
                                       them, quantized.npz, beside this script
    quantize_zoo.py --check            run those that are here, and fail unless they compute what quantized.npz says
    quantize_zoo.py --all DIR [NAME...]    write every network in every variant into another folder
    quantize_zoo.py --newer DIR        write the float networks there at opsets that PyTorch 1.13 does not export

Needs the Python packages onnxruntime, onnx and numpy. Ranges come from the images that make_zoo.py describes.
"""

import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

sys.dont_write_bytecode = True
from smooth import images  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
U8, S8 = QuantType.QUInt8, QuantType.QInt8
QDQ, QOPERATOR = QuantFormat.QDQ, QuantFormat.QOperator

# name: format, activations, weights, per channel, options of the quantizer; format None is dynamic
VARIANTS = {
    "qdq_u8s8_channel": (QDQ, U8, S8, True, {}),
    "qdq_u8u8_tensor": (QDQ, U8, U8, False, {}),
    "qdq_s8s8_channel": (QDQ, S8, S8, True, {"ActivationSymmetric": True}),
    "qdq_u8s8_dedicated": (QDQ, U8, S8, True, {"DedicatedQDQPair": True, "AddQDQPairToWeight": True}),
    "qoperator_u8s8_channel": (QOPERATOR, U8, S8, True, {}),
    "qoperator_u8u8_tensor": (QOPERATOR, U8, U8, False, {}),
    "qoperator_s8s8_tensor": (QOPERATOR, S8, S8, False, {}),
    "dynamic_u8": (None, U8, U8, False, {}),
    "dynamic_s8": (None, U8, S8, True, {}),
}
STORED = ["lenet_qdq_u8s8_channel", "mobilenet_v3_qoperator_u8u8_tensor", "squeezenet_qoperator_s8s8_tensor",
          "resnet18_qoperator_u8s8_channel"]
RUN = 2  # images whose outputs are stored
NEWER = [18, 21, 23]


class Images(CalibrationDataReader):
    def __init__(self, shape):
        self.left = [{"input": images(10000 + i, 1, shape)} for i in range(16)]

    def get_next(self):
        return self.left.pop() if self.left else None


def make(network, variant, path):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "float.onnx"
        model = onnx.load(HERE / f"{network}.onnx")
        if model.opset_import[0].version < 13:  # which scales per channel need
            model = version_converter.convert_version(model, 13)
        onnx.save(model, source)
        quant_pre_process(source, source, skip_symbolic_shape=True)
        fmt, act, weights, per_channel, extra = VARIANTS[variant]
        if fmt is None:
            quantize_dynamic(source, path, weight_type=weights, per_channel=per_channel)
            return
        quantize_static(source, path, Images(shape_of(model)), quant_format=fmt, activation_type=act,
                        weight_type=weights, per_channel=per_channel, extra_options=extra)


def shape_of(model):
    return tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:])


def run(path):
    model = onnx.load(path)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": images(0, RUN, shape_of(model))})[0]


def networks():
    return sorted(p.stem for p in HERE.glob("*.onnx") if not p.stem.startswith("quantized_"))


def main(args):
    if len(args) > 1 and args[0] == "--all":
        folder = pathlib.Path(args[1])
        folder.mkdir(parents=True, exist_ok=True)
        for network in args[2:] or networks():
            for variant in VARIANTS:
                make(network, variant, folder / f"{network}_{variant}.onnx")
        return
    if len(args) == 2 and args[0] == "--newer":
        folder = pathlib.Path(args[1])
        folder.mkdir(parents=True, exist_ok=True)
        for network in networks():
            for opset in NEWER:
                model = version_converter.convert_version(onnx.load(HERE / f"{network}.onnx"), opset)
                onnx.save(model, folder / f"{network}_opset{opset}.onnx")
        return
    if args not in ([], ["--check"]):
        sys.exit(__doc__)
    outputs = {}
    for name in STORED:
        path = HERE / f"quantized_{name}.onnx"
        network = max((n for n in networks() if name.startswith(n + "_")), key=len)
        if not args:
            make(network, name[len(network) + 1:], path)
        outputs[name] = run(path)
    if not args:
        np.savez_compressed(HERE / "quantized.npz", **outputs)
        return
    for name, stored in np.load(HERE / "quantized.npz").items():
        # A step of a layer deep inside may have become a few steps here.
        assert np.abs(outputs[name] - stored).max() <= 0.05 * np.abs(stored).max(), name
    print(len(outputs), "models compute what is stored")


main(sys.argv[1:])
