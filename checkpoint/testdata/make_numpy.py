"""Makes the npy and npz files beside it: python3 make_numpy.py. numpy_test.go holds the values."""
import os

import numpy as np
from numpy.lib import format

os.chdir(os.path.dirname(os.path.abspath(__file__)))
grid = np.arange(24).reshape(2, 3, 4)

np.save("fortran_f4.npy", np.asfortranarray(grid.astype("<f4")))
np.save("big_f8.npy", grid.astype(">f8"))
np.save("big_fortran_i2.npy", np.asfortranarray(grid.astype(">i2")))
np.save("bool.npy", grid % 3 == 0)
np.save("scalar_f8.npy", np.float64(2.5))
np.save("half.npy", np.array([1, -2, 65504, 6e-8], "<f2"))
np.save("big_c8.npy", np.array([1 + 2j, 3 - 4j], ">c8"))
np.save("object.npy", np.array([None, 1], object), allow_pickle=True)
np.save("records.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
for version in (1, 2, 3):
    with open(f"version{version}.npy", "wb") as f:
        format.write_array(f, grid.astype("<i4"), version=(version, 0))
np.savez("stored.npz", a=grid.astype("<f4"), b=np.asfortranarray(grid.astype("|u1")))
np.savez_compressed("compressed.npz", a=grid.astype("<f4"), b=np.asfortranarray(grid.astype(">i8")))
