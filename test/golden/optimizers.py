"""Ten steps of every optimizer and both clippings on one small regression, in float64.

loss(matrix, vector) = mean((x matrix + vector - y)^2) + quartic * sum(matrix^4)
"""

import torch

from store import normal, save

STEPS = 10
QUARTIC = 0.01
VARIANTS = {
    "sgd": ("SGD", {"lr": 0.05}),
    "sgdMomentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "sgdNesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"lr": 0.05, "betas": (0.9, 0.999), "eps": 1e-8}),
    "adamW": ("AdamW", {"lr": 0.05, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    "sgdClipNorm": ("SGD", {"lr": 0.05, "clipNorm": 0.5}),
    "sgdClipValue": ("SGD", {"lr": 0.05, "clipValue": 0.1}),
}


def clip(parameters, options):
    if "clipNorm" in options:
        torch.nn.utils.clip_grad_norm_(parameters, options["clipNorm"])
    if "clipValue" in options:
        torch.nn.utils.clip_grad_value_(parameters, options["clipValue"])


def descend(kind, options, start, x, y):
    matrix, vector = parameters = [p.clone().requires_grad_() for p in start]
    own = {k: v for k, v in options.items() if not k.startswith("clip")}
    optimizer = getattr(torch.optim, kind)(parameters, **own)
    path, losses = [[p.detach().clone() for p in parameters]], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = (x @ matrix + vector - y).square().mean() + QUARTIC * matrix.pow(4).sum()
        loss.backward()
        clip(parameters, options)
        optimizer.step()
        losses.append(loss.detach())
        path.append([p.detach().clone() for p in parameters])
    matrices, vectors = (torch.stack(p) for p in zip(*path))
    return {"matrix": matrices, "vector": vectors, "losses": torch.stack(losses)}


def make(name):
    f8 = torch.float64
    x, y = normal(201, 5, 3, dtype=f8), 2 * normal(202, 5, 2, dtype=f8)
    start = [normal(203, 3, 2, dtype=f8), normal(204, 2, dtype=f8)]
    arrays = {"x": x, "y": y}
    for variant, (kind, options) in VARIANTS.items():
        for key, value in descend(kind, options, start, x, y).items():
            arrays[f"{variant}.{key}"] = value
    meta = {
        "loss": "mean((x matrix + vector - y)^2) + quartic * sum(matrix^4)",
        "quartic": QUARTIC,
        "steps": STEPS,
        "layout": "row 0 of matrix and vector is the start, row k the state after k steps",
        "clipNorm": "both parameters scaled by min(1, clipNorm / (global norm + 1e-6))",
        "variants": {k: {"kind": kind, **options} for k, (kind, options) in VARIANTS.items()},
    }
    save(name, arrays, meta)
