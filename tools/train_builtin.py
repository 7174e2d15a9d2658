"""Trains the network of package builtin on the generated data, with PyTorch on one CPU thread.

    go run ./tools/builtindata -o ../builtin.npz
    python3 tools/train_builtin.py ../builtin.npz builtin/vgg.tar
    python3 tools/train_builtin.py ../builtin.npz builtin/vgg.tar --check

It is the VGG of package models at an eighth of its width. Seeds are fixed, and one thread adds in a fixed order, so
that the same PyTorch on the same kind of processor gives the same weights again (the file differs: its legacy layout
names storages by their addresses). PyTorch 1.13 took 2.5 minutes and printed, at the end, what --check prints too:

    train 98.50%
    test 93.45%

--check trains nothing: it measures the checkpoint that is there, and prints what it takes the first pictures of the
test split for, which builtin/network_test.go has.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = (8, 16, 32, 32, 64, 64, 64, 64)  # the original's divided by 8
CLASSES = 10


class VGG(nn.Module):
    """Eight times convolution, batch norm, ReLU; max pooling after every second; the mean; a linear layer."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict()
        inputs = 3
        for i, outputs in enumerate(WIDTHS):
            self.backbone[f"conv{i}"] = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            self.backbone[f"bn{i}"] = nn.BatchNorm2d(outputs)
            inputs = outputs
        self.classifier = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        for i in range(len(WIDTHS)):
            x = F.relu(self.backbone[f"bn{i}"](self.backbone[f"conv{i}"](x)))
            if i % 2 == 1:
                x = F.max_pool2d(x, 2)
        return self.classifier(x.mean([2, 3]))


def images(x):
    """Pixels 0..255 become the network's input; there is no mean or deviation to remember."""
    return x.float().div_(255)


def shifted(x, distance, rng):
    """Moves a batch by up to distance pixels each way, repeating the border: pictures are seen from more places."""
    dy, dx = rng.integers(0, 2 * distance + 1, 2)
    height, width = x.shape[2:]
    return F.pad(x, [distance] * 4, mode="replicate")[:, :, dy : dy + height, dx : dx + width]


def accuracy(model, x, y, batch=500):
    model.eval()
    with torch.no_grad():
        starts = range(0, len(y), batch)
        hits = sum((model(images(x[i : i + batch])).argmax(1) == y[i : i + batch]).sum().item() for i in starts)
    return hits / len(y)


def report(model, x_train, y_train, x_test, y_test):
    print(f"train {100 * accuracy(model, x_train, y_train):.2f}%")
    print(f"test {100 * accuracy(model, x_test, y_test):.2f}%")
    with torch.no_grad():
        scores = model(images(x_test[:100]))
    print("first pictures:", "".join(str(k) for k in scores.argmax(1).tolist()))
    top = scores.topk(2)[0]
    print(f"smallest margin: {(top[:, 0] - top[:, 1]).min():.4f}")
    print("scores of the first:", " ".join(f"{v:.6f}" for v in scores[0].tolist()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="what builtindata wrote")
    parser.add_argument("out", help="the checkpoint to write")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="measure the checkpoint instead of making it")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(args.seed)

    arrays = np.load(args.data)
    data = [torch.from_numpy(arrays[k]) for k in ("x_train", "y_train", "x_test", "y_test")]
    x_train, y_train, x_test, y_test = data

    model = VGG()
    if args.check:
        model.load_state_dict(torch.load(args.out))
        return report(model, *data)
    steps = args.epochs * (len(y_train) // args.batch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps, pct_start=0.2)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(y_train):,} pictures, {steps:,} steps")

    start = time.time()
    for epoch in range(args.epochs):
        model.train()
        order, total = rng.permutation(len(y_train)), 0.0
        for i in range(0, len(order) - args.batch + 1, args.batch):
            index = torch.from_numpy(order[i : i + args.batch])
            loss = F.cross_entropy(model(shifted(images(x_train[index]), 2, rng)), y_train[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        mean = total / (len(order) // args.batch)
        test = accuracy(model, x_test, y_test)
        print(f"epoch {epoch + 1:2}  loss {mean:.4f}  test {100 * test:.2f}%  {time.time() - start:.0f} s", flush=True)
    report(model, *data)

    # The layout of torch.save before PyTorch 1.6, which the original's checkpoint has too.
    torch.save(model.state_dict(), args.out, _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
