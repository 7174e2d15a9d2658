"""Networks of the families that people bring, at any width: modules of PyTorch alone, for make_zoo.py."""

import torch
import torch.nn.functional as F
from torch import nn


def conv(cin, cout, k=3, stride=1, groups=1, bias=False, padding=None):
    return nn.Conv2d(cin, cout, k, stride, k // 2 if padding is None else padding, groups=groups, bias=bias)


def conv_bn(cin, cout, k=3, stride=1, groups=1, act=nn.ReLU):
    layers = [conv(cin, cout, k, stride, groups), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, *([act()] if act else []))


class LeNet(nn.Module):
    """LeCun et al. 1998 with rectifiers; the flattening is x.view(x.size(0), -1)."""

    def __init__(self, channels, hidden, classes, size):
        super().__init__()
        a, b = channels
        self.conv1, self.conv2 = conv(1, a, 5, bias=True), conv(a, b, 5, bias=True, padding=0)
        self.features = b * ((size // 2 - 4) // 2) ** 2
        self.fc1, self.fc2 = nn.Linear(self.features, hidden[0]), nn.Linear(*hidden)
        self.fc3 = nn.Linear(hidden[1], classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class LeNetTanh(LeNet):
    """The original's tanh and average pooling, and a softmax at the end."""

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return F.softmax(self.fc3(torch.tanh(self.fc2(x))), dim=1)


class MLP(nn.Module):
    """Layers with BatchNorm1d behind the rectifier or before it, and dropout."""

    def __init__(self, widths, classes):
        super().__init__()
        layers = [nn.Flatten()]
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            norm, act = nn.BatchNorm1d(b), [nn.ReLU(), nn.LeakyReLU(0.1)][i % 2]
            layers += [nn.Linear(a, b)] + ([norm, act] if i % 2 == 0 else [act, norm]) + [nn.Dropout(0.2)]
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(widths[-1], classes)

    def forward(self, x):
        return self.fc(self.layers(x))


class Gated(nn.Module):
    """An MLP without biases (MatMul), with ELU, PReLU, a sigmoid gate and log-softmax."""

    def __init__(self, features, hidden, classes):
        super().__init__()
        self.up, self.gate = nn.Linear(features, hidden, bias=False), nn.Linear(features, hidden)
        self.mid, self.prelu = nn.Linear(hidden, hidden), nn.PReLU(hidden)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, x):
        x = x.flatten(1)
        x = F.elu(self.up(x)) * torch.sigmoid(self.gate(x))
        return F.log_softmax(self.fc(x + self.prelu(self.mid(x))), dim=-1)


class InvertedResidual(nn.Module):
    """Sandler et al. 2018."""

    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        mid = cin * expand
        self.residual = stride == 1 and cin == cout
        self.layers = nn.Sequential(
            *([conv_bn(cin, mid, 1, act=nn.ReLU6)] if expand != 1 else []),
            conv_bn(mid, mid, 3, stride, groups=mid, act=nn.ReLU6), conv_bn(mid, cout, 1, act=None))

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV2(nn.Module):
    def __init__(self, stem, blocks, last, classes, first_stride=2):
        super().__init__()
        layers, cin = [conv_bn(3, stem, 3, first_stride, act=nn.ReLU6)], stem
        for expand, cout, n, stride in blocks:
            for i in range(n):
                layers.append(InvertedResidual(cin, cout, stride if i == 0 else 1, expand))
                cin = cout
        self.features = nn.Sequential(*layers, conv_bn(cin, last, 1, act=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class HardSwishByHand(nn.Module):
    """As code before nn.Hardswish has it: Add, Clip, Mul, Div."""

    def forward(self, x):
        return x * F.relu6(x + 3) / 6


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1, self.fc2 = conv(channels, squeezed, 1, bias=True), conv(squeezed, channels, 1, bias=True)

    def forward(self, x):
        s = F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        return F.hardsigmoid(self.fc2(s)) * x


class V3Block(nn.Module):
    """Howard et al. 2019."""

    def __init__(self, cin, k, mid, cout, squeeze, act, stride):
        super().__init__()
        self.residual = stride == 1 and cin == cout
        layers = [conv_bn(cin, mid, 1, act=act)] if mid != cin else []
        layers.append(conv_bn(mid, mid, k, stride, groups=mid, act=act))
        if squeeze:
            layers.append(SqueezeExcite(mid, max(2, mid // 4)))
        self.layers = nn.Sequential(*layers, conv_bn(mid, cout, 1, act=None))

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV3(nn.Module):
    def __init__(self, stem, blocks, last, hidden, classes, swish=nn.Hardswish, first_stride=2):
        super().__init__()
        layers, cin = [conv_bn(3, stem, 3, first_stride, act=swish)], stem
        for k, mid, cout, squeeze, act, stride in blocks:
            layers.append(V3Block(cin, k, mid, cout, squeeze, swish if act == "HS" else nn.ReLU, stride))
            cin = cout
        self.features = nn.Sequential(*layers, conv_bn(cin, last, 1, act=swish))
        self.classifier = nn.Sequential(nn.Linear(last, hidden), swish(), nn.Dropout(0.2), nn.Linear(hidden, classes))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(torch.flatten(x, 1))


class Residual(nn.Module):
    """He et al. 2016: two 3×3 convolutions, or a bottleneck with expansion 4."""

    def __init__(self, cin, width, stride, bottleneck):
        super().__init__()
        cout = 4 * width if bottleneck else width
        self.residual = True
        if bottleneck:
            self.layers = nn.Sequential(
                conv_bn(cin, width, 1), conv_bn(width, width, 3, stride), conv_bn(width, cout, 1, act=None))
        else:
            self.layers = nn.Sequential(conv_bn(cin, width, 3, stride), conv_bn(width, width, 3, act=None))
        self.down = conv_bn(cin, cout, 1, stride, act=None) if stride != 1 or cin != cout else None

    def forward(self, x):
        return F.relu(self.layers(x) + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    def __init__(self, widths, blocks, classes, bottleneck):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, widths[0], 7, 2), nn.MaxPool2d(3, 2, 1))
        layers, cin = [], widths[0]
        for i, (width, n) in enumerate(zip(widths, blocks)):
            for j in range(n):
                layers.append(Residual(cin, width, 2 if i > 0 and j == 0 else 1, bottleneck))
                cin = 4 * width if bottleneck else width
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(cin, classes)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.layers(self.stem(x)), (1, 1))
        return self.fc(torch.flatten(x, 1))


class Fire(nn.Module):
    """Iandola et al. 2016."""

    def __init__(self, cin, squeeze, expand):
        super().__init__()
        self.squeeze = conv(cin, squeeze, 1, bias=True)
        self.one, self.three = conv(squeeze, expand, 1, bias=True), conv(squeeze, expand, 3, bias=True)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, stem, fires, classes):
        super().__init__()
        layers, cin = [conv(3, stem, 3, 2, bias=True, padding=0), nn.ReLU()], stem
        for f in fires:
            if f == "pool":
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            else:
                layers.append(Fire(cin, *f))
                cin = 2 * f[1]
        self.features, self.classifier = nn.Sequential(*layers), conv(cin, classes, 1, bias=True)

    def forward(self, x):
        x = F.relu(self.classifier(F.dropout(self.features(x), 0.5, self.training)))
        return torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)


class Attention(nn.Module):
    """Multi-head attention, as most code writes it: one projection to queries, keys and values."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        a = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class SplitAttention(nn.Module):
    """The same with three projections, and the scores divided."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.width = heads, dim // heads
        self.q, self.k, self.v, self.proj = (nn.Linear(dim, dim) for _ in range(4))

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, self.width).transpose(1, 2)

    def forward(self, x):
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        a = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) / self.width**0.5, -1)
        x = torch.matmul(a, v).transpose(1, 2).contiguous()
        return self.proj(x.view(x.size(0), x.size(1), -1))


class Block(nn.Module):
    def __init__(self, dim, heads, hidden, attention):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Dosovitskiy et al. 2021, with a class token or the mean of the patches."""

    def __init__(self, size, patch, dim, depth, heads, hidden, classes, token=True):
        super().__init__()
        n = (size // patch) ** 2
        self.patches = nn.Conv2d(3, dim, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, dim) * 0.5) if token else None
        self.position = nn.Parameter(torch.randn(1, n + token, dim) * 0.3)
        attention = Attention if token else SplitAttention
        self.blocks = nn.Sequential(*[Block(dim, heads, hidden, attention) for _ in range(depth)])
        self.norm, self.fc = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is None:
            x = self.norm(self.blocks(x + self.position))
            return self.fc(x.mean(dim=1))
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.fc(self.norm(self.blocks(x + self.position))[:, 0])


class CNN1d(nn.Module):
    """Signals: 1-D convolutions with batch normalization, pooling, dilation."""

    def __init__(self, cin, widths, classes):
        super().__init__()
        layers = []
        for i, width in enumerate(widths):
            d = 1 + i % 2
            layers += [nn.Conv1d(cin, width, 5, padding=2 * d, dilation=d), nn.BatchNorm1d(width)]
            layers += [nn.ReLU(), nn.MaxPool1d(2)]
            cin = width
        self.features, self.fc = nn.Sequential(*layers), nn.Linear(cin, classes)

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool1d(self.features(x), 1).squeeze(2))


class Dense(nn.Module):
    """Huang et al. 2017: normalization before the convolution, and everything so far concatenated."""

    def __init__(self, cin, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(cin), conv(cin, 2 * growth, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(2 * growth), conv(2 * growth, growth, 3)

    def forward(self, x):
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y)))], 1)


class DenseNet(nn.Module):
    def __init__(self, stem, growth, blocks, classes, stride=1):
        super().__init__()
        layers, c = [conv_bn(3, stem, 3, stride), nn.MaxPool2d(3, 2, 1)], stem
        for i, n in enumerate(blocks):
            for _ in range(n):
                layers.append(Dense(c, growth))
                c += growth
            layers.append(nn.BatchNorm2d(c))
            layers.append(nn.ReLU())
            if i + 1 < len(blocks):
                layers += [conv(c, c // 2, 1), nn.AvgPool2d(2, 2)]
                c //= 2
        self.features, self.fc = nn.Sequential(*layers), nn.Linear(c, classes)

    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.features(x), (1, 1)), 1))


class Shuffle(nn.Module):
    """Ma et al. 2018: half of the channels pass by, and the halves are shuffled."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.stride, half = stride, cout // 2
        inner = cin if stride > 1 else half
        self.right = nn.Sequential(
            conv_bn(inner, half, 1), conv_bn(half, half, 3, stride, groups=half, act=None), conv_bn(half, half, 1))
        if stride > 1:
            self.left = nn.Sequential(conv_bn(cin, cin, 3, stride, groups=cin, act=None), conv_bn(cin, half, 1))

    def forward(self, x):
        if self.stride == 1:
            a, b = x.chunk(2, dim=1)
            x = torch.cat([a, self.right(b)], 1)
        else:
            x = torch.cat([self.left(x), self.right(x)], 1)
        b, c, h, w = x.size()
        return x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, c, h, w)


class ShuffleNet(nn.Module):
    """ShuffleNet V2, with a grouped convolution at the end."""

    def __init__(self, stem, stages, last, groups, classes, first_stride=2):
        super().__init__()
        layers, cin = [conv_bn(3, stem, 3, first_stride), nn.MaxPool2d(3, 2, 1)], stem
        for cout, n in stages:
            layers += [Shuffle(cin, cout, 2)] + [Shuffle(cout, cout, 1) for _ in range(n - 1)]
            cin = cout
        self.features = nn.Sequential(*layers, conv_bn(cin, last, 1, groups=groups))
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        return self.fc(self.features(x).mean([2, 3]))
