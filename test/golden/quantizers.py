"""Quantizers from their definitions: values, indices, losses, gradients, moving averages, Lloyd's iteration.

Written over whole tables of codes in float64, with detach() where the formulas have sg. Entries of a case are
CASE.in.NAME, CASE.r, CASE.y, CASE.grad.NAME (of sum(y * r) plus the losses), CASE.indices, CASE.LOSS.
"""

import torch

from ops import Cases
from store import save

LEVELS = {"five": [5, 3], "even": [8, 6, 5], "thousand": [8, 5, 5, 5], "seven": [7, 5, 5, 5, 5]}


def through(hard, soft):
    return soft + (hard - soft).detach()


def fsq(z, levels, bound, epsilon=1e-3):
    """Returns values scaled to [-1, 1] and the digits from 0."""
    n = torch.tensor(levels, dtype=z.dtype)
    if bound == "tanh":
        half = (n - 1) * (1 - epsilon) / 2
        offset = torch.where(n % 2 == 0, 0.5, 0.0).to(z.dtype)
        bounded = torch.tanh(z + torch.atanh(offset / half)) * half - offset
        width = torch.div(n, 2, rounding_mode="floor")
        level = through(torch.round(bounded), bounded)
        return level / width, (level + width).detach()
    unit = torch.sigmoid(z) if bound == "sigmoid" else (torch.tanh(z) + 1) / 2
    level = through(torch.round((n - 1) * unit), (n - 1) * unit)
    return 2 * level / (n - 1) - 1, level.detach()


def index(digits, levels):
    places = [1]
    for level in levels[:-1]:
        places.append(places[-1] * level)
    return (digits.round().long() * torch.tensor(places)).sum(-1).int()


def record(c, name, inputs, run):
    """run(inputs) -> (y, scalars by name, indices)."""
    doubles = {key: value.double().requires_grad_() for key, value in inputs.items()}
    y, losses, indices = run(**doubles)
    r = c.draw(*y.shape)
    total = (y * r.double()).sum() + sum(losses.values())
    gradients = torch.autograd.grad(total, list(doubles.values()), allow_unused=True)
    for (key, value), gradient in zip(inputs.items(), gradients):
        c.arrays[f"{name}.in.{key}"] = value
        if gradient is not None:
            c.arrays[f"{name}.grad.{key}"] = gradient.float()
    c.arrays |= {f"{name}.r": r, f"{name}.y": y.detach().float(), f"{name}.indices": indices.int()}
    for key, loss in losses.items():
        c.arrays[f"{name}.{key}"] = loss.detach().float()


def add_fsq(c):
    for bound in ("sigmoid", "tanh", "symmetric"):
        for name, levels in LEVELS.items():
            def run(z):
                y, digits = fsq(z, levels, bound)
                return y, {}, index(digits, levels)

            record(c, f"fsq-{bound}-{name}", {"z": c.draw(40, len(levels), scale=1.5)}, run)
            c.cases[f"fsq-{bound}-{name}"] = {"levels": levels, "bound": bound}


def nearest(z, codes):
    return torch.cdist(z, codes).argmin(-1)


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def vq(z, codebook, cosine=False, rotation=False, beta=0.8, commitment=0.3):
    if cosine:
        z, codebook = unit(z), unit(codebook)
    k = nearest(z.detach(), codebook.detach())
    e = codebook[k]
    losses = {"codebook": beta * ((e - z.detach()) ** 2).mean(),
              "commitment": commitment * ((z - e.detach()) ** 2).mean()}  # fmt: skip
    if not rotation:
        return through(e, z).add(0 * e.sum().detach()), losses, k
    # the rotation and the factor are constants: R z with R from detached vectors
    q, zd = e.detach(), z.detach()
    a, b = unit(zd), unit(q)
    r = unit(a + b)
    eye = torch.eye(z.shape[-1], dtype=z.dtype)
    matrix = eye - 2 * r[:, :, None] * r[:, None, :] + 2 * b[:, :, None] * a[:, None, :]
    scale = (q.norm(dim=-1) / zd.norm(dim=-1))[:, None]
    return scale * (matrix @ z[:, :, None])[:, :, 0], losses, k


def add_vq(c):
    options = {"vq": {}, "vq-cosine": {"cosine": True}, "vq-rotation": {"rotation": True}}
    for name, chosen in options.items():
        inputs = {"z": c.draw(20, 4), "codebook": c.draw(9, 4)}
        record(c, name, inputs, lambda z, codebook: vq(z, codebook, **chosen))


def add_moving_average(c, decay=0.9, codes=6, size=3, epsilon=1e-5):
    table = c.draw(codes, size).double()
    counts, sums = torch.ones(codes).double(), table.clone()
    c.arrays["average.start"] = table.float()
    for step in range(3):
        z = c.draw(15, size)
        k = nearest(z.double(), table)
        hot = torch.nn.functional.one_hot(k, codes).double()
        counts = decay * counts + (1 - decay) * hot.sum(0)
        sums = decay * sums + (1 - decay) * hot.T @ z.double()
        total = counts.sum()
        table = sums / ((counts + epsilon) / (total + codes * epsilon) * total)[:, None]
        c.arrays |= {f"average.{step}.z": z, f"average.{step}.codebook": table.float(),
                     f"average.{step}.counts": counts.float(), f"average.{step}.sums": sums.float()}  # fmt: skip


def add_lloyd(c, codes=5):
    z = c.draw(40, 3)
    table = z[:codes].double()
    c.arrays["lloyd.z"] = z
    for step in range(4):
        k = nearest(z.double(), table)
        table = torch.stack([z[k == i].double().mean(0) if (k == i).any() else table[i]
                             for i in range(codes)])  # fmt: skip
        c.arrays[f"lloyd.{step}"] = table.float()


def add_lfq(c, bits=4, temperature=0.5, diversity=0.7):
    codes = torch.tensor([[1.0 if (i >> b) & 1 else -1.0 for b in range(bits)] for i in range(2**bits)])
    codes = codes.double()

    def run(z):
        q = torch.softmax(-((z[:, None, :] - codes) ** 2).sum(-1) / temperature, -1)
        entropy = lambda p: -(p * torch.log(p)).sum(-1)
        gap = entropy(q).mean() - diversity * entropy(q.mean(0))
        sign = torch.where(z > 0, 1.0, -1.0).to(z.dtype)
        commitment = 0.25 * ((z - sign.detach()) ** 2).mean()
        digits = (z > 0).long()
        return through(sign, z), {"entropy": 0.1 * gap, "commitment": commitment}, \
            (digits * 2 ** torch.arange(bits)).sum(-1)  # fmt: skip

    record(c, "lfq", {"z": c.draw(12, bits, scale=0.5)}, run)
    c.cases["lfq"] = {"bits": bits, "temperature": temperature, "diversity": diversity}


def make(name):
    c = Cases()
    c.seed = 900
    for part in (add_fsq, add_vq, add_moving_average, add_lloyd, add_lfq):
        part(c)
    save(name, c.arrays, {"torch": torch.__version__.split("+")[0], "cases": c.cases})
