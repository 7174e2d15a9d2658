"""What cross-layer equalization gains on M-LSD tiny, a trained network whose backbone is a MobileNetV2.

    npm pack jp.keijiro.mlsd@1.0.0 && tar xf jp.keijiro.mlsd-1.0.0.tgz
    python equalize.py package/ONNX/mlsd_320x320_tiny.onnx

Cut before its decoder, which has no weights. Inputs are crops of the two photographs that come with scikit-learn.
"""
import argparse
import os

import numpy as np
import onnx
from sklearn.datasets import load_sample_images

import common

OUTPUT = "Conv__294:0"


def crops(count, seed):
    """Returns crops of 200 to 400 pixels as 320 x 320, RGB and the ones that the network's fourth channel wants."""
    rng, made = np.random.default_rng(seed), []
    photographs = load_sample_images().images
    for k in range(count):
        p, side = photographs[k % 2], rng.integers(200, 401)
        top, left = rng.integers(0, p.shape[0] - side + 1), rng.integers(0, p.shape[1] - side + 1)
        rows, columns = (start + (np.arange(320) * side) // 320 for start in (top, left))
        made.append(np.concatenate([p[np.ix_(rows, columns)], np.ones((320, 320, 1), np.uint8)], axis=2))
    return np.stack(made).astype(np.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("network")
    p.add_argument("--bits", default="8,4", help="bits of weights")
    p.add_argument("--work", default=".", help="folder for the files that are made")
    a = p.parse_args()
    model, cut = onnx.load(a.network), os.path.join(a.work, "mlsd.onnx")
    onnx.utils.extract_model(a.network, cut, [model.graph.input[0].name], [OUTPUT], check_model=False)
    x, calib, y = (os.path.join(a.work, f) for f in ("mlsd-x.npy", "mlsd-calib.npz", "mlsd-y.npy"))
    np.save(x, crops(64, 1))
    np.savez(calib, **{model.graph.input[0].name: crops(64, 2)})

    def run(path):
        common.linquant("run", path, "--input", x, "--output", f"{OUTPUT}={y}", "--force")
        return np.load(y).astype(np.float64)

    reference = run(cut)
    for bits in a.bits.split(","):
        for per in ("tensor", "channel"):
            text = []
            for weights in ("nearest", "equalize", *(["reconstruct"] if int(bits) < 8 else [])):
                path = os.path.join(a.work, f"mlsd-{bits}-{per}-{weights}.onnx")
                common.linquant("quantize", cut, "-o", path, "--calib", f"npz:{calib}", "--weight-bits", bits,
                                "--per", per, "--weights", weights, "--force")
                noise = run(path) - reference
                text.append(f"{weights} {10 * np.log10((reference ** 2).sum() / (noise ** 2).sum()):.1f} dB")
            print(f"w{bits}a8 per {per}:", ", ".join(text), flush=True)


if __name__ == "__main__":
    main()
