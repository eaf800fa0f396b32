"""Small PyTorch models as ONNX files, with an output and the gradients of its weighted sum, for reading them back.

    python3 test/golden/imported.py

needs torch, onnx and onnxscript. The network with batch norm is written without the exporter's optimizations, which
would fold the norm into the convolution before it.
"""

import json
import os
import warnings

import onnx
import torch
import torch.nn.functional as F
from torch import nn

FOLDER = os.path.join(os.path.dirname(__file__), "imported")


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3))

    def forward(self, x):
        return F.log_softmax(self.body(x), -1)


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
        self.score = nn.Linear(6, 3)
        with torch.no_grad():
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.norm(self.first(x))), 2)
        h = F.leaky_relu(self.second(h), 0.1)
        return self.score(F.adaptive_avg_pool2d(h, 1).flatten(1))


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm = nn.GroupNorm(2, inputs)
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.conv(F.silu(self.norm(x))) + self.skip(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(1, 4, 3, padding=1)
        self.down = Block(4, 8)
        self.middle = Block(8, 8)
        self.up = nn.ConvTranspose2d(8, 4, 4, 2, 1)
        self.leave = Block(8, 1)

    def forward(self, x):
        first = self.enter(x)
        low = self.middle(self.down(F.avg_pool2d(first, 2)))
        high = self.up(F.interpolate(F.max_pool2d(low, 2), scale_factor=2, mode="nearest"))
        return self.leave(torch.cat([first, high], 1))


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.causal = causal
        self.embed = nn.Embedding(11, 8)
        self.places = nn.Parameter(0.1 * torch.randn(16, 8))
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.feed = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(approximate="tanh"), nn.Linear(16, 8))
        self.head = nn.Linear(8, 11)

    def forward(self, tokens):
        batch, length = tokens.shape
        x = self.embed(tokens) + self.places[:length]
        q, k, v = (part.reshape(batch, length, 2, 4).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, -1))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(h.transpose(1, 2).reshape(batch, length, 8))
        return self.head(x + self.feed(x))


class Grouped(nn.Module):
    """Two heads of queries for each head of keys, and a mask of numbers: the operator Attention of opset 23."""

    def __init__(self):
        super().__init__()
        self.q, self.kv = nn.Linear(6, 16), nn.Linear(6, 16)
        self.bias = nn.Parameter(torch.randn(4, 5, 5))

    def forward(self, x):
        heads = lambda y, count: y.unflatten(-1, (count, 4)).transpose(1, 2)
        k, v = self.kv(x).chunk(2, -1)
        y = F.scaled_dot_product_attention(heads(self.q(x), 4), heads(k, 2), heads(v, 2), self.bias, enable_gqa=True)
        return y.transpose(1, 2).flatten(2)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 3, batch_first=True)

    def forward(self, x):
        return self.gru(self.lstm(x)[0])[0]


def bare(path):
    """Takes out what the exporter notes of the machine: stack traces and file names."""
    file = onnx.load(path)
    for part in [file, file.graph, *file.graph.node, *file.graph.input, *file.graph.output, *file.graph.value_info,
                 *file.graph.initializer]:  # fmt: skip
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.save(file, path)


def write(name, model, x, dynamic, opset=None):
    model.eval()
    # The exporter makes one weight of equal ones, such as two gains of 1: no two are equal here.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    path = os.path.join(FOLDER, f"{name}.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), path, input_names=["x"], output_names=["y"], dynamic_shapes=dynamic,
                          dynamo=True, optimize=name != "convolutional", external_data=False, verbose=False,
                          opset_version=opset)  # fmt: skip
    bare(path)
    if x.is_floating_point():
        x.requires_grad_(True)
    y = model(x)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    (y * weights).sum().backward()
    return {
        "x": {"shape": list(x.shape), "dtype": str(x.dtype).removeprefix("torch."), "data": x.flatten().tolist()},
        "y": {"shape": list(y.shape), "data": y.flatten().tolist()},
        "inputGradient": x.grad.flatten().tolist() if x.is_floating_point() else None,
        "parameters": [
            {"shape": list(p.shape), "data": p.flatten().tolist(), "gradient": p.grad.flatten().tolist()}
            for p in model.parameters()
        ],
    }  # fmt: skip


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)
    batch = torch.export.Dim("batch", max=1024)
    length = torch.export.Dim("length", max=16)
    images = {0: batch}
    cases = {
        "perceptron": write("perceptron", Perceptron(), torch.randn(5, 6), (images,)),
        "convolutional": write("convolutional", Convolutional(), torch.randn(3, 2, 8, 8), (images,)),
        "unet": write("unet", UNet(), torch.randn(2, 1, 8, 8), (images,)),
        "bert": write("bert", Attention(False), torch.randint(0, 11, (3, 7)), ({0: batch, 1: length},)),
        "gpt": write("gpt", Attention(True), torch.randint(0, 11, (3, 7)), ({0: batch, 1: length},)),
        "recurrent": write("recurrent", Recurrent(), torch.randn(2, 5, 3), (images,)),
        "attention": write("attention", Grouped(), torch.randn(3, 5, 6), (images,), 23),
    }
    with open(os.path.join(FOLDER, "expected.json"), "w") as file:
        json.dump(cases, file)


if __name__ == "__main__":
    main()
