"""Writes schemas.json: the attributes of ONNX's own operators in opset 25, as the package onnx has them.

Usage: python make_schemas.py > schemas.json (with onnx 1.20 or later)
"""

import json

import onnx
from onnx.defs import OpSchema, get_all_schemas_with_history

OPSET = 25

KINDS = {
    OpSchema.AttrType.INT: "an int",
    OpSchema.AttrType.FLOAT: "a float32",
    OpSchema.AttrType.STRING: "a string",
    OpSchema.AttrType.INTS: "a []int",
    OpSchema.AttrType.FLOATS: "a []float32",
}

operators = {}
for s in sorted(get_all_schemas_with_history(), key=lambda s: s.since_version):
    if s.domain or s.since_version > OPSET:
        continue
    attributes = {}
    for name, a in s.attributes.items():
        if a.type not in KINDS:
            continue
        entry = {"kind": KINDS[a.type]}
        if a.required:
            entry["required"] = True
        if a.default_value.name:
            value = onnx.helper.get_attribute_value(a.default_value)
            entry["default"] = value.decode() if isinstance(value, bytes) else value
        attributes[name] = entry
    operators[s.name] = attributes
print("{")
print(",\n".join(f"{json.dumps(op)}: {json.dumps(operators[op], sort_keys=True)}" for op in sorted(operators)))
print("}")
