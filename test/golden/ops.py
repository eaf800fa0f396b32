"""Values and gradients of single operations.

Inputs are float32. The operation runs in float64 and is rounded once to float32, so a file holds
the true value rather than one library's rounding error. Gradients are those of sum(y * r).
Entries are CASE.in.NAME, CASE.r, CASE.y, CASE.grad.NAME; meta.cases names operation and options.
"""

import torch
import torch.nn.functional as F

from store import integers, normal, save

EXTREMES = [-100.0, -30.0, -10.0, -1e-4, 1e-4, 10.0, 30.0, 100.0]


class Cases:
    def __init__(self):
        self.arrays, self.cases, self.seed = {}, {}, 500

    def draw(self, *shape, scale=1.0):
        self.seed += 1
        return scale * normal(self.seed, *shape)

    def add(self, name, op, fn, inputs, indices=None, **options):
        """fn(*inputs, *indices) is recorded; only inputs are differentiated."""
        doubles = [value.double().requires_grad_() for value in inputs.values()]
        y = fn(*doubles, *[index.long() for index in (indices or {}).values()])
        r = self.draw(*y.shape)
        gradients = torch.autograd.grad((y * r.double()).sum(), doubles)
        for key, value in (inputs | (indices or {})).items():
            self.arrays[f"{name}.in.{key}"] = value
        self.arrays |= {f"{name}.r": r, f"{name}.y": y.float()}
        for key, gradient in zip(inputs, gradients):
            self.arrays[f"{name}.grad.{key}"] = gradient.float()
        self.cases[name] = {"op": op, "inputs": list(inputs), "indices": list(indices or {}),
                            "options": options}  # fmt: skip


def add_norms(c):
    affine = lambda n: {"gamma": 1 + c.draw(n, scale=0.3), "beta": c.draw(n)}
    c.add("layerNorm", "layerNorm", lambda x, g, b: F.layer_norm(x, x.shape[-1:], g, b, 1e-5),
          {"x": 2 * c.draw(3, 4, 6) + 1} | affine(6), eps=1e-5)  # fmt: skip
    train = lambda x, g, b: F.batch_norm(x, None, None, g, b, True, 0.1, 1e-5)
    c.add("batchNorm2d", "batchNorm", train, {"x": 2 * c.draw(4, 3, 3, 5) + 1} | affine(3), eps=1e-5)
    c.add("batchNorm1d", "batchNorm", train, {"x": 2 * c.draw(6, 5) - 1} | affine(5), eps=1e-5)
    c.add("groupNorm", "groupNorm", lambda x, g, b: F.group_norm(x, 4, g, b, 1e-5),
          {"x": 2 * c.draw(2, 8, 3, 3) + 1} | affine(8), groups=4, eps=1e-5)  # fmt: skip


def add_pointwise(c):
    # PyTorch's softplus is the identity above a threshold; the file holds the function itself
    softplus = lambda x: F.softplus(x, threshold=1e3)
    functions = {"gelu": F.gelu, "silu": F.silu, "elu": F.elu, "softplus": softplus}
    for name, fn in functions.items():
        x = torch.cat([c.draw(24, scale=2.0), torch.tensor(EXTREMES)]).reshape(4, 8)
        c.add(name, name, fn, {"x": x})
    logits = c.draw(5, 7, scale=3.0)
    logits[1, 2], logits[2, 3] = -100.0, 100.0
    c.add("logSoftmax", "logSoftmax", lambda x: F.log_softmax(x, -1), {"x": logits}, axis=-1)
    c.add("softmax", "softmax", lambda x: F.softmax(x, 1), {"x": c.draw(3, 5, 2)}, axis=1)
    c.add("crossEntropy", "crossEntropy", F.cross_entropy, {"logits": c.draw(6, 5, scale=3.0)},
          {"labels": integers(601, 5, 6)}, reduction="mean")  # fmt: skip
    c.add("embedding", "embedding", lambda w, i: F.embedding(i, w), {"weight": c.draw(7, 4)},
          {"indices": integers(602, 7, 3, 5)})  # fmt: skip


def add_convolutions(c):
    sizes = [  # kernel, stride, padding, height, width
        (3, 1, 0, 7, 5), (3, 1, 1, 6, 7), (3, 2, 0, 7, 9), (3, 2, 1, 8, 7), (3, 2, 1, 7, 6),
        (4, 1, 1, 5, 7), (4, 2, 1, 8, 6), (4, 2, 0, 9, 7), (1, 1, 0, 4, 5), (1, 2, 0, 5, 6),
    ]  # fmt: skip
    for k, stride, padding, height, width in sizes:
        inputs = {"x": c.draw(2, 3, height, width), "w": c.draw(4, 3, k, k), "b": c.draw(4)}
        fn = lambda x, w, b, s=stride, p=padding: F.conv2d(x, w, b, s, p)
        c.add(f"conv2dK{k}S{stride}P{padding}H{height}W{width}", "conv2d", fn, inputs,
              stride=stride, padding=padding)  # fmt: skip
    transposed = [  # kernel, stride, padding, output padding
        (4, 2, 1, 0), (3, 2, 1, 1), (3, 1, 1, 0), (3, 1, 0, 0), (3, 2, 0, 0), (4, 1, 0, 0),
    ]  # fmt: skip
    for k, stride, padding, extra in transposed:
        inputs = {"x": c.draw(2, 4, 4, 3), "w": c.draw(4, 3, k, k), "b": c.draw(3)}
        fn = lambda x, w, b, s=stride, p=padding, e=extra: F.conv_transpose2d(x, w, b, s, p, e)
        c.add(f"convTranspose2dK{k}S{stride}P{padding}O{extra}", "convTranspose2d", fn, inputs,
              stride=stride, padding=padding, outputPadding=extra)  # fmt: skip


def add_pools(c):
    c.add("maxPool2dK2S2", "maxPool2d", lambda x: F.max_pool2d(x, 2, 2), {"x": c.draw(2, 3, 6, 8)},
          kernel=2, stride=2, padding=0)  # fmt: skip
    # all negative near the border: padding must not win as a zero
    c.add("maxPool2dK3S2P1", "maxPool2d", lambda x: F.max_pool2d(x, 3, 2, 1),
          {"x": c.draw(2, 3, 7, 5) - 3}, kernel=3, stride=2, padding=1)  # fmt: skip
    c.add("avgPool2dK2S2", "avgPool2d", lambda x: F.avg_pool2d(x, 2, 2), {"x": c.draw(2, 3, 6, 8)},
          kernel=2, stride=2, padding=0)  # fmt: skip


def add_groups(c):
    sizes = [  # groups, kernel, stride, padding, dilation, height, width
        (2, 3, 1, 1, 1, 5, 7), (4, 3, 2, 1, 1, 7, 6), (2, 3, 2, 2, 2, 9, 7), (1, 3, 1, 0, 2, 7, 9),
    ]  # fmt: skip
    for g, k, stride, padding, dilation, height, width in sizes:
        inputs = {"x": c.draw(1, 4, height, width), "w": c.draw(4, 4 // g, k, k), "b": c.draw(4)}
        fn = lambda x, w, b, a=(stride, padding, dilation, g): F.conv2d(x, w, b, *a)
        c.add(f"conv2dG{g}K{k}S{stride}P{padding}D{dilation}H{height}W{width}", "conv2d", fn, inputs,
              stride=stride, padding=padding, dilation=dilation, groups=g)  # fmt: skip
    transposed = [  # groups, kernel, stride, padding, output padding, dilation
        (2, 3, 2, 1, 1, 1), (4, 4, 2, 1, 0, 1), (2, 3, 3, 2, 1, 2), (1, 3, 2, 3, 1, 3),
    ]  # fmt: skip
    for g, k, stride, padding, extra, dilation in transposed:
        inputs = {"x": c.draw(1, 4, 4, 3), "w": c.draw(4, 4 // g, k, k), "b": c.draw(4)}
        fn = lambda x, w, b, a=(stride, padding, extra, g, dilation): F.conv_transpose2d(x, w, b, *a)
        c.add(f"convTranspose2dG{g}K{k}S{stride}P{padding}O{extra}D{dilation}", "convTranspose2d", fn,
              inputs, stride=stride, padding=padding, outputPadding=extra, dilation=dilation,
              groups=g)  # fmt: skip
    inputs = {"x": c.draw(2, 4, 9), "w": c.draw(6, 2, 3), "b": c.draw(6)}
    c.add("conv1dG2S2P2D2", "conv1d", lambda x, w, b: F.conv1d(x, w, b, 2, 2, 2, 2), inputs,
          stride=2, padding=2, dilation=2, groups=2)  # fmt: skip


def add_resampling(c):
    for name, factor, shape in [("2", 2, (3, 5)), ("3", 3, (5, 2)), ("Half", 1 / 2, (6, 4)),
                                ("Third", 1 / 3, (9, 6)), ("Quarter", 1 / 4, (8, 4))]:  # fmt: skip
        size = [round(n * factor) for n in shape]
        fn = lambda x, s=size: F.interpolate(x, s, mode="bilinear", align_corners=False)
        c.add(f"bilinear{name}", "resizeBilinear2d", fn, {"x": c.draw(2, 2, *shape)}, factor=factor)
    nearest = lambda x: F.interpolate(x, scale_factor=3, mode="nearest")
    c.add("nearest3", "upsampleNearest2d", nearest, {"x": c.draw(2, 2, 3, 2)}, factor=3)
    shuffle = lambda x: F.pixel_shuffle(x, 2)
    c.add("pixelShuffle2", "pixelShuffle", shuffle, {"x": c.draw(2, 8, 2, 3)}, factor=2)
    unshuffle = lambda x: F.pixel_unshuffle(x, 3)
    c.add("pixelUnshuffle3", "pixelUnshuffle", unshuffle, {"x": c.draw(2, 2, 3, 6)}, factor=3)


def make(name):
    c = Cases()
    for add in (add_norms, add_pointwise, add_convolutions, add_pools, add_groups,
                add_resampling):  # fmt: skip
        add(c)
    meta = {"gradients": "of sum(y * r)", "convWeight": "[out, in, kh, kw]",
            "convTransposeWeight": "[in, out, kh, kw]", "cases": c.cases}  # fmt: skip
    save(name, c.arrays, meta)
