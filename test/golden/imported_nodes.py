"""The ONNX project's own tests of single operators (onnx.backend.test), made anew from its generator.

    python3 test/golden/imported_nodes.py FOLDER           # all of them, a folder each: model.onnx, input_0.pb, …
    python3 test/golden/imported_nodes.py --sample NAMES   # those named in a JSON list, in one file for this folder

needs onnx. The tests read the sample always, and the whole where REPARAM_ONNX_NODES names FOLDER.
"""

import base64
import json
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")


def tensors(arrays, infos):
    for array, info in zip(arrays, infos):
        proto = isinstance(array, onnx.TensorProto)
        yield array if proto else numpy_helper.from_array(np.asarray(array), info.name)


def files(case):
    """Name → bytes of what a test consists of; None where it has sequences or optional values."""
    graph = case.model.graph
    inputs, outputs = case.data_sets[0]
    found = {"model.onnx": case.model.SerializeToString()}
    try:
        for kind, arrays, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, tensor in enumerate(tensors(arrays, infos)):
                found[f"{kind}_{i}.pb"] = tensor.SerializeToString()
    except (ValueError, NotImplementedError, TypeError):
        return None
    return found


def main():
    cases = {case.name: parts for case in collect_testcases(None) if (parts := files(case))}
    if sys.argv[1] == "--sample":
        names = json.load(open(sys.argv[2]))
        sample = {n: {f: base64.b64encode(b).decode() for f, b in cases[n].items()} for n in names}
        lines = [f"{json.dumps(n)}: {json.dumps(parts)}" for n, parts in sample.items()]
        path = os.path.join(os.path.dirname(__file__), "imported-nodes.json")
        open(path, "w").write("{\n" + ",\n".join(lines) + "\n}\n")
        return
    for name, parts in cases.items():
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        for file, content in parts.items():
            open(os.path.join(folder, file), "wb").write(content)


if __name__ == "__main__":
    main()
