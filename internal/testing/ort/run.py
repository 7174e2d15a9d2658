"""Runs models in ONNX Runtime for package ort: one JSON request a line on standard input, one JSON answer a line.

request:  model, inputs (npz with the arrays "0", "1", ... of names), names, outputs (names, or null for the model's own),
          result (npz to write), optimize, expose (every value that a node computes is an output), ignore_missing (names
          in outputs that the model does not have), unsaturated (session.x64quantprecision)
answer:   names of the arrays "0", "1", ... in result, and operators: how often the model that ran has each; or error

A request with "time" runs instead the model, which has one float input, on random batches again and again for "seconds",
with "threads" and "batch", and answers with the seconds of each run. Sessions are kept from one such request to the next.
"""

import collections
import json
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort


def expose(model, names):
    """Makes outputs of the named values, or of all that nodes compute."""
    have = {o.name for o in model.graph.output} | {i.name for i in model.graph.initializer}
    computed = [o for n in model.graph.node for o in n.output if o]
    for name in computed if names is None else names:
        if name not in have and name in computed:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
            have.add(name)


def run(request, folder):
    model = onnx.load(request["model"])
    names = request["outputs"]
    if request["ignore_missing"] and names is not None:
        have = {o for n in model.graph.node for o in n.output} | {o.name for o in model.graph.output}
        names = [name for name in names if name in have]
    if request["expose"] or names is not None:
        expose(model, None if request["expose"] else names)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if request["optimize"] else levels.ORT_DISABLE_ALL
    if request["unsaturated"]:
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.optimized_model_filepath = folder + "/optimized.onnx"
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    with np.load(request["inputs"]) as arrays:
        feed = {name: arrays[str(i)] for i, name in enumerate(request["names"])}
    if names is None:
        names = [o.name for o in session.get_outputs()]
    results = session.run(names, feed)
    np.savez(request["result"], **{str(i): np.ascontiguousarray(r) for i, r in enumerate(results)})
    ran = onnx.load(folder + "/optimized.onnx")
    return {"names": names, "operators": collections.Counter(n.op_type for n in ran.graph.node)}


sessions = {}


def measure(request):
    key = (request["model"], request["threads"])
    if key not in sessions:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = request["threads"]
        sessions[key] = ort.InferenceSession(request["model"], options, providers=["CPUExecutionProvider"])
    session = sessions[key]
    given = session.get_inputs()[0]
    shape = [request["batch"]] + given.shape[1:]
    batches = [np.random.default_rng(i).random(shape, dtype=np.float32) for i in range(4)]
    session.run(None, {given.name: batches[0]})
    took, begin = [], time.perf_counter()
    while len(took) < 3 or time.perf_counter() - begin < request["seconds"]:
        start = time.perf_counter()
        session.run(None, {given.name: batches[len(took) % len(batches)]})
        took.append(time.perf_counter() - start)
    return {"seconds": took}


def main():
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            try:
                request = json.loads(line)
                answer = measure(request) if request.get("time") else run(request, folder)
            except Exception as e:  # the test that asked says what failed
                answer = {"error": f"{type(e).__name__}: {e}"}
            print(json.dumps(answer), flush=True)


main()
