#!/usr/bin/env python3
"""Measures linquant beside other runtimes on the same files, in turns, and writes docs/speed.md's tables.

Each runtime is a process of its own. For each network, kind of numbers, number of threads and batch all of them load the
file; then they take turns, round after round, while the others are stopped, so that whatever else the machine does meets
all alike. Speeds are the median over the rounds of each round's median; ratios are linquant's speed to the peer's, the
median of the rounds' and, in brackets, that of the fastest runs: above 1 linquant is faster. Inputs and outputs are floats
in ordinary memory on all sides, and quantizing the input counts. How far answers are from the exact ones is held against
ONNX Runtime: of integers in its exact mode, of floats without any optimization.
"""
import argparse
import datetime
import json
import math
import os
import platform
import queue
import re
import signal
import statistics
import subprocess
import sys
import threading

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import networks  # noqa: E402

NETWORKS = ["vgg", "resnet20", "mobilenetv2", "mobilenetv3", "resnet18", "resnet50", "squeezenet", "shufflenet", "vit",
            "vit-fused"]
TITLES = {"vgg": "VGG", "resnet20": "ResNet-20", "mobilenetv2": "MobileNetV2", "mobilenetv3": "MobileNetV3",
          "resnet18": "ResNet-18", "resnet50": "ResNet-50", "squeezenet": "SqueezeNet", "shufflenet": "ShuffleNet",
          "vit": "ViT", "vit-fused": "ViT, fused"}
SMALL = {"vgg", "resnet20"}  # images of 32x32 pixels
PEERS = {"ort": "ONNX Runtime", "ort-exact": "ONNX Runtime exact", "openvino": "OpenVINO", "onednn": "oneDNN",
         "litert": "LiteRT", "ncnn": "ncnn", "torch": "PyTorch", "tract": "tract", "gomlx": "GoMLX"}
INTEGERS_ONLY = {"ort-exact", "onednn", "litert"}
BUFFERS = 4  # different batches that are gone around
ANSWER_LIMIT = 120  # seconds that a peer may take to load or to run
SLOW = 3  # seconds of one run; what takes longer runs in one round alone, and its answers are not asked for


class Gone(Exception):
    """A peer's process ended or did not answer in time."""


class Process:
    """A peer's process for a number of threads, bound to as many processors, stopped while others have their turn."""

    def __init__(self, command, cpus, threads, env):
        env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "true", "OMP_WAIT_POLICY": "passive",
               "GOMAXPROCS": str(threads), **env}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
                                        stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ask(self, command):
        """Sends a command while the process runs, and stops it again. The answer's error is an exception's text."""
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=ANSWER_LIMIT)
        except queue.Empty:
            self.end()
            raise Gone("no answer within %d s" % ANSWER_LIMIT) from None
        except OSError:
            line = None
        if line is None:
            self.end()
            raise Gone("its process ended with status %s" % self.process.returncode)
        self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def end(self):
        self.process.kill()
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args = args
        self.processes = {}
        self.versions = {}
        self.cores = cores()
        self.load = os.getloadavg()[0]  # before

    def process(self, peer, threads):
        if (peer, threads) not in self.processes:
            env = {}
            if peer == "linquant":
                command = [self.args.turns]
            elif peer == "gomlx":
                command = [self.args.gomlx]
            else:
                command = [sys.executable, os.path.join(HERE, "worker.py"), peer]
            cpus = self.cores[-threads:] if threads <= len(self.cores) else self.cores
            self.processes[peer, threads] = Process(command, set(cpus), threads, env)
        return self.processes[peer, threads]

    def ask(self, peer, threads, command):
        try:
            return self.process(peer, threads).ask(command)
        except Gone:
            del self.processes[peer, threads]
            raise

    def end(self):
        for p in self.processes.values():
            p.end()

    def measure(self, name, kind, threads, batch, peers, answers):
        """One line of the table: times of each peer, or why it has none; and how far their answers are if asked for."""
        path = os.path.join(self.args.networks, name + ("-int8.onnx" if kind == "int8" else ".onnx"))
        data = os.path.join(self.args.work, "%s-%d.f32" % (name if name in SMALL else "images", batch))
        if not os.path.exists(data):
            inputs(name, batch, self.args.data).tofile(data)
        load = {"do": "load", "path": path, "threads": threads, "batch": batch, "input": data, "buffers": BUFFERS,
                "kind": kind, "network": name, "dir": self.args.networks,
                "shape": [3, 32, 32] if name in SMALL else [3, 224, 224]}
        line, loaded = {"network": name, "kind": kind, "threads": threads, "batch": batch, "peers": {}}, []
        for peer in ["linquant", *peers]:
            if peer in INTEGERS_ONLY and kind != "int8":
                continue
            try:
                self.versions[peer] = self.ask(peer, threads, load)["version"]
                loaded.append(peer)
                line["peers"][peer] = {"medians": [], "best": math.inf}
            except (Gone, RuntimeError) as e:
                line["peers"][peer] = {"error": str(e)}
        for r in range(self.args.rounds):
            # Each round begins with another peer: none always follows the same one.
            for peer in loaded[r % len(loaded):] + loaded[:r % len(loaded)]:
                record = line["peers"][peer]
                if "error" in record or record["medians"] and record["best"] > SLOW:
                    continue
                try:
                    times = self.ask(peer, threads, {"do": "turn", "seconds": self.args.turn,
                                                    "cpu": self.args.cpu_time})["times"]
                except (Gone, RuntimeError) as e:
                    line["peers"][peer] = {"error": str(e)}
                    continue
                record["medians"].append(statistics.median(times))
                record["best"] = min(record["best"], *times)
        if answers:
            quick = [p for p in loaded if "error" not in line["peers"][p] and line["peers"][p]["best"] < SLOW]
            self.compare(line, load, quick, threads)
        return line

    def compare(self, line, load, loaded, threads):
        out = os.path.join(self.args.work, "answer.f32")

        def answer(peer):
            self.ask(peer, threads, {"do": "answer", "output": out})
            return np.fromfile(out, np.float32).reshape(BUFFERS * load["batch"], -1)

        try:
            referee = "ort-exact" if line["kind"] == "int8" else "reference"
            self.ask(referee, threads, load)
            exact = answer(referee)
        except (Gone, RuntimeError) as e:
            line["reference"] = str(e)
            return
        for peer in loaded:
            try:
                got = answer(peer)
            except (Gone, RuntimeError) as e:
                line["peers"][peer]["answer"] = {"error": str(e)}
                continue
            noise = float(np.square(got.astype(np.float64) - exact).sum())
            power = float(np.square(exact.astype(np.float64)).sum())
            line["peers"][peer]["answer"] = {
                "db": None if noise == 0 else 10 * math.log10(power / noise),
                "same": int((got.argmax(1) == exact.argmax(1)).sum()), "of": len(exact)}


def inputs(name, batch, data):
    """BUFFERS batches as one array: test images of CIFAR-10 as the real networks take them, or images of noise."""
    if name in SMALL:
        raw = np.fromfile(os.path.join(data, "cifar10", "test_batch.bin"), np.uint8).reshape(-1, 3073)
        images = raw[:BUFFERS * batch, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255
        if name == "resnet20":
            mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
            images = (images - mean.reshape(3, 1, 1)) / deviation.reshape(3, 1, 1)
        return images
    return networks.images(BUFFERS * batch, seed=networks.SEED + 1)


def cores():
    """One of the logical processors of each core that this process may use."""
    allowed, taken = os.sched_getaffinity(0), {}
    for cpu in sorted(allowed):
        path = "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list" % cpu
        with open(path) as f:
            taken.setdefault(f.read().strip(), cpu)
    return sorted(taken.values())


def processor():
    """The processor's name and family, and what it has of the instructions that matter."""
    fields, flags = {}, []
    with open("/proc/cpuinfo") as f:
        for line in f:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    for flag, name in (("avx2", "AVX2"), ("avx_vnni", "AVX-VNNI"), ("avx512f", "AVX-512"),
                       ("avx512_vnni", "AVX-512 VNNI"), ("amx_int8", "AMX"), ("asimddp", "dot products"),
                       ("i8mm", "i8mm")):
        if flag in (fields.get("flags") or fields.get("Features", "")).split():
            flags.append(name)
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += " (family %s, model %s)" % (fields["cpu family"], fields["model"])
    return name, ", ".join(flags) or "none of these", fields


ZEN = {("25", "1"): "Zen 3", ("25", "17"): "Zen 4", ("26", "2"): "Zen 5"}


def number(x):
    return "%.0f" % x if x >= 100 else "%.1f" % x if x >= 10 else "%.2f" % x


def cell(ours, theirs):
    """The ratio of speeds at the medians, and of the best runs."""
    if theirs is None:
        return ""
    if "error" in theirs:
        return "no"
    ratio = statistics.median(t / o for t, o in zip(theirs["medians"], ours["medians"]))
    return "%.2f (%.2f)" % (ratio, theirs["best"] / ours["best"])


def distance(record):
    """How far the answers are, in decibels of the exact ones' power over the difference's, and how many classes agree."""
    answer = (record or {}).get("answer")
    if not answer or "error" in answer:
        return ""
    db = "the same" if answer["db"] is None else "%.0f dB" % answer["db"]
    return "%s, %d/%d" % (db, answer["same"], answer["of"])


def table(lines, kind, peers):
    peers = [p for p in peers if any(p in x["peers"] and "error" not in x["peers"][p] for x in lines if x["kind"] == kind)]
    out = ["| %s | threads, batch | linquant, images/s | %s |" % (kind, " | ".join(PEERS[p] for p in peers)),
           "|---|---|--:|" + "--:|" * len(peers)]
    last = None
    for line in (x for x in lines if x["kind"] == kind):
        ours = line["peers"]["linquant"]
        title = TITLES[line["network"]] if line["network"] != last else ""
        last = line["network"]
        where = "%d, %d" % (line["threads"], line["batch"])
        if "error" in ours:
            out.append("| %s | %s | no: %s | %s |" % (title, where, ours["error"], " | ".join("" for _ in peers)))
            continue
        speed = number(line["batch"] / statistics.median(ours["medians"]))
        out.append("| %s | %s | %s | %s |" % (title, where, speed, " | ".join(cell(ours, line["peers"].get(p)) for p in peers)))
        if any("answer" in r for r in line["peers"].values()):
            out.append("| | *its answers* | *%s* | %s |" % (
                distance(ours), " | ".join("*%s*" % d if (d := distance(line["peers"].get(p))) else "" for p in peers)))
    return out


def refusals(lines):
    """One line for each peer and reason that it gave for not running something."""
    reasons = {}
    for line in lines:
        for peer, record in line["peers"].items():
            if "error" in record:
                reasons.setdefault((peer, record["error"]), []).append(TITLES[line["network"]] + " " + line["kind"])
    out = []
    for (peer, reason), where in reasons.items():
        where = list(dict.fromkeys(where))
        reason = reason[:200]
        every = len(where) == len({(x["network"], x["kind"]) for x in lines if peer in x["peers"]})
        out.append("- %s, %s: %s" % (PEERS.get(peer, peer), "all" if every else ", ".join(where), reason))
    return out


def markdown(lines, bench, command):
    args = bench.args
    name, flags, fields = processor()
    zen = ZEN.get((fields.get("cpu family"), fields.get("model")))
    peers = args.peers
    load = "%.1f before, %.1f after" % (bench.load, os.getloadavg()[0])
    out = ["Taken %s on %s%s, %d cores, with %s; linquant used `%s`. Load of the machine: %s." % (
        datetime.date.today().isoformat(), name, ", " + zen if zen else "", len(bench.cores), flags,
        bench.versions.get("linquant", "?"), load),
        "Beside %s. %d rounds of turns of %g s%s." % (
            ", ".join(bench.versions[p] for p in peers if p in bench.versions and p != "ort-exact"), args.rounds, args.turn,
            "; times are of the processor, not of the clock" if args.cpu_time else ""),
        "", "```sh", command, "```", ""]
    for kind in ("int8", "float32"):
        if any(x["kind"] == kind for x in lines):
            out += table(lines, kind, peers) + [""]
    missing = refusals(lines)
    if missing:
        out += ["Where there is *no*, and peers without a column:", ""] + missing + [""]
    return "\n".join(out)


def marks(section):
    return tuple("<!-- %s of what tools/peers/bench.py wrote: %s -->" % (where, section) for where in ("begin", "end"))


def rewrite(path, section, text):
    """Replaces what stands between the document's two marks of the section."""
    begin, end = marks(section)
    with open(path) as f:
        document = f.read()
    head, _, rest = document.partition(begin)
    _, _, tail = rest.partition(end)
    with open(path + ".part", "w") as f:
        f.write(head + begin + "\n\n" + text + "\n" + end + tail)
    os.replace(path + ".part", path)


def configurations(text):
    found = re.findall(r"(\d+),(\d+)", text)
    if not found or ";".join(",".join(f) for f in found) != text.replace(" ", ""):
        raise argparse.ArgumentTypeError("%r: write THREADS,BATCH with semicolons between, as 1,1;2,8" % text)
    return [(int(t), int(b)) for t, b in found]


def names(known):
    def parse(text):
        chosen = text.split(",")
        for n in chosen:
            if n not in known:
                raise argparse.ArgumentTypeError("%r is none of %s" % (n, ", ".join(known)))
        return chosen
    return parse


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--networks", required=True, help="folder of the networks, made there where they are missing")
    p.add_argument("--work", help="folder for inputs, answers and binaries (default: work in that of the networks)")
    p.add_argument("--data", help="folder of checkpoints/, models/ and cifar10/, for vgg and resnet20")
    p.add_argument("--only", type=names(NETWORKS), default=NETWORKS, help="networks, with commas between")
    p.add_argument("--peers", type=names(list(PEERS)), default=["ort", "ort-exact", "openvino", "onednn"],
                   help="peers, with commas between (of %s)" % ", ".join(PEERS))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--turn", type=float, default=0.3, help="seconds of each turn, at least one run")
    p.add_argument("--int8", type=configurations, help="threads,batch;… of the integer networks (default 1,1;2,8, "
                   "for small images 1,64;2,64 too)")
    p.add_argument("--float", type=configurations, help="of the float networks (default 1,1)")
    p.add_argument("--kinds", default="int8,float32", help="int8, float32 or both")
    p.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch, to make networks with")
    p.add_argument("--json", help="file for all that was measured")
    p.add_argument("--write", help="document whose tables are replaced, such as docs/speed.md")
    p.add_argument("--cpu-time", action="store_true", help="measure time of processors instead of the clock's, for one "
                   "thread on a machine that others use")
    p.add_argument("--section", default="main", help="which of the document's tables: main or others")
    p.add_argument("--turns", help="linquant's side, ready built (default: go build ./tools/peers/turns)")
    args = p.parse_args()
    if args.write:  # before an hour is spent on it
        with open(args.write) as f:
            document = f.read()
        if any(document.count(m) != 1 for m in marks(args.section)):
            sys.exit("%s: the lines %s must stand in it once each" % (args.write, " and ".join(marks(args.section))))
    args.work = args.work or os.path.join(args.networks, "work")
    os.makedirs(args.work, exist_ok=True)
    if not args.data:
        args.only = [n for n in args.only if n not in SMALL]
    build(args)
    bench = Bench(args)
    lines = []
    try:
        for kind in args.kinds.split(","):
            for name in args.only:
                if kind == "int8":
                    todo = args.int8 or ([(1, 1), (1, 64), (2, 64)] if name in SMALL else [(1, 1), (2, 8)])
                else:
                    todo = args.float or [(1, 1)]
                if args.cpu_time:
                    todo = [(t, b) for t, b in todo if t == 1]
                if name == "vit-fused" and kind == "int8" and "vit" in args.only:
                    continue  # the layers that quantize writes of both are the same
                todo = [(t, b) for t, b in todo if t <= len(bench.cores)]
                largest = max(todo, key=lambda c: c[1])
                for threads, batch in todo:
                    line = bench.measure(name, kind, threads, batch, args.peers, (threads, batch) == largest)
                    lines.append(line)
                    print(progress(line), flush=True)
    finally:
        bench.end()
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"processor": processor()[0], "versions": bench.versions, "lines": lines}, f, indent=1)
    command = "make bench-peers"
    if sys.argv[1:]:
        skip = {"--networks", "--work", "--data", "--torch-python", "--turns", "--json", "--write",
                "--section"}
        rest, it = [], iter(sys.argv[1:])
        for a in it:
            if a.split("=")[0] in skip:
                if "=" not in a:
                    next(it)
                continue
            rest.append(a)
        if rest:
            command += " PEERS_FLAGS='%s'" % " ".join('"%s"' % a if ";" in a else a for a in rest)
    text = markdown(lines, bench, command)
    if args.write:
        rewrite(args.write, args.section, text)
    else:
        print(text)


def build(args):
    """Makes linquant's side and the networks that are missing."""
    missing = [n for n in args.only for suffix in (".onnx", "-int8.onnx")
               if not os.path.exists(os.path.join(args.networks, n + suffix))]
    if not args.turns:
        args.turns = os.path.join(os.path.abspath(args.work), "turns")
        subprocess.run(["go", "build", "-o", args.turns, "./tools/peers/turns"], cwd=ROOT, check=True)
    if "gomlx" in args.peers:
        args.gomlx = os.path.join(os.path.abspath(args.work), "gomlx")
        subprocess.run(["go", "build", "-o", args.gomlx, "."], cwd=os.path.join(HERE, "gomlx"), check=True)
    if missing:
        linquant = os.path.join(os.path.abspath(args.work), "linquant")
        subprocess.run(["go", "build", "-o", linquant, "./cmd/linquant"], cwd=ROOT, check=True)
        command = [args.torch_python, os.path.join(HERE, "networks.py"), "--dir", args.networks, "--linquant", linquant,
                   "--only", ",".join(dict.fromkeys(missing))]
        subprocess.run(command + (["--data", args.data] if args.data else []), check=True)


def progress(line):
    ours = line["peers"]["linquant"]
    parts = ["%s %s %d,%d" % (line["network"], line["kind"], line["threads"], line["batch"])]
    if "error" in ours:
        parts.append("linquant: " + ours["error"])
    else:
        parts.append("%.3f ms" % (1e3 * statistics.median(ours["medians"])))
    for peer, record in line["peers"].items():
        if peer != "linquant" and "error" not in ours:
            text = record["error"][:60] if "error" in record else cell(ours, record)
            parts.append("%s %s %s" % (peer, text, distance(record)))
        elif peer == "linquant":
            parts.append(distance(record))
    return "; ".join(x.strip() for x in parts if x)


if __name__ == "__main__":
    main()
