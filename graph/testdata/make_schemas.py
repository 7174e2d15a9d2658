#!/usr/bin/env python3
"""Writes schemas.json beside this file: what ONNX's own definitions say of the operators of package graph.

    make_schemas.py            writes the file
    make_schemas.py --check    makes it again and exits 1 if the file differs

Needs onnx (1.23 or later: opset 24 and more). Of each operator there is its first opset, its attributes, and those of
its inputs that may be attributes in package graph: since is the first opset that has an attribute, or the input of that
name, input and input_since say which input it is and since when, and kind, default and required are those of the last
opset in which it is an attribute. integers is the first opset in
which the first input may be int8 and uint8, null for none. Of attributes that are gone since there are only those that the table has.
"""

import json
import pathlib
import re
import sys

from onnx import defs, helper

LATER = {"value", "spatial"}  # of Pad, an input of another name since, and of BatchNormalization, until opset 9
HERE = pathlib.Path(__file__).parent
KINDS = {
    defs.OpSchema.AttrType.INT: "an int", defs.OpSchema.AttrType.FLOAT: "a float32", defs.OpSchema.AttrType.STRING: "a string",
    defs.OpSchema.AttrType.INTS: "a []int", defs.OpSchema.AttrType.FLOATS: "a []float32",
}


def attributes(versions):
    found = {}
    for s in versions:
        for name, a in s.attributes.items():
            row = found.setdefault(name, {"since": s.since_version})
            default = helper.get_attribute_value(a.default_value) if a.default_value.type else None
            row["kind"] = KINDS.get(a.type, "something else")
            if isinstance(default, list) and default and isinstance(default[0], bytes):
                default = [d.decode() for d in default]
            row["default"] = default.decode() if isinstance(default, bytes) else default
            row["required"] = a.required
        for i, x in enumerate(s.inputs):
            if i > 0:
                row = found.setdefault(x.name, {"since": s.since_version})
                row.setdefault("input", i)
                row.setdefault("input_since", s.since_version)
    return {name: row for name, row in found.items() if "input" in row or name in versions[-1].attributes or name in LATER}


def schemas():
    known = set(re.findall(r'Op = "(\w+)"', "".join(p.read_text() for p in HERE.parent.glob("*.go"))))
    by_name = {}
    for s in defs.get_all_schemas_with_history():
        if s.domain == "" and s.name in known:
            by_name.setdefault(s.name, []).append(s)
    table = {}
    for name, versions in sorted(by_name.items()):
        versions.sort(key=lambda s: s.since_version)
        integers = [s.since_version for s in versions if s.inputs and {"tensor(int8)", "tensor(uint8)"} <= set(s.inputs[0].types)]
        table[name] = {
            "since": versions[0].since_version, "attributes": attributes(versions), "integers": min(integers, default=None),
        }
    return table


def main():
    lines = (f"{json.dumps(name)}: {json.dumps(row, sort_keys=True)}" for name, row in schemas().items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    path = HERE / "schemas.json"
    if sys.argv[1:] == ["--check"]:
        sys.exit(path.read_text() != text)
    path.write_text(text)


if __name__ == "__main__":
    main()
