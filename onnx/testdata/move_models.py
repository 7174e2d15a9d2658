"""The models of make_models.py that move elements, have one dimension, or are of the opsets before 7."""

import numpy as np
import torch
import torch.nn.functional as F
from make_models import BATCH, Model, i64, t, values
from onnx import TensorProto, numpy_helper

CASES = {}


def case(*shape):
    def register(f):
        CASES[f.__name__] = f, shape
        return f

    return register


@case(5, 4)
def gather_opset13(x):
    m = Model(13, x).init("i", i64(3, -5, 0, 3)).node("Gather", ["x", "i"], axis=1)
    return m, x[:, [3, 0, 0, 3]]


@case(5, 4)
def gather_scalar_opset11(x):
    return Model(11, x).init("i", i64(-2).reshape(())).node("Gather", ["x", "i"], axis=2), x[:, :, 2]


@case(5, 4)
def gather_matrix_opset13(x):
    i = np.array([[0, 4, 1], [-1, 2, 2]], np.int32)
    return Model(13, x).init("i", i).node("Gather", ["x", "i"], axis=1), x[:, t(i.astype(np.int64) % 5)]


@case(3, 1, 2)
def expand_opset13(x):
    return Model(13, x).init("s", i64(1, 3, 4, 2)).node("Expand", ["x", "s"]), x.expand(-1, 3, 4, 2)


@case(3, 5, 4)
def pad_crops_opset13(x):
    m = Model(13, x).init("p", i64(0, 0, -2, 1, 0, 1, 0, -2)).init("v", np.float32(0.5)).node("Pad", ["x", "p", "v"])
    return m, F.pad(x, (1, -2, -2, 0, 0, 1), value=0.5)


@case(2, 3)
def tile_opset13(x):
    return Model(13, x).init("r", i64(1, 2, 3)).node("Tile", ["x", "r"]), x.repeat(1, 2, 3)


@case(6, 3)
def split_opset11(x):
    m = Model(11, x).node("Split", ["x"], ["a", "b"], axis=1, split=[2, 4]).node("Split", ["b"], ["c", "d"], axis=-2)
    return m.node("Concat", ["d", "a", "c"], axis=1), torch.cat([x[:, 4:], x[:, :4]], 1)


@case(7, 2)
def split_uneven_opset18(x):
    m = Model(18, x).node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3)
    a, b, c = x.split(3, 1)
    return m.node("Concat", ["c", "a"], axis=1), torch.cat([c, a], 1)


@case(8, 2, 3)
def depth_to_space_opset13(x):
    m = Model(13, x).node("DepthToSpace", ["x"], ["d"], blocksize=2, mode="CRD").node("SpaceToDepth", ["d"], blocksize=2)
    y = F.pixel_shuffle(x, 2)
    y = y.reshape(-1, 2, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(-1, 8, 2, 3)
    return m, y


@case(8, 2, 3)
def depth_to_space_first_opset9(x):
    m = Model(9, x).node("DepthToSpace", ["x"], blocksize=2)
    return m, x.reshape(-1, 2, 2, 2, 2, 3).permute(0, 3, 4, 1, 5, 2).reshape(-1, 2, 4, 6)


@case(3, 4)
def token_opset13(x):
    """a constant that every example has, expanded to the batch as PyTorch exports it, in front"""
    m = Model(13, x).init("token", values([1, 1, 4], 23)).init("zero", i64(0)).init("rest", i64(-1, -1)).init("one", i64(1))
    m.node("Shape", ["x"], ["shape"]).node("Gather", ["shape", "zero"], ["n"]).node("Concat", ["n", "rest"], ["s"], axis=0)
    ones = numpy_helper.from_array(i64(1))
    m.node("Shape", ["s"], ["three"]).node("ConstantOfShape", ["three"], ["ones"], value=ones)
    m.init("minus", i64(-1)).node("Mul", ["ones", "minus"], ["none"]).node("Equal", ["s", "none"], ["eq"])
    m.node("Where", ["eq", "ones", "s"], ["target"]).node("Expand", ["token", "target"], ["tokens"])
    return m.node("Concat", ["tokens", "x"], axis=1), torch.cat([t(values([1, 1, 4], 23)).expand(BATCH, 1, 4), x], 1)


@case(5, 12)
def qkv_opset13(x):
    """queries, keys and values of one product, with the batch as dimension 1 on the way"""
    m = Model(13, x).init("s", i64(0, 5, 3, 2, 2)).node("Reshape", ["x", "s"], ["r"])
    m.node("Transpose", ["r"], ["p"], perm=[2, 0, 3, 1, 4])
    for i, name in enumerate("qkv"):
        m.init(f"i{i}", i64(i).reshape(())).node("Gather", ["p", f"i{i}"], [name], axis=0)
    m.node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]).node("MatMul", ["q", "kt"], ["a"]).node("MatMul", ["a", "v"])
    q, k, v = x.reshape(-1, 5, 3, 2, 2).permute(2, 0, 3, 1, 4)
    return m, q @ k.transpose(-1, -2) @ v


@case(4, 3)
def mask_opset13(x):
    """attention to what came before, as PyTorch exports masked_fill"""
    mask = np.tril(np.ones((1, 4, 4), bool))
    m = Model(13, x).node("Transpose", ["x"], ["xt"], perm=[0, 2, 1]).node("MatMul", ["x", "xt"], ["s"])
    m.init("m", mask).init("low", np.float32("-inf")).node("Where", ["m", "s", "low"], ["w"]).node("Softmax", ["w"], axis=-1)
    return m, (x @ x.transpose(1, 2)).masked_fill(~t(mask), float("-inf")).softmax(-1)


@case(5, 12)
def unbind_opset13(x):
    m = Model(13, x).init("s", i64(0, 5, 3, 4)).node("Reshape", ["x", "s"], ["r"]).init("zero", i64(0))
    m.node("Transpose", ["r"], ["p"], perm=[2, 0, 3, 1]).node("Split", ["p"], ["q1", "k1", "v1"], axis=0)
    for name in "qkv":
        m.node("Squeeze", [name + "1", "zero"], [name])
    q, k, v = x.reshape(-1, 5, 3, 4).permute(2, 0, 3, 1)
    return m.node("Add", ["q", "k"], ["a"]).node("Mul", ["a", "v"]), (q + k) * v


@case(3, 9)
def conv1d_opset13(x):
    w, b = values([4, 3, 3], 29), values([4], 11)
    m = Model(13, x).init("w", w).init("b", b)
    m.node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3], pads=[1, 2], strides=[2]).node("Relu", ["c"], ["r"])
    m.node("MaxPool", ["r"], ["p"], kernel_shape=[2]).node("Add", ["p", "p"], ["d"]).node("GlobalAveragePool", ["d"], ["g"])
    return m.node("Flatten", ["g"]), 2 * F.max_pool1d(F.conv1d(F.pad(x, (1, 2)), t(w), t(b), stride=2).relu(), 2, 1).mean(2)


@case(3, 9)
def conv1d_operands_opset13(x):
    """constants of other ranks between layers of one dimension"""
    w, c, l, n = values([4, 3, 3], 29), values([4, 1], 11), values([7], 13), values([1, 4, 1], 17)
    m = Model(13, x).init("w", w).init("c", c).init("l", l).init("n", n).node("Conv", ["x", "w"], ["a"])
    m.node("Mul", ["c", "a"], ["b"]).node("Add", ["b", "l"], ["d"]).node("PRelu", ["d", "n"], ["e"])
    y = t(c) * F.conv1d(x, t(w)) + t(l)
    return m.node("MaxPool", ["e"], kernel_shape=[3], strides=[2]), F.max_pool1d(torch.where(y < 0, y * t(n), y), 3, 2)


@case(3, 4)
def add_axis_opset6(x):
    """a second operand that is laid beside the first from axis 1 on"""
    m = Model(6, x).init("c", values([3], 29)).node("Add", ["x", "c"], ["a"], axis=1, broadcast=1)
    m.init("s", np.array([0.5], np.float32)).node("Mul", ["a", "s"], ["b"], broadcast=1)
    return m.node("PRelu", ["b", "c"]), F.prelu((x + t(values([3], 29)).reshape(3, 1)) * 0.5, t(values([3], 29)))


@case(2, 6)
def forms_of_opset1(x):
    m = Model(1, x).node("Reshape", ["x"], ["r"], shape=[0, 3, 4]).node("Relu", ["r"], ["a"], consumed_inputs=[0])
    m.node("Concat", ["a", "r"], ["c"]).node("Cast", ["c"], ["d"], to="FLOAT").node("Dropout", ["d"], ["e"], is_test=1)
    y = x.reshape(-1, 3, 4)
    return m.node("Pad", ["e"], paddings=[0, 0, 1, 0, 0, 0], value=0.25), F.pad(torch.cat([y.relu(), y], 1), (1, 0), value=0.25)


@case(4, 5, 4)
def conv_transpose_opset11(x):
    w, b = values([4, 3, 3, 2], 29), values([6], 11)
    m = Model(11, x).init("w", w).init("b", b)
    m.node("ConvTranspose", ["x", "w", "b"], group=2, strides=[2, 3], pads=[1, 0, 1, 0], output_padding=[1, 0], dilations=[1, 2])
    return m, F.conv_transpose2d(x, t(w), t(b), (2, 3), (1, 0), (1, 0), 2, (1, 2))


@case(3, 4, 4)
def conv_transpose_tiles_opset13(x):
    """as a U-Net doubles a picture"""
    w, b = values([3, 2, 2, 2], 29), values([2], 11)
    m = Model(13, x).init("w", w).init("b", b).node("ConvTranspose", ["x", "w", "b"], strides=[2, 2], kernel_shape=[2, 2])
    return m, F.conv_transpose2d(x, t(w), t(b), 2)


@case(2, 6)
def conv_transpose_cropped_opset13(x):
    """more is cut off than the kernel reaches; in one dimension"""
    w = values([2, 3, 2], 29)
    m = Model(13, x).init("w", w).node("ConvTranspose", ["x", "w"], ["a"], strides=[3], pads=[3, 4]).node("Relu", ["a"])
    return m, F.conv_transpose1d(x, t(w), stride=3)[:, :, 3:-4].relu()


@case(6, 3, 2)
def lrn_opset13(x):
    m = Model(13, x).node("LRN", ["x"], size=4, alpha=0.5, beta=0.75, bias=2.0)
    square = F.pad((x * x).unsqueeze(1), (0, 0, 0, 0, 1, 2))
    mean = sum(square[:, :, i : i + 6] for i in range(4)).squeeze(1) / 4
    return m, x / (2 + 0.5 * mean) ** 0.75


class Moves(torch.nn.Module):
    """What PyTorch's exporter writes for the ways to choose, join and repeat."""

    def forward(self, x):
        a, b = torch.chunk(x, 2, 1)
        y = torch.cat([b[:, :, ::2], a[:, 1:, 1::2].repeat(1, 3, 1, 1)], 1)
        y = y + y[:, :1].expand(-1, y.size(1), -1, -1)
        y = torch.stack([y, -y], 1)[:, torch.tensor([1, 0, 1])]
        return y.view(y.size(0), -1)


class Sequence(torch.nn.Module):
    """A network for sequences: convolutions in one dimension."""

    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Conv1d(3, 6, 3, padding=1), torch.nn.Conv1d(6, 6, 3, padding=2, dilation=2, groups=3)
        self.norm, self.last = torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 4)
        for i, p in enumerate(self.parameters()):
            p.data = t(values(p.shape, 29 + 2 * i)) / 2
        self.norm.running_mean = t(values([6], 17))
        self.norm.running_var = t(values([6], 19)).abs() + 0.5

    def forward(self, x):
        y = F.max_pool1d(F.relu(self.norm(self.a(x))), 2)
        y = F.relu(self.b(y) + y)
        return self.last(F.adaptive_avg_pool1d(F.avg_pool1d(y, 2, padding=1), 1).flatten(1))


class Attention(torch.nn.Module):
    """A head of a vision transformer: a token in front, positions, attention."""

    def __init__(self):
        super().__init__()
        self.token, self.position = torch.nn.Parameter(t(values([1, 1, 8], 7))), torch.nn.Parameter(t(values([1, 10, 8], 13)))
        self.qkv, self.out = torch.nn.Linear(8, 24), torch.nn.Linear(8, 3)
        for i, p in enumerate(self.parameters()):
            p.data = t(values(p.shape, 29 + 2 * i)) / 4

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.size(0), -1, -1), x], 1) + self.position
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        x = ((q @ k.transpose(-2, -1)) * 0.5).softmax(-1) @ v
        return self.out(x.transpose(1, 2).reshape(b, n, c)[:, 0])


class Decoder(torch.nn.Module):
    """The way down and up again of a U-Net."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.Conv2d(4, 6, 3, 2, 1)
        self.up, self.last = torch.nn.ConvTranspose2d(6, 4, 2, 2), torch.nn.ConvTranspose2d(8, 2, 4, 2, 1, groups=2)
        for i, p in enumerate(self.parameters()):
            p.data = t(values(p.shape, 29 + 2 * i)) / 3

    def forward(self, x):
        y = F.relu(self.down(x))
        return self.last(torch.cat([y, F.relu(self.up(F.relu(self.deep(y))))], 1))


EXPORTED = {"decoder": (Decoder, (2, 6, 6)), "moves": (Moves, (4, 6, 4)), "sequence": (Sequence, (3, 12)), "attention": (Attention, (8, 3, 3))}
