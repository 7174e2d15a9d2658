"""Makes images of 5 by 4 pixels in several formats and kinds, with Pillow, and expected.json: what Pillow's
convert("RGB") makes of each, as planes.

    python3 make_images.py
    python3 make_images.py --check    compares the images that are there with expected.json
"""
import json
import os
import sys

import numpy as np
from PIL import Image

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "images"))

y, x = np.mgrid[0:4, 0:5]
RGB = np.stack([x * 60 + y, 250 - y * 70 - x, (x * y * 13) % 256], 2).astype(np.uint8)
GRAY = (x * 20 + y * 37).astype(np.uint8)
ALPHA = (255 - x * 50 - y * 10).clip(1).astype(np.uint8)
SMOOTH = np.stack([100 + x * 3, 120 + y * 4, 90 + x + y], 2).astype(np.uint8)


def make():
    Image.fromarray(RGB).save("rgb.png")
    Image.fromarray(GRAY).save("gray.png")
    Image.fromarray(np.dstack([RGB, ALPHA])).save("rgba.png")
    Image.fromarray(RGB).quantize(8).save("palette.png")
    Image.fromarray(RGB).save("rgb.bmp")
    second = Image.fromarray(255 - RGB).quantize(8)
    Image.fromarray(RGB).quantize(8).save("animated.gif", save_all=True, append_images=[second])
    Image.fromarray(RGB).save("lossless.webp", lossless=True)
    Image.fromarray(np.dstack([RGB, ALPHA])).save("alpha.webp", lossless=True, exact=True)
    Image.fromarray(SMOOTH).save("rgb.jpg", quality=100, subsampling=0)
    Image.fromarray(GRAY).save("gray.JPEG", format="JPEG", quality=100)


if "--check" not in sys.argv:
    make()
expected = {}
for name in sorted(os.listdir(".")):
    if name != "expected.json":
        with Image.open(name) as image:
            expected[name] = np.asarray(image.convert("RGB")).transpose(2, 0, 1).ravel().tolist()
if "--check" in sys.argv:
    with open("expected.json") as f:
        assert json.load(f) == expected
    print("ok")
else:
    with open("expected.json", "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in expected.items()) + "\n}\n")
