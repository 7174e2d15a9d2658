"""Makes resized/: an image, and what Pillow makes of it by torchvision's Resize and CenterCrop, for several sizes.

    python3 make_resized.py
    python3 make_resized.py --check    makes them again and compares

A result is named CHANNELS-RESIZE-HEIGHTxWIDTH.png; RESIZE is 0 for the least that covers, and "stretch".
torchvision.transforms.functional computes sizes and places of the cut as resized and cut do here.
"""
import os
import sys

import numpy as np
from PIL import Image

os.makedirs(os.path.join(os.path.dirname(os.path.abspath(__file__)), "resized"), exist_ok=True)
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "resized"))
check = "--check" in sys.argv

rng = np.random.default_rng(5)
HEIGHT, WIDTH = 47, 61
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
base = np.stack([x * 4, y * 5, 255 - x * 2 - y * 2], 2)
source = (base + rng.integers(-60, 60, base.shape)).clip(0, 255).astype(np.uint8)
if check:
    assert (np.asarray(Image.open("source.png")) == source).all()
else:
    Image.fromarray(source).save("source.png", optimize=True)


def resized(image, size):
    """torchvision's Resize(size): the shorter side becomes size."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    new = int(size * long / short)
    w, h = (size, new) if w <= h else (new, size)
    return image.resize((w, h), Image.BILINEAR)


def covering(image, height, width):
    w, h = image.size
    if height * w >= width * h:
        return image.resize((height * w // h, height), Image.BILINEAR)
    return image.resize((width, width * h // w), Image.BILINEAR)


def cut(image, height, width):
    """torchvision's CenterCrop."""
    w, h = image.size
    top, left = int(round((h - height) / 2.0)), int(round((w - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


CASES = [
    (3, 0, 47, 61), (3, 0, 32, 32), (1, 0, 28, 28), (3, 0, 8, 20), (3, 0, 20, 8), (3, 0, 100, 90), (3, 36, 32, 32),
    (1, 40, 33, 28), (3, 47, 46, 45), (3, 64, 50, 64), (3, "stretch", 32, 32), (1, "stretch", 90, 7),
    (3, "stretch", 47, 30), (3, "stretch", 20, 61), (3, 0, 1, 1),
]
for channels, resize, height, width in CASES:
    image = Image.fromarray(source).convert("RGB" if channels == 3 else "L")
    if resize == "stretch":
        image = image.resize((width, height), Image.BILINEAR)
    else:
        image = cut(resized(image, resize) if resize else covering(image, height, width), height, width)
    name = f"{channels}-{resize}-{height}x{width}.png"
    if check:
        assert (np.asarray(Image.open(name)) == np.asarray(image)).all(), name
    else:
        image.save(name, optimize=True)
if check:
    print("ok")
