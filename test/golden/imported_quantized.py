"""Quantized models as onnxruntime's tools make them, one whose weights are in a file beside it, and one operator.

    python3 test/golden/imported_quantized.py

needs onnx and onnxruntime. mnist-qdq.onnx: the digit classifier of assets/features, static, with QuantizeLinear and
DequantizeLinear around each operator, weights int8 by channel, activations uint8 by 128 digits of test/data.
gpt-dynamic.onnx: the small transformer of this folder, dynamic: weights int8, activations by their own range. Weights
have 7 bits (reduce_range): with 8, the runtime's kernels for processors without VNNI saturate sums of two products.
"""

import gzip
import logging
import os
import tempfile

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "imported")
ROOT = os.path.dirname(os.path.dirname(HERE))
logging.disable()


class Digits(CalibrationDataReader):
    def __init__(self):
        path = os.path.join(ROOT, "test", "data", "mnist-sample", "train-images-idx3-ubyte.gz")
        pixels = np.frombuffer(gzip.open(path).read()[16:], np.uint8).reshape(-1, 1, 28, 28)
        self.batches = iter([{"image": pixels[at : at + 32]} for at in range(0, 128, 32)])

    def get_next(self):
        return next(self.batches, None)


def static():
    target = os.path.join(FOLDER, "mnist-qdq.onnx")
    quantize_static(os.path.join(ROOT, "assets", "features", "mnist.onnx"), target, Digits(),
                    quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, reduce_range=True)  # fmt: skip


def dynamic():
    target = os.path.join(FOLDER, "gpt-dynamic.onnx")
    quantize_dynamic(os.path.join(FOLDER, "gpt.onnx"), target, weight_type=QuantType.QInt8, reduce_range=True)


def beside():
    model = onnx.load(os.path.join(FOLDER, "perceptron.onnx"))
    for name in ("perceptron-beside.onnx", "perceptron-beside.bin"):
        path = os.path.join(FOLDER, name)
        if os.path.exists(path):
            os.remove(path)
    onnx.save(model, os.path.join(FOLDER, "perceptron-beside.onnx"), save_as_external_data=True,
              location="perceptron-beside.bin", size_threshold=0)  # fmt: skip


def part():
    """An operator that the ONNX project's tests have on whole axes only."""
    node = helper.make_node("ScatterElements", ["x", "at", "updates"], ["y"], axis=1, reduction="add")
    float_, int_ = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    graph = helper.make_graph(
        [node], "part",
        [helper.make_tensor_value_info("x", float_, [3, 4, 2]), helper.make_tensor_value_info("at", int_, [2, 3, 1]),
         helper.make_tensor_value_info("updates", float_, [2, 3, 1])],
        [helper.make_tensor_value_info("y", float_, [3, 4, 2])])  # fmt: skip
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), os.path.join(FOLDER, "scatter-part.onnx"))


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    static()
    dynamic()
    beside()
    part()
    for name in ("mnist-qdq.onnx", "gpt-dynamic.onnx", "perceptron-beside.onnx"):
        model = onnx.load(os.path.join(FOLDER, name))
        print(name, os.path.getsize(os.path.join(FOLDER, name)), sorted({n.op_type for n in model.graph.node}))
