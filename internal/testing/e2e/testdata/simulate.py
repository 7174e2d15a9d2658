"""Computes a quantized network with the original's formulas in PyTorch, for torch_test.go.

    simulate.py NETWORK.json ARRAYS.npz RESULT.npz

NETWORK.json  {"nodes": [{"op", "inputs", "output", "attrs"}, ...] in order, "values": {name: {"real": index of the
              floats of an input, weight or bias, "scale", "zero": indices of the parameters of an activation, "lo",
              "hi": its codes}}, "results": [name, ...]}
ARRAYS.npz    the arrays "0", "1", ... that indices mean
RESULT.npz    the arrays "0", "1", ... of results: codes of activations, weights and biases as int32, and reals

Weights and biases come as floats and are quantized here: linear_quantize_weight_per_channel and
linear_quantize_bias_per_output_channel. Layers with weights are quantized_linear with the zero point folded into the
bias, and padding with the zero point. Sums of products of codes are exact in float64, in whatever order. Everything
that rounds is a float32 tensor, and every operation on it rounds once.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

WEIGHT_BITS = 8
INT32 = torch.iinfo(torch.int32)


def quantize_weight(w):
    """linear_quantize_weight_per_channel: codes in float64, and scales."""
    hi = 2 ** (WEIGHT_BITS - 1) - 1
    largest = w.flatten(1).abs().max(dim=1).values.double().clamp(min=5e-7)
    scale = (largest / hi).float()
    codes = torch.round(w / scale.reshape(-1, *[1] * (w.dim() - 1))).clamp(-hi - 1, hi)
    return codes.double(), scale


def quantize_bias(b, weight_scale, input_scale):
    """linear_quantize_bias_per_output_channel, saturating."""
    return torch.round(b / (input_scale * weight_scale)).double().clamp(INT32.min, INT32.max).long()


class Network:
    def __init__(self, spec, arrays):
        self.values, self.arrays = spec["values"], arrays
        self.codes, self.reals = {}, {}

    def array(self, name, what):
        return torch.from_numpy(self.arrays[str(self.values[name][what])])

    def params(self, name):
        """Scale and zero point of an activation, as float32 scalars."""
        return self.array(name, "scale")[0], self.array(name, "zero")[0].float()

    def clamp(self, name, y):
        v = self.values[name]
        return y.clamp(v["lo"], v["hi"])

    def requantize(self, name, acc, multiplier):
        """The end of quantized_linear."""
        zero = self.params(name)[1]
        return self.clamp(name, torch.round(acc.float() * multiplier + zero))

    def dequantize(self, name):
        scale, zero = self.params(name)
        return scale * (self.codes[name].float() - zero)

    def quantize(self, name, x):
        """linear_quantize, saturating."""
        scale, zero = self.params(name)
        return self.clamp(name, torch.round(x / scale) + zero)

    def layer(self, inputs, output, accumulate):
        """A layer with weights. accumulate(codes of the input, of the weight) gives [N, channels, ...] in float64."""
        x, weight, bias = inputs
        (sx, zx), sy = self.params(x), self.params(output)[0]
        qw, sw = quantize_weight(self.array(weight, "real"))
        qb = quantize_bias(self.array(bias, "real"), sw, sx)
        self.codes[weight], self.codes[bias] = qw, qb
        shifted = qb - int(zx) * qw.flatten(1).sum(dim=1).long()  # shift_quantized_linear_bias
        sums = accumulate(self.codes[x].double(), qw, float(zx))
        assert torch.equal(sums, sums.round())
        channels = (-1, *[1] * (sums.dim() - 2))
        acc = sums.long() + shifted.reshape(channels)
        assert INT32.min <= acc.min() and acc.max() <= INT32.max
        self.codes[output] = self.requantize(output, acc, (sx * sw / sy).reshape(channels))

    def run(self, node):
        op, inputs, out, attrs = node["op"], node["inputs"], node["output"], node["attrs"]
        x = inputs[0]
        if op == "QuantizeLinear":
            self.codes[out] = self.quantize(out, self.array(x, "real"))
        elif op == "DequantizeLinear":
            self.reals[out] = self.dequantize(x)
        elif op == "Conv":
            top, left, bottom, right = attrs.get("pads", [0, 0, 0, 0])

            def conv(q, w, zero):
                q = F.pad(q, (left, right, top, bottom), value=zero)
                return F.conv2d(q, w, stride=attrs.get("strides", 1))

            self.layer(inputs, out, conv)
        elif op == "Gemm":
            assert attrs["transB"] == 1
            self.layer(inputs, out, lambda q, w, zero: q @ w.T)
        elif op == "Relu":
            self.codes[out] = self.codes[x].clamp(min=float(self.params(out)[1]))
        elif op == "Add":
            self.codes[out] = self.quantize(out, self.dequantize(inputs[0]) + self.dequantize(inputs[1]))
        elif op == "MaxPool":
            self.codes[out] = F.max_pool2d(self.codes[x], attrs["kernel_shape"], attrs["strides"])
        elif op == "GlobalAveragePool":
            (sx, zx), sy = self.params(x), self.params(out)[0]
            n = torch.tensor(float(self.codes[x][0, 0].numel()))
            acc = (self.codes[x] - zx).double().sum(dim=(2, 3), keepdim=True)
            self.codes[out] = self.requantize(out, acc, sx / n / sy)
        elif op == "Flatten":
            self.codes[out] = self.codes[x].flatten(1)
        elif op == "Slice":
            assert attrs["axes"] == [2, 3] and attrs["starts"] == [0, 0] and attrs["steps"] == [2, 2]
            self.codes[out] = self.codes[x][:, :, ::2, ::2]
        elif op == "Pad":
            pads = attrs["pads"]
            assert pads[0] == pads[2] == pads[3] == pads[4] == pads[6] == pads[7] == 0
            zero = float(self.params(out)[1])
            self.codes[out] = F.pad(self.codes[x], (0, 0, 0, 0, pads[1], pads[5]), value=zero)
        else:
            raise ValueError("no formula for " + op)

    def result(self, name):
        if name in self.reals:
            return self.reals[name].numpy()
        return np.ascontiguousarray(self.codes[name].to(torch.int32).numpy())


def main():
    network, arrays, result = sys.argv[1:]
    with open(network) as f:
        spec = json.load(f)
    with np.load(arrays) as a:
        n = Network(spec, {name: a[name] for name in a.files})
    for node in spec["nodes"]:
        n.run(node)
    np.savez(result, **{str(i): n.result(name) for i, name in enumerate(spec["results"])})


main()
