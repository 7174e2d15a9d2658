"""Brevitas: GPTQ makes codes of weights, bias correction follows; linquant's engine counts.

    python brevitas_codes.py NETWORK --data DIR --bits 4,3,2
"""
import argparse
import os
import time

import brevitas
import brevitas.nn as qnn
import torch
from brevitas.graph.calibrate import bias_correction_mode, calibration_mode
from brevitas.graph.gptq import gptq_mode
from brevitas.graph.quantize import layerwise_quantize
from brevitas.inject import value
from brevitas_examples.imagenet_classification.ptq import ptq_common

import common
from network import Network


def quantized(model, bits):
    """Returns the model with quantized weights and inputs of layers; first and last layer have 8 bits."""
    @value
    def width(module):
        edge = isinstance(module, torch.nn.Linear) or module.in_channels == 3
        return 8 if edge else bits

    _, layerwise, _, _ = ptq_common.create_quant_maps(
        dtype=torch.float32, bias_bit_width=None, weight_bit_width=width, weight_param_method="mse",
        weight_scale_type="float_scale", weight_quant_type="sym", weight_quant_granularity="per_channel",
        weight_narrow_range=False, weight_quant_format="int", act_quant_format="int", act_bit_width=8,
        act_scale_type="float_scale", act_scale_computation_type="static", act_param_method="stats",
        act_quant_type="asym", act_quant_granularity="per_tensor", act_quant_percentile=99.999)
    return layerwise_quantize(model, compute_layer_map=layerwise)


def layers_of(model):
    return [m for m in model.modules() if isinstance(m, (qnn.QuantConv2d, qnn.QuantLinear))]


@torch.no_grad()
def make(model, batches):
    model(batches[0])  # makes the scales of weights
    with calibration_mode(model):
        for b in batches:
            model(b)
    with gptq_mode(model, act_order=True, use_quant_activations=True) as run:
        for _ in range(run.num_layers):
            for b in batches:
                run.model(b)
            run.update()
    with bias_correction_mode(model):
        for b in batches:
            model(b)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("network")
    p.add_argument("--data", required=True, help="folder of CIFAR-10's binary files")
    p.add_argument("--bits", default="4,3,2", help="bits of weights, with commas between")
    p.add_argument("--work", default=".", help="folder for the files that are made")
    a = p.parse_args()
    name = os.path.basename(a.network).split("-")[0].split(".")[0]
    float_path = os.path.join(a.work, f"brevitas-{name}.onnx")
    onnx_model = common.export(a.network, float_path)
    x = torch.from_numpy(common.training(a.data, onnx_model))
    for bits in map(int, a.bits.split(",")):
        torch.manual_seed(0)
        start = time.time()
        model = quantized(Network(onnx_model).eval(), bits).eval()
        make(model, x.split(64))
        took = time.time() - start
        ours = os.path.join(a.work, f"brevitas-{name}-w{bits}.onnx")
        common.quantize(a.network, ours, a.data, bits, 8, "--weights", "nearest")
        q = common.QDQ(ours)
        made = layers_of(model)
        assert len(made) == len(q.layers)
        with torch.no_grad():
            for node, m in zip(q.layers, made):
                w = m.quant_weight()
                if int(w.bit_width) != (8 if node in (q.layers[0], q.layers[-1]) else bits):
                    raise SystemExit(f"{node.name} has {int(w.bit_width)} bits")
                q.layer(node, w.value.numpy(), w.scale.numpy(), m.bias.numpy(), int(w.bit_width))
        q.save(ours)
        print(f"{name} w{bits}a8: Brevitas {brevitas.__version__}, GPTQ: "
              f"{common.right(ours, a.data)} right, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
