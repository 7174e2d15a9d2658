#!/usr/bin/env python3
"""Networks of many families as PyTorch exports them, with what PyTorch computes.

    make_zoo.py                       write the small ones, NAME.onnx and outputs.npz, beside this script
    make_zoo.py --check               fail unless they are what it would write
    make_zoo.py --small DIR [NAME...] write them into another folder, each at several opsets
    make_zoo.py --full DIR [NAME...]  write them at the size of the papers

Needs the Python packages torch (1.13) and onnx. The networks are those of networks.py. They are not trained, but
their integers should behave as if they were: weights have the variance that keeps signals alive, each output channel
its own scale with a heavy tail, biases are not zero, the statistics of batch normalization come from images, and so do
the last layer's scale and bias: logits have mean 0 and variance 1 over images, so that a constant answer earns nothing.

Inputs are those of smooth.py.
"""

import io
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

sys.dont_write_bytecode = True
import networks as nets  # noqa: E402
from smooth import images  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
STORED = 2  # images whose outputs are stored
OPSETS = [9, 11, 13, 16]

V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
V3 = [(3, 16, 16, True, "RE", 2), (3, 72, 24, False, "RE", 2), (3, 88, 24, False, "RE", 1), (5, 96, 40, True, "HS", 2),
      (5, 240, 40, True, "HS", 1), (5, 240, 40, True, "HS", 1), (5, 120, 48, True, "HS", 1),
      (5, 144, 48, True, "HS", 1), (5, 288, 96, True, "HS", 2), (5, 576, 96, True, "HS", 1), (5, 576, 96, True, "HS", 1)]
V3_TINY = [(3, 8, 8, True, "RE", 2), (3, 16, 8, False, "RE", 1), (5, 16, 12, True, "HS", 2), (5, 24, 12, True, "HS", 1)]
FIRES = [(16, 64), (16, 64), "pool", (32, 128), (32, 128), "pool", (48, 192), (48, 192), (64, 256), (64, 256)]

# name: shape of an example, opset of the small one, the small network, the full one
ZOO = {
    "lenet": ((1, 16, 16), 9, lambda: nets.LeNet((4, 8), (24, 16), 10, 16),
              (1, 28, 28), lambda: nets.LeNet((6, 16), (120, 84), 10, 28)),
    "lenet_tanh": ((1, 16, 16), 11, lambda: nets.LeNetTanh((4, 8), (24, 16), 10, 16),
                   (1, 28, 28), lambda: nets.LeNetTanh((6, 16), (120, 84), 10, 28)),
    "mlp": ((1, 8, 8), 9, lambda: nets.MLP((64, 32, 24), 10),
            (1, 28, 28), lambda: nets.MLP((784, 512, 512, 256), 10)),
    "mlp_gated": ((1, 8, 8), 13, lambda: nets.Gated(64, 24, 10),
                  (1, 28, 28), lambda: nets.Gated(784, 512, 10)),
    "mobilenet_v2": ((3, 32, 32), 11, lambda: nets.MobileNetV2(
                        8, [(1, 4, 1, 1), (4, 6, 2, 2), (4, 8, 2, 2)], 32, 10),
                     (3, 224, 224), lambda: nets.MobileNetV2(32, V2, 1280, 1000)),
    "mobilenet_v3": ((3, 32, 32), 16, lambda: nets.MobileNetV3(8, V3_TINY, 32, 24, 10),
                     (3, 224, 224), lambda: nets.MobileNetV3(16, V3, 576, 1024, 1000)),
    "mobilenet_v3_by_hand": ((3, 32, 32), 9, lambda: nets.MobileNetV3(8, V3_TINY[1:], 24, 16, 10, nets.HardSwishByHand),
                             (3, 224, 224), lambda: nets.MobileNetV3(16, V3, 576, 1024, 1000, nets.HardSwishByHand)),
    "resnet18": ((3, 32, 32), 13, lambda: nets.ResNet((4, 6, 8, 12), (1, 1, 2, 1), 10, False),
                 (3, 224, 224), lambda: nets.ResNet((64, 128, 256, 512), (2, 2, 2, 2), 1000, False)),
    "resnet50": ((3, 32, 32), 9, lambda: nets.ResNet((4, 4, 8, 8), (1, 2, 1, 1), 10, True),
                 (3, 224, 224), lambda: nets.ResNet((64, 128, 256, 512), (3, 4, 6, 3), 1000, True)),
    "squeezenet": ((3, 32, 32), 11, lambda: nets.SqueezeNet(8, [(4, 8), "pool", (4, 12), "pool", (6, 16)], 10),
                   (3, 224, 224), lambda: nets.SqueezeNet(64, ["pool"] + FIRES, 1000)),
    "vit": ((3, 16, 16), 13, lambda: nets.ViT(16, 4, 24, 1, 3, 32, 10),
            (3, 224, 224), lambda: nets.ViT(224, 16, 192, 12, 3, 768, 1000)),
    "vit_mean": ((3, 16, 16), 16, lambda: nets.ViT(16, 4, 16, 2, 2, 32, 10, False),
                 (3, 224, 224), lambda: nets.ViT(224, 16, 192, 12, 3, 768, 1000, False)),
    "cnn1d": ((4, 64), 13, lambda: nets.CNN1d(4, (8, 16, 16), 6),
              (12, 1000), lambda: nets.CNN1d(12, (64, 128, 128, 256), 6)),
    "densenet": ((3, 32, 32), 13, lambda: nets.DenseNet(8, 4, (2, 3), 10),
                 (3, 224, 224), lambda: nets.DenseNet(64, 32, (6, 12, 24, 16), 1000, 2)),
    "shufflenet": ((3, 32, 32), 11, lambda: nets.ShuffleNet(8, [(16, 2), (24, 2)], 32, 2, 10),
                   (3, 224, 224), lambda: nets.ShuffleNet(24, [(116, 4), (232, 8), (464, 4)], 1024, 2, 1000)),
}


def train_like(model, shape):
    """Gives the model weights and statistics as if it had been trained."""
    random = torch.Generator().manual_seed(1)

    def normal(*size):
        return torch.randn(*size, generator=random)

    with torch.no_grad():
        for m in model.modules():
            if isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Linear)):
                w = m.weight
                gain = 1 if isinstance(m, nn.Linear) and isinstance(model, nets.ViT) else 2
                spread = torch.exp(0.5 * normal(w.shape[0])).reshape(-1, *[1] * (w.dim() - 1))
                w.copy_(normal(*w.shape) * (gain / w[0].numel()) ** 0.5 * spread)
                if m.bias is not None:
                    m.bias.copy_(0.2 * normal(w.shape[0]))
            elif isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
                m.weight.copy_(torch.exp(0.3 * normal(*m.weight.shape)))
                m.bias.copy_(0.3 * normal(*m.bias.shape))
                m.momentum = None  # the mean of all batches
            elif isinstance(m, nn.PReLU):
                m.weight.copy_(0.25 + 0.1 * normal(*m.weight.shape))
        for m in model.modules():
            # Training leaves branches small beside what they are added to. Without that, a deep network answers the
            # same to all images, and multiplies every error.
            if getattr(m, "residual", False):
                [n for n in m.layers.modules() if isinstance(n, nn.BatchNorm2d)][-1].weight.mul_(0.3)
        n = 16 if np.prod(shape) > 10000 else 32
        model.train()
        for i in range(4):
            model(torch.from_numpy(images(10000 + n * i, n, shape)))
        model.eval()
        last = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))][-1]
        logits = []
        hook = last.register_forward_hook(lambda m, x, y: logits.append(y.flatten(2).mean(2) if y.dim() == 4 else y))
        model(torch.from_numpy(images(20000, n, shape)))
        hook.remove()
        mean, scale = logits[0].mean(0), 1 / logits[0].std(0)
        last.weight.mul_(scale.reshape(-1, *[1] * (last.weight.dim() - 1)))
        last.bias.copy_((last.bias - mean) * scale + (1.0 if isinstance(model, nets.SqueezeNet) else 0.0))


def make(name, full=False):
    """The network, and its outputs for the first images."""
    torch.manual_seed(0)
    shape, _, build, full_shape, full_build = ZOO[name]
    if full:
        shape, build = full_shape, full_build
    model = build()
    train_like(model, shape)
    x = torch.from_numpy(images(0, STORED, shape))
    with torch.no_grad():
        return model, x, model(x).numpy()


def export(model, x, opset, name):
    """Where the exporter is told so, which is at opset 9, it keeps BatchNormalization nodes."""
    mode = torch.onnx.TrainingMode
    file = io.BytesIO()
    torch.onnx.export(
        model, x, file, opset_version=opset, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
        training=mode.PRESERVE if opset == 9 else mode.EVAL)
    proto = onnx.load_from_string(file.getvalue())
    proto.graph.name = name
    proto.producer_version = ""
    return proto


def same(got, want, name):
    """Fails unless two models differ only in the last digits of weights, which depend on the processor."""
    def skeleton(m):
        m = onnx.ModelProto.FromString(m.SerializeToString())
        for t in tensors(m):
            t.ClearField("raw_data")
            t.ClearField("float_data")
        return m
    assert skeleton(got) == skeleton(want), f"{name}: the graphs differ"
    for a, b in zip(tensors(got), tensors(want)):
        close(numpy_helper.to_array(a), numpy_helper.to_array(b), f"{name}: {a.name}")


def tensors(m):
    return list(m.graph.initializer) + [a.t for n in m.graph.node for a in n.attribute if a.HasField("t")]


def close(got, want, what):
    assert got.shape == want.shape and got.dtype == want.dtype, what
    assert np.allclose(got, want, rtol=1e-3, atol=1e-4 * max(1e-30, np.abs(want).max(initial=0))), what


def many(folder, names, full):
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {}
    for name in names or ZOO:
        model, x, y = make(name, full)
        for opset in [13] if full else OPSETS:
            key = f"{name}_opset{opset}"
            onnx.save(export(model, x, opset, name), folder / f"{key}.onnx")
            outputs[key] = y
            print(key, flush=True)
    np.savez_compressed(folder / "outputs.npz", **outputs)


def main(args):
    torch.set_num_threads(1)
    if len(args) > 1 and args[0] in ("--small", "--full"):
        many(pathlib.Path(args[1]), args[2:], args[0] == "--full")
        return
    if args not in ([], ["--check"]):
        sys.exit(__doc__)
    outputs = {}
    for name, (_, opset, *_) in ZOO.items():
        model, x, outputs[name] = make(name)
        proto = export(model, x, opset, name)
        file = HERE / f"{name}.onnx"
        if args:
            same(proto, onnx.load(file), name)
            close(np.load(HERE / "outputs.npz")[name], outputs[name], f"{name}: outputs")
        else:
            onnx.save(proto, file)
    if args:
        print(len(ZOO), "networks are as stored")
    else:
        np.savez_compressed(HERE / "outputs.npz", **outputs)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1:])
