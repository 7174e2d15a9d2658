"""Writes the PyTorch fixtures beside it, with PyTorch 1.13: torch.zip.pt in today's layout, torch.legacy.pt in the one before,
both of the same object. torch_test.go computes what is in them from the same rules."""
import collections
import pathlib

import torch

here = pathlib.Path(__file__).parent


def ramp(dtype, *shape):
    n = 1
    for d in shape:
        n *= d
    return torch.arange(n).to(dtype).reshape(shape)


base = ramp(torch.float32, 6, 4)
cycle = {"epoch": 7}
cycle["self"] = cycle

state = collections.OrderedDict()
state["contiguous"] = base
state["transposed"] = base.t()
state["strided"] = base[1::2, ::3]
state["shared"] = base[2:4]
state["expanded"] = ramp(torch.float32, 3, 1).expand(3, 5)
state["permuted"] = ramp(torch.int16, 2, 3, 4).permute(2, 0, 1)
for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool):
    state[str(dtype).removeprefix("torch.")] = ramp(dtype, 2, 3)
state["complex"] = torch.complex(ramp(torch.float32, 2), ramp(torch.float32, 2))
state["scalar"] = torch.tensor(42)
state["empty"] = torch.zeros(0, 3)
state["parameter"] = torch.nn.Parameter(ramp(torch.float32, 3))
state["per_tensor"] = torch.quantize_per_tensor(ramp(torch.float32, 2, 3), 0.5, 3, torch.quint8)
state["per_channel"] = torch.quantize_per_channel(
    ramp(torch.float32, 2, 3), torch.tensor([0.5, 0.25], dtype=torch.float64), torch.tensor([0, -1]), 0, torch.qint8)
state["fc._packed_params._packed_params"] = (torch.quantize_per_tensor(ramp(torch.float32, 2), 1.0, 0, torch.qint8), ramp(torch.float32, 2))

saved = {
    "epoch": 199, "best_prec1": 91.7, "arch": "toy", "best_acc": torch.tensor(91.0), "cycle": cycle,
    "state_dict": state,
    "optimizer": {"state": {0: {"momentum_buffer": ramp(torch.float32, 2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
}
torch.save(saved, here / "torch.zip.pt")
torch.save(saved, here / "torch.legacy.pt", _use_new_zipfile_serialization=False)
