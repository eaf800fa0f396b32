"""Values and gradients of small U-Nets: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020, appendix
B), in PyTorch's own layers. Parameters are named by their paths in the library; linear weights [inputs, outputs].

Also the parts that act on skip connections: factors of Skip-Tuning (Ma et al. 2024) before the concatenation and after
the norm behind it, and FreeU (Si et al. 2024), whose low frequencies are taken by a Fourier transform here.
"""

import math

import torch
import torch.nn.functional as F

from store import save

GROUPS, HEADS, WIDTH, CLASSES = 2, 2, 4, 3


class Numbers:
    """Parameters by path, made as they are asked for."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.by_path = {}

    def __call__(self, path, *shape, around=0.0, scale=None):
        if path not in self.by_path:
            fan = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
            scale = scale or 0.7 / math.sqrt(fan)
            numbers = torch.randn(shape, generator=self.generator) * scale + around
            self.by_path[path] = numbers.double().requires_grad_()
        return self.by_path[path]


def conv(p, path, x, outputs, size=3, stride=1):
    weight = p(f"{path}.weight", outputs, x.shape[1], size, size)
    return F.conv2d(x, weight, p(f"{path}.bias", outputs, scale=0.1), stride, size // 2)


def linear(p, path, x, outputs):
    return x @ p(f"{path}.weight", x.shape[-1], outputs) + p(f"{path}.bias", outputs, scale=0.1)


def norm(p, path, x, after=None):
    c = x.shape[1]
    scale, offset = p(f"{path}.scale", c, around=1.0, scale=0.2), p(f"{path}.offset", c, scale=0.2)
    y = F.group_norm(x, GROUPS, scale, offset, 1e-5)
    return y if after is None else y * after[:, None, None]


def block(p, path, x, time, outputs, after=None):
    """after: a factor of each channel behind the first norm, and on the way through the shortcut."""
    y = conv(p, f"{path}.conv1", F.silu(norm(p, f"{path}.norm1", x, after)), outputs)
    y = y + linear(p, f"{path}.time", time, outputs)[:, :, None, None]
    y = conv(p, f"{path}.conv2", F.silu(norm(p, f"{path}.norm2", y)), outputs)
    if x.shape[1] == outputs:
        return x + y
    scaled = x if after is None else x * after[:, None, None]
    return y + conv(p, f"{path}.shortcut", scaled, outputs, 1)


def attention(p, path, x):
    b, c, h, w = x.shape
    rows = norm(p, f"{path}.norm", x).permute(0, 2, 3, 1).reshape(b, h * w, c)
    q, k, v = linear(p, f"{path}.attention.project", rows, 3 * c).split(c, -1)
    by_head = [t.unflatten(-1, (HEADS, c // HEADS)).transpose(1, 2) for t in (q, k, v)]
    y = F.scaled_dot_product_attention(*by_head).transpose(1, 2).reshape(b, h * w, c)
    y = linear(p, f"{path}.attention.out", y, c)
    return x + y.reshape(b, h, w, c).permute(0, 3, 1, 2)


def sinusoids(times, features):
    rates = 10000.0 ** (-torch.arange(features // 2, dtype=torch.float64) / (features // 2))
    angles = times[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def low_frequencies(x, s):
    """The Fourier mask of the authors of FreeU, threshold 1."""
    spectrum = torch.fft.fftshift(torch.fft.fftn(x, dim=(-2, -1)), dim=(-2, -1))
    mask = torch.ones_like(x)
    row, column = x.shape[-2] // 2, x.shape[-1] // 2
    mask[..., row - 1 : row + 1, column - 1 : column + 1] = s
    return torch.fft.ifftn(torch.fft.ifftshift(spectrum * mask, dim=(-2, -1)), dim=(-2, -1)).real


def strengthened(x, b):
    mean = x.mean(1, keepdim=True)
    low, high = mean.amin((2, 3), keepdim=True), mean.amax((2, 3), keepdim=True)
    factor = (b - 1) * (mean - low) / (high - low) + 1
    half = x.shape[1] // 2
    return torch.cat([x[:, :half] * factor, x[:, half:]], 1)


def unet(p, x, times, label, multipliers, attended, patch, rho, after_norm, free):
    time = linear(p, "time1", sinusoids(times, WIDTH), 4 * WIDTH)
    time = linear(p, "time2", F.silu(time), 4 * WIDTH)
    classes = p("classes.weight", CLASSES + 1, 4 * WIDTH, scale=0.5)
    time = F.silu(time + classes[label.long()])
    now = conv(p, "input", F.pixel_unshuffle(x, patch), WIDTH)
    kept, at = [now], 1
    for level, multiplier in enumerate(multipliers):
        now = block(p, f"down.{at}", now, time, WIDTH * multiplier)
        at += 1
        if level in attended:
            now = attention(p, f"down.{at}", now)
            at += 1
        kept.append(now)
        at += 1
        if level + 1 < len(multipliers):
            now = conv(p, f"down.{at}", now, now.shape[1], stride=2)
            kept.append(now)
            at += 2
    now = block(p, "middle.0", now, time, now.shape[1])
    now = attention(p, "middle.1", now)
    now = block(p, "middle.2", now, time, now.shape[1])
    at, number = 0, 0
    for level in reversed(range(len(multipliers))):
        for _ in range(2):
            skip, factor = kept.pop(), rho[number]
            if free and level == len(multipliers) - 1:
                now, skip = strengthened(now, free[0]), low_frequencies(skip, free[1])
            after = None
            if after_norm:
                after = torch.cat([torch.ones(now.shape[1]), torch.full((skip.shape[1],), factor)])
            else:
                skip = skip * factor
            joined = torch.cat([now, skip], 1)
            now = block(p, f"up.{at + 1}", joined, time, WIDTH * multipliers[level], after)
            number, at = number + 1, at + 2
            if level in attended:
                now = attention(p, f"up.{at}", now)
                at += 1
        if level > 0:
            now = conv(p, f"up.{at}", F.interpolate(now, scale_factor=2), now.shape[1])
            at += 1
    y = conv(p, "output", F.silu(norm(p, "norm", now)), x.shape[1] * patch**2)
    return F.pixel_shuffle(y, patch)


CASES = {
    "plain": {"rho": [1, 1, 1, 1], "after_norm": False, "free": None},
    "before-concatenation": {"rho": [0.6, 0.7, 0.8, 0.9], "after_norm": False, "free": None},
    "after-norm": {"rho": [0.6, 0.7, 0.8, 0.9], "after_norm": True, "free": None},
    "free-u": {"rho": [1, 1, 1, 1], "after_norm": False, "free": [1.3, 0.6]},
}


def make(name):
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    x, r = draw(2, 1, 8, 12), draw(2, 1, 8, 12)
    times, label = torch.tensor([12.5, 640.0]), torch.tensor([1, CLASSES]).int()
    p = Numbers(4)
    arrays = {"x": x, "r": r, "times": times, "label": label}
    for case, options in CASES.items():
        given = x.double().requires_grad_()
        y = unet(p, given, times.double(), label, multipliers=(1, 2), attended=(1,), patch=2, **options)
        arrays[f"{case}.y"] = y.float()
        inputs = [given, *p.by_path.values()] if case == "plain" else [given]
        gradients = torch.autograd.grad((y * r.double()).sum(), inputs)
        arrays[f"{case}.dx"] = gradients[0].float()
        if case == "plain":
            for path, gradient in zip(p.by_path, gradients[1:]):
                arrays[f"gradient.{path}"] = gradient.float()
    for path, value in p.by_path.items():
        arrays[f"param.{path}"] = value.float()
    save(name, arrays, {"cases": CASES, "paths": list(p.by_path)})
