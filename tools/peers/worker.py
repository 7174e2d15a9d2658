"""One peer's side of bench.py: loads a network, runs it for a while whenever it is told to, and says how long each run took.

Commands and answers are JSON, one a line, as in turns/main.go. `worker.py NAME` is a process that knows one peer, so that
each has its threads for itself; a load may replace what was loaded.
"""
import contextlib
import ctypes
import json
import os
import subprocess
import sys
import time

import numpy as np

import chain


class Peer:
    """What all have: load sets up self.run(i), which runs buffer i and returns the outputs, or keeps them for self.read()."""

    def __init__(self):
        self.next = 0

    def inputs(self, command, shape):
        data = np.fromfile(command["input"], np.float32)
        return list(data.reshape(command["buffers"], command["batch"], *shape))

    def turn(self, seconds, cpu):
        now = time.process_time if cpu else time.perf_counter
        times, count, begin = [], len(self.buffers), time.perf_counter()
        while not times or time.perf_counter() - begin < seconds:
            i, self.next = self.next, (self.next + 1) % count
            start = now()
            self.run(i)
            times.append(now() - start)
        return times

    def answers(self):
        out = []
        for i in range(len(self.buffers)):
            out.append(np.array(self.read(self.run(i)), np.float32, copy=True))
        return np.concatenate(out)

    def read(self, result):
        return result


class ORT(Peer):
    """ONNX Runtime. Inputs and outputs are bound once, so that the cost of calls from Python is small."""

    def __init__(self, exact=False, reference=False):
        super().__init__()
        import onnxruntime

        self.ort, self.exact, self.reference = onnxruntime, exact, reference
        self.version = "ONNX Runtime " + onnxruntime.__version__
        onnxruntime.set_default_logger_severity(3)

    def load(self, c):
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = c["threads"]
        if self.exact:
            options.add_session_config_entry("session.x64quantprecision", "1")
        if self.reference:
            options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        s = self.session = self.ort.InferenceSession(c["path"], options, providers=["CPUExecutionProvider"])
        given, made = s.get_inputs()[0], s.get_outputs()[0]
        self.buffers = [np.ascontiguousarray(x) for x in self.inputs(c, given.shape[1:])]
        out = s.run(None, {given.name: self.buffers[0]})[0]
        self.out = np.empty_like(out)
        self.bound = []
        for x in self.buffers:
            b = s.io_binding()
            b.bind_input(given.name, "cpu", 0, np.float32, x.shape, x.ctypes.data)
            b.bind_output(made.name, "cpu", 0, np.float32, self.out.shape, self.out.ctypes.data)
            self.bound.append(b)

    def run(self, i):
        self.session.run_with_iobinding(self.bound[i])

    def read(self, result):
        return self.out


class OpenVINO(Peer):
    """OpenVINO's CPU plugin with fixed shapes and the hint for latency, all threads on one inference."""

    def __init__(self):
        super().__init__()
        import openvino

        self.ov, self.core = openvino, openvino.Core()
        self.version = "OpenVINO " + openvino.__version__.split("-")[0]

    def load(self, c):
        model = self.core.read_model(c["path"])
        shape = [d.get_length() if d.is_static else None for d in model.input(0).partial_shape]
        shape[0] = c["batch"]
        model.reshape({model.input(0): shape})
        compiled = self.core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": c["threads"], "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32"})
        self.buffers = [np.ascontiguousarray(x) for x in self.inputs(c, shape[1:])]
        self.tensors = [self.ov.Tensor(x, shared_memory=True) for x in self.buffers]
        self.request = compiled.create_infer_request()
        self.run(0)

    def run(self, i):
        self.request.set_input_tensor(self.tensors[i])
        self.request.start_async()
        self.request.wait()

    def read(self, result):
        return self.request.get_output_tensor().data


class OneDNN(Peer):
    """oneDNN, given the layers one after the other; times are taken in C++."""

    def __init__(self):
        super().__init__()
        self.lib = self.chain = None

    def load(self, c):
        if self.lib is None:
            self.lib = chain.library(os.path.dirname(c["input"]))
            v = self.lib.onednn_version()
            self.version = "oneDNN %d.%d.%d" % (v // 10000, v // 100 % 100, v % 100)
        if self.chain:
            self.chain.free()
            self.chain = None
        self.chain = chain.Chain(self.lib, c["path"], c["batch"])
        self.buffers = [np.ascontiguousarray(x) for x in self.inputs(c, self.chain.shape[1:])]
        self.pointers = (ctypes.c_void_p * len(self.buffers))(*[x.ctypes.data for x in self.buffers])
        self.out = np.zeros((c["batch"], self.chain.classes), np.float32)
        self.times = (ctypes.c_double * chain.MOST_TIMES)()
        self.run(0)

    def run(self, i):
        self.chain.call("run", chain.data(self.buffers[i]), chain.data(self.out))

    def read(self, result):
        return self.out

    def turn(self, seconds, cpu):
        n = self.chain.call("turn", self.pointers, len(self.buffers), chain.data(self.out), ctypes.c_double(seconds),
                            int(cpu), self.times, chain.MOST_TIMES)
        return list(self.times[:n])


class Tract(Peer):
    """tract, which computes on one thread. It gets the file with the batch as a number and without the shapes between."""

    def __init__(self):
        super().__init__()
        import tract

        self.tract = tract
        self.version = "tract " + tract.version()

    def load(self, c):
        if c["threads"] > 1:
            raise RuntimeError("it computes on one thread")
        import onnx

        model = onnx.load(c["path"])
        del model.graph.value_info[:]
        for v in (*model.graph.input, *model.graph.output):
            v.type.tensor_type.shape.dim[0].dim_value = c["batch"]
        fixed = os.path.join(os.path.dirname(c["input"]), "fixed.onnx")
        onnx.save(model, fixed)
        shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
        self.runnable = self.tract.onnx().load(fixed).into_model().into_runnable()
        self.buffers = [np.ascontiguousarray(x) for x in self.inputs(c, shape)]
        self.run(0)

    def run(self, i):
        return self.runnable.run([self.buffers[i]])

    def read(self, result):
        return result[0].to_numpy()


class Torch(Peer):
    """PyTorch: the float module as it is, channels last, or quantized by FX, with codes of its own."""

    def __init__(self):
        super().__init__()
        import warnings

        warnings.filterwarnings("ignore")
        import torch

        import fx

        self.torch, self.fx = torch, fx
        self.version = "PyTorch " + torch.__version__.split("+")[0]

    def load(self, c):
        torch = self.torch
        torch.set_num_threads(c["threads"])
        m = self.fx.module(os.path.join(c["dir"], c["network"] + ".onnx"))
        shape = c["shape"]
        self.buffers = [torch.from_numpy(x) for x in self.inputs(c, shape)]
        if c["kind"] == "int8":
            m = self.fx.quantized(m, torch.cat(self.buffers)[:32])
        else:
            m = m.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            self.model = torch.jit.freeze(torch.jit.trace(m, self.buffers[0]))
        for _ in range(3):
            self.run(0)

    def run(self, i):
        with self.torch.inference_mode():
            return self.model(self.buffers[i])

    def read(self, result):
        return result.numpy()


class LiteRT(Peer):
    """LiteRT with XNNPACK, its input channels last."""

    def __init__(self):
        super().__init__()
        import importlib.metadata

        from ai_edge_litert import interpreter

        import litert

        self.interpreter, self.litert = interpreter, litert
        self.version = "LiteRT " + importlib.metadata.version("ai-edge-litert")

    def load(self, c):
        model = self.litert.Writer(c["path"], c["batch"]).bytes()
        self.net = self.interpreter.Interpreter(model_content=model, num_threads=c["threads"])
        self.net.allocate_tensors()
        self.first, self.last = self.net.get_input_details()[0]["index"], self.net.get_output_details()[0]["index"]
        self.buffers = [np.ascontiguousarray(x.transpose(0, 2, 3, 1)) for x in self.inputs(c, c["shape"])]
        self.run(0)

    def run(self, i):
        self.net.set_tensor(self.first, self.buffers[i])
        self.net.invoke()

    def read(self, result):
        return self.net.get_tensor(self.last)


class NCNN(Peer):
    """ncnn, of float networks as pnnx converts them, one image after the other: it knows no batches. The programs that
    quantize for it are in no package."""

    def __init__(self):
        super().__init__()
        import importlib.metadata

        import ncnn

        self.ncnn = ncnn
        self.version = "ncnn " + importlib.metadata.version("ncnn")

    def load(self, c):
        if c["kind"] != "float32":
            raise RuntimeError("it reads no QDQ files, and what quantizes for it is not in its package")
        folder = os.path.join(os.path.dirname(c["input"]), "ncnn")
        os.makedirs(folder, exist_ok=True)
        stem = os.path.join(folder, c["network"])
        if not os.path.exists(stem + ".ncnn.param"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(stem + ".onnx")
            os.symlink(os.path.abspath(c["path"]), stem + ".onnx")
            made = subprocess.run([os.path.join(sys.prefix, "bin", "pnnx"), stem + ".onnx",
                                   "inputshape=[%s]" % ",".join(map(str, [1, *c["shape"]])), "fp16=0"], cwd=folder, timeout=100,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if made.returncode or not os.path.exists(stem + ".ncnn.param"):
                raise RuntimeError("pnnx converts it not: status %d" % made.returncode)
        self.net = self.ncnn.Net()
        o = self.net.opt
        o.num_threads = c["threads"]
        o.use_fp16_packed = o.use_fp16_storage = o.use_fp16_arithmetic = o.use_bf16_storage = False
        if self.net.load_param(stem + ".ncnn.param") or self.net.load_model(stem + ".ncnn.bin"):
            raise RuntimeError("it does not load what pnnx made")
        self.buffers = self.inputs(c, c["shape"])
        self.run(0)

    def run(self, i):
        out = []
        for x in self.buffers[i]:
            e = self.net.create_extractor()
            e.input("in0", self.ncnn.Mat(x))
            status, y = e.extract("out0")
            if status:
                raise RuntimeError("it does not run what pnnx made: status %d" % status)
            out.append(y)
        return out

    def read(self, result):
        return np.stack([np.array(y).reshape(-1) for y in result])


PEERS = {"ort": ORT, "ort-exact": lambda: ORT(exact=True), "reference": lambda: ORT(reference=True), "openvino": OpenVINO,
         "onednn": OneDNN, "tract": Tract, "torch": Torch, "litert": LiteRT,
         "ncnn": NCNN}


def main():
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    peer = None
    for line in sys.stdin:
        c, reply = json.loads(line), {}
        try:
            if peer is None:
                peer = PEERS[sys.argv[1]]()
            if c["do"] == "load":
                peer.load(c)
                reply = {"version": peer.version}
            elif c["do"] == "turn":
                reply = {"times": peer.turn(c["seconds"], c["cpu"])}
            elif c["do"] == "answer":
                peer.answers().tofile(c["output"])
            else:
                reply = {"error": "%r: use load, turn or answer" % c["do"]}
        except ImportError as e:
            reply = {"error": "not installed: %s" % e}
        except Exception as e:
            text = str(e).strip().splitlines()
            reply = {"error": (text[0] if text else type(e).__name__)[:300]}
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
