"""The bounds and deviations of PyTorch's initializers for three layers; numbers only.

Fans are those of PyTorch, which takes a transposed convolution's [in, out, kh, kw] as if it were
[out, in, kh, kw]: its "fan in" is out * kh * kw.
"""

import math

import torch
from torch import nn

from store import save

LAYERS = {
    "linear": (nn.Linear, (784, 400), {}, [784, 400]),
    "conv": (nn.Conv2d, (16, 32, 3), {}, [32, 16, 3, 3]),
    "convTranspose": (nn.ConvTranspose2d, (16, 32, 4), {}, [16, 32, 4, 4]),
}


def describe(kind, sizes, options, shape):
    torch.manual_seed(401)
    layer = kind(*sizes, **options)
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    relu, leaky = nn.init.calculate_gain("relu"), nn.init.calculate_gain("leaky_relu", 5**0.5)
    found = {
        "shape": shape,
        "fanIn": fan_in,
        "fanOut": fan_out,
        "defaultBound": leaky * math.sqrt(3 / fan_in),
        "biasBound": 1 / math.sqrt(fan_in),
        "xavierUniformBound": math.sqrt(6 / (fan_in + fan_out)),
        "xavierNormalStd": math.sqrt(2 / (fan_in + fan_out)),
        "kaimingUniformReluBound": relu * math.sqrt(3 / fan_in),
        "kaimingNormalReluStd": relu / math.sqrt(fan_in),
    }
    check(layer, found)
    return found


def check(layer, found):
    """The formulas against what PyTorch's own functions draw."""

    def drawn(init, expected, measure, **options):
        weight = torch.empty_like(layer.weight, requires_grad=False)
        with torch.no_grad():
            init(weight, **options)
        assert abs(measure(weight) / expected - 1) < 0.03, init

    largest, deviation = lambda w: w.abs().max().item(), lambda w: w.std().item()
    assert abs(largest(layer.weight) / found["defaultBound"] - 1) < 0.01
    assert largest(layer.bias) <= found["biasBound"]
    drawn(nn.init.xavier_uniform_, found["xavierUniformBound"], largest)
    drawn(nn.init.xavier_normal_, found["xavierNormalStd"], deviation)
    relu = {"nonlinearity": "relu"}
    drawn(nn.init.kaiming_uniform_, found["kaimingUniformReluBound"], largest, **relu)
    drawn(nn.init.kaiming_normal_, found["kaimingNormalReluStd"], deviation, **relu)


def make(name):
    meta = {key: describe(*layer) for key, layer in LAYERS.items()}
    save(name, {}, meta)
