"""Makes stream.bin: python3 make_stream.py | cat > stream.bin. It writes to a pipe, where sizes cannot be filled in afterwards.
split_test.go holds the values."""
import sys

import numpy as np

out = sys.stdout.buffer
np.savez(out, ids=np.arange(6).reshape(2, 3), mask=np.ones((2, 3), bool))
np.savez_compressed(out, ids=np.arange(600).reshape(200, 3) % 7)
np.save(out, np.float32([[1, 2], [3, 4]]))
np.savez(out)
np.savez(out, np.float64([2.5]), np.float16([1, 2]))
