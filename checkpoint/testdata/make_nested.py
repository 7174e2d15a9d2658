"""Writes nested/*.pt, objects as people save them, with PyTorch 1.13, and nested.json: of each file the path of keys of
every array of numbers in it with the CRC-32 of its bytes, found by a walk over the object itself. nested_test.go has what of
it should be taken for the network."""
import argparse
import collections
import json
import pathlib
import zlib

import numpy
import torch

here = pathlib.Path(__file__).parent
count = 0


def t(*shape):
    global count
    count += 1
    n = 1
    for d in shape:
        n *= d
    return torch.arange(n).float().reshape(shape) + count


def net(**more):
    return collections.OrderedDict([("fc.weight", t(3, 2)), ("fc.bias", t(3)), *more.items()])


def adam():
    return {"state": {0: {"step": 3, "exp_avg": t(3, 2)}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}


def a(dtype, *shape, order="C"):
    return numpy.asarray(t(*shape).numpy().astype(dtype), order=order)


objects = numpy.empty(2, object)
objects[0], objects[1] = a("f4", 2), a("f4", 3)
shared = net()

saved = {
    "flat": net(),
    "state_dict": {"epoch": 3, "state_dict": net(), "optimizer": adam(), "best_acc": torch.tensor(91.0)},
    "state_dict_and_tensor": {"state_dict": net(), "class_weights": t(10)},
    "model_and_tensor": {"model": net(), "class_weights": t(10)},
    "model_and_number": {"model": net(), "best_acc": torch.tensor([91.0]), "cuda_rng_state": t(4).byte()},
    "backbone_head": {"backbone": net(), "head": net(), "epoch": 3},
    "generator_discriminator": {"generator": net(), "discriminator": net(), "optim_g": adam(), "optim_d": adam()},
    "params_batch_stats": {"params": {"conv": {"kernel": t(2, 2)}}, "batch_stats": {"bn": {"mean": t(4), "var": t(4)}}},
    "numpy_params_batch_stats": {"params": {"conv": {"kernel": a("f4", 2, 3)}}, "batch_stats": {"bn": {"mean": a("f8", 4)}}},
    "model_head": {"model": net(), "head": {"weight": t(5, 3)}},
    "state_dicts": {"model_state_dict": net(), "head_state_dict": {"weight": t(5, 3)}},
    "weights_biases": {"weights": {"0": t(2, 2)}, "biases": {"0": t(2)}},
    "deep": {"checkpoint": {"model": {"state_dict": net()}, "optimizer": adam()}, "args": argparse.Namespace(lr=0.1)},
    "deep_parts": {"model": {"encoder": net(), "decoder": net(), "optimizer": adam()}, "epoch": 1},
    "ema": {"model": net(), "model_ema": net(), "optimizer": adam()},
    "ema_of_parts": {"g": net(), "d": net(), "g_ema": net()},
    "only_ema": {"ema": net(), "epoch": 3},
    "params_ema": {"params": net(), "params_ema": net()},
    "best": {"state_dict": net(), "best_state_dict": net()},
    "student_teacher": {"student": net(), "teacher": net()},
    "shared": {"state_dict": shared, "model": shared, "epoch": 1},
    "lightning": {
        "epoch": 1, "pytorch-lightning_version": "1.9.0", "state_dict": net(), "optimizer_states": [adam()], "lr_schedulers": [],
        "callbacks": {"ModelCheckpoint": {"best_model_score": t(1), "history": t(5)}}, "MyDataModule": {"mean": t(3)},
        "hyper_parameters": {"class_weights": t(3)},
    },
    "list": [net(), net()],
    "tuple": (net(), adam()),
    "lists_in_dict": {"model": {"layers": [{"w": t(2, 2)}, {"w": t(2, 2)}]}, "heads": (t(2), t(3))},
    "wrapper_and_list": {"state_dict": net(), "heads": [{"w": t(2, 2)}, {"w": t(2, 2)}]},
    "namespace": {"model": net(), "extra": argparse.Namespace(codebook=t(4, 2))},
    "deque": {"model": net(), "queue": collections.deque([t(4), t(4)], maxlen=9)},
    "defaultdict": collections.defaultdict(dict, a=net(), b=net()),
    "tuple_keys": {("params", "dense", "kernel"): t(2, 2), ("params", "dense", "bias"): t(2)},
    "scale": {"visual": net(), "logit_scale": torch.tensor(4.6)},
    "arrays": {
        "f2": a("f2", 2, 3), "f8": a("f8", 2, 3), "i8": a("i8", 4), "u1": a("u1", 200), "fortran": a("f4", 3, 2, order="F"),
        "big": a(">f4", 2, 3), "scalar": a("f4"), "empty": a("f4", 0, 3), "objects": objects, "bool": a("?", 4),
        "names": numpy.array(["cat", "dog"]),
    },
    "array": a("f4", 2, 3),
}
likelier, unknown = net(), net()
saved |= {
    "empty": {"weight": t(2, 2), "none": torch.empty(0, 3)},
    "ema_inside": {"model": net(), "model_ema": {"module": net(), "decay": t(1)}},
    "shared_likelier": {"model": likelier, "state_dict": likelier},
    "shared_unknown": {"zoo": unknown, "abc": unknown},
}


def walk(v, path, found):
    if isinstance(v, torch.Tensor):
        v = v.detach().numpy()
    if isinstance(v, numpy.ndarray) and v.dtype == object:
        v = list(v)
    if isinstance(v, numpy.ndarray):
        if v.dtype.kind != "U":
            little = numpy.ascontiguousarray(v.astype(v.dtype.newbyteorder("<")))
            found[".".join(path) or "tensor"] = zlib.crc32(little.tobytes())
        return
    if isinstance(v, argparse.Namespace):
        v = vars(v)
    if isinstance(v, dict):
        if (v is shared or v is unknown) and found or v is likelier and path == ["model"]:
            return  # once
        for k, item in v.items():
            walk(item, path + ([".".join(k)] if isinstance(k, tuple) else [str(k)]), found)
    elif isinstance(v, (list, tuple, collections.deque)):
        for i, item in enumerate(v):
            walk(item, path + [str(i)], found)


expected = {}
for name, value in saved.items():
    torch.save(value, here / "nested" / f"{name}.pt", _use_new_zipfile_serialization=False)
    walk(value, [], expected.setdefault(name, {}))
for protocol in (2, 5):
    torch.save(saved["arrays"], here / "nested" / f"arrays{protocol}.pt", pickle_protocol=protocol)
    expected[f"arrays{protocol}"] = expected["arrays"]
with open(here / "nested.json", "w") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
