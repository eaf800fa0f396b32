"""Values and gradients of small transformers that denoise: DiT with adaLN-Zero (Peebles & Xie 2023, figure 3) and
U-ViT (Bao et al. 2023, figure 1), in PyTorch's own layers. Parameters are named by their paths in the library.

Patches are flattened channel by channel, each with its rows. Cases `tuned` scale residual branches of DiT and long skips
of U-ViT.
"""

import torch
import torch.nn.functional as F

from store import save
from unet import Numbers, linear, sinusoids

FEATURES, HEADS, PATCH, CLASSES = 8, 2, 2, 3


def norm(p, path, x):
    c = x.shape[-1]
    scale, offset = p(f"{path}.scale", c, around=1.0, scale=0.2), p(f"{path}.offset", c, scale=0.2)
    return F.layer_norm(x, (c,), scale, offset, 1e-5)


def attention(p, path, x):
    q, k, v = linear(p, f"{path}.project", x, 3 * FEATURES).split(FEATURES, -1)
    by_head = [t.unflatten(-1, (HEADS, FEATURES // HEADS)).transpose(1, 2) for t in (q, k, v)]
    y = F.scaled_dot_product_attention(*by_head).transpose(1, 2).flatten(2)
    return linear(p, f"{path}.out", y, FEATURES)


def network(p, path, x):
    return linear(p, f"{path}.narrow", F.gelu(linear(p, f"{path}.wide", x, 4 * FEATURES)), FEATURES)


def patches(x):
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // PATCH, PATCH, w // PATCH, PATCH)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * PATCH * PATCH)


def image(tokens, shape):
    b, c, h, w = shape
    x = tokens.reshape(b, h // PATCH, w // PATCH, c, PATCH, PATCH)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(shape)


def conditions(p, times, label):
    time = linear(p, "time1", sinusoids(times, FEATURES), FEATURES)
    time = linear(p, "time2", F.silu(time), FEATURES)
    return time, p("classes.weight", CLASSES + 1, FEATURES, scale=0.5)[label.long()]


def dit(p, x, times, label, layers, factors):
    time, chosen = conditions(p, times, label)
    condition = F.silu(time + chosen)[:, None]
    now = linear(p, "patches", patches(x), FEATURES)
    now = now + p("positions.weight", now.shape[1], FEATURES, scale=0.5)
    for i in range(layers):
        at = f"blocks.{i}"
        parts = linear(p, f"{at}.modulation", condition, 6 * FEATURES).chunk(6, -1)
        shift, scale, gate = parts[:3]
        entered = norm(p, f"{at}.attention.norm", now) * (1 + scale) + shift
        now = now + factors[i] * gate * attention(p, f"{at}.attention.attention", entered)
        shift, scale, gate = parts[3:]
        entered = norm(p, f"{at}.feedForward.norm", now) * (1 + scale) + shift
        now = now + factors[i] * gate * network(p, f"{at}.feedForward.network", entered)
    shift, scale = linear(p, "modulation", condition, 2 * FEATURES).chunk(2, -1)
    now = norm(p, "norm", now) * (1 + scale) + shift
    return image(linear(p, "output", now, x.shape[1] * PATCH**2), x.shape)


def u_vit(p, x, times, label, layers, factors):
    time, chosen = conditions(p, times, label)
    now = torch.cat([time[:, None], chosen[:, None], linear(p, "patches", patches(x), FEATURES)], 1)
    now = now + p("positions.weight", now.shape[1], FEATURES, scale=0.5)
    kept, half = [], layers // 2
    for i in range(layers):
        at = f"blocks.{i}"
        if i > half:
            joined = torch.cat([now, kept.pop() * factors[i - half - 1]], -1)
            now = linear(p, f"{at}.join", joined, FEATURES)
        now = now + attention(p, f"{at}.attention.attention", norm(p, f"{at}.attention.norm", now))
        now = now + network(p, f"{at}.feedForward.network", norm(p, f"{at}.feedForward.norm", now))
        if i < half:
            kept.append(now)
    now = norm(p, "norm", now)[:, 2:]
    return image(linear(p, "output", now, x.shape[1] * PATCH**2), x.shape)


CASES = {
    "dit": {"layers": 2, "factors": [1, 1]},
    "dit-tuned": {"layers": 2, "factors": [0.7, 1.2]},
    "u-vit": {"layers": 5, "factors": [1, 1]},
    "u-vit-tuned": {"layers": 5, "factors": [0.7, 1.2]},
}


def make(name):
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    x, r = draw(2, 1, 4, 6), draw(2, 1, 4, 6)
    times, label = torch.tensor([12.5, 640.0]), torch.tensor([1, CLASSES]).int()
    arrays, paths = {"x": x, "r": r, "times": times, "label": label}, {}
    for kind, network_of in {"dit": dit, "u-vit": u_vit}.items():
        p = Numbers(6)
        for case in (kind, f"{kind}-tuned"):
            given = x.double().requires_grad_()
            y = network_of(p, given, times.double(), label, **CASES[case])
            arrays[f"{case}.y"] = y.float()
            inputs = [given, *(p.by_path.values() if case == kind else [])]
            gradients = torch.autograd.grad((y * r.double()).sum(), inputs)
            arrays[f"{case}.dx"] = gradients[0].float()
            for path, gradient in zip(p.by_path, gradients[1:]):
                arrays[f"{kind}.gradient.{path}"] = gradient.float()
        for path, value in p.by_path.items():
            arrays[f"{kind}.param.{path}"] = value.float()
        paths[kind] = list(p.by_path)
    save(name, arrays, {"cases": CASES, "paths": paths})
