"""Layers of generators and discriminators: values and gradients. Entries are those of ops.py.

Instance norm, batch norm, attention and gather are PyTorch's own; equalized layers are its linear and convolution with
the weight scaled before.
"""

import math

import torch
import torch.nn.functional as F

from ops import Cases
from store import integers, save


def equalized(c):
    gain = lambda w, fan: w * math.sqrt(2 / fan)
    c.add("equalizedLinear", "equalizedLinear", lambda x, w, b: F.linear(x, gain(w, 5).T, b),
          {"x": c.draw(4, 5), "weight": c.draw(5, 3), "bias": c.draw(3)})  # fmt: skip
    rate = 0.01
    c.add("equalizedLinearSlow", "equalizedLinear",
          lambda x, w, b: F.linear(x, gain(w, 5).T * rate, b * rate),
          {"x": c.draw(4, 5), "weight": c.draw(5, 3, scale=100), "bias": c.draw(3)}, rate=rate)  # fmt: skip
    c.add("equalizedConv", "equalizedConvolution",
          lambda x, w, b: F.conv2d(x, w / math.sqrt(3 * 9), b, padding=1),
          {"x": c.draw(2, 3, 4, 4), "weight": c.draw(2, 3, 3, 3), "bias": c.draw(2)}, gain=1.0)  # fmt: skip


def norms(c):
    c.add("pixelNorm", "pixelNorm", lambda x: x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8),
          {"x": c.draw(2, 5, 3, 3)})  # fmt: skip

    def adain(x, scale, offset):
        return F.instance_norm(x, eps=1e-5) * scale[:, :, None, None] + offset[:, :, None, None]

    c.add("adaptiveInstanceNorm", "adaptiveInstanceNorm", adain,
          {"x": 2 * c.draw(3, 4, 3, 5) + 1, "scale": c.draw(3, 4), "offset": c.draw(3, 4)})  # fmt: skip

    def deviation(x):
        channel = torch.sqrt(x.var(0, unbiased=False) + 1e-8).mean()
        return torch.cat([x, channel.expand(x.shape[0], 1, *x.shape[2:])], 1)

    c.add("minibatchDeviation", "minibatchDeviation", deviation, {"x": c.draw(4, 3, 2, 2)})


def attention(c):
    def run(x, q, k, v, out, weight):
        batch, channels, height, width = x.shape
        heads = lambda y: y.flatten(2).transpose(1, 2)
        pooled = lambda w: heads(F.max_pool2d(F.conv2d(x, w), 2))
        seen = F.scaled_dot_product_attention(heads(F.conv2d(x, q)), pooled(k), pooled(v), scale=1.0)
        return x + weight * F.conv2d(seen.transpose(1, 2).reshape(batch, -1, height, width), out)

    c.add("selfAttention", "selfAttention2d", run,
          {"x": c.draw(2, 8, 4, 6), "query": c.draw(2, 8, 1, 1), "key": c.draw(2, 8, 1, 1),
           "value": c.draw(4, 8, 1, 1), "out": c.draw(8, 4, 1, 1), "weight": c.draw(1)})  # fmt: skip


def conditional(c):
    label = {"label": integers(7, 3, 6)}

    def by_class(x, scales, offsets, label):
        y = F.batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
        return y * scales[label][:, :, None, None] + offsets[label][:, :, None, None]

    c.add("conditionalBatchNorm", "byClass", by_class,
          {"x": 2 * c.draw(6, 4, 2, 3) + 1, "scales": c.draw(3, 4), "offsets": c.draw(3, 4)}, label)  # fmt: skip

    def by_condition(x, condition, scale, offset):
        y = F.batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
        return y * (1 + condition @ scale)[:, :, None, None] + (condition @ offset)[:, :, None, None]

    c.add("projectedBatchNorm", "byCondition", by_condition,
          {"x": 2 * c.draw(6, 4, 2, 3) + 1, "condition": c.draw(6, 5), "scale": c.draw(5, 4, scale=0.3),
           "offset": c.draw(5, 4)})  # fmt: skip

    def projection(features, weight, bias, classes, label):
        return F.linear(features, weight.T, bias)[:, 0] + (features * classes[label]).sum(1)

    c.add("projectionDiscriminator", "projection", projection,
          {"features": c.draw(6, 4), "weight": c.draw(4, 1), "bias": c.draw(1), "classes": c.draw(3, 4)},
          label)  # fmt: skip


def orthogonality(c):
    def penalty(kernel, matrix):
        grams = [kernel.flatten(1) @ kernel.flatten(1).T, matrix.T @ matrix]
        return sum((g * (1 - torch.eye(len(g), dtype=g.dtype))).square().sum() for g in grams)

    c.add("modifiedOrthogonal", "modifiedOrthogonal", penalty,
          {"kernel": c.draw(4, 3, 2, 2), "matrix": c.draw(5, 3)})  # fmt: skip


def make(name):
    c = Cases()
    for part in (equalized, norms, attention, conditional, orthogonality):
        part(c)
    save(name, c.arrays, {"cases": c.cases, "torch": torch.__version__})
