"""Objectives and penalties of generative adversarial networks in float64: values, slopes of the objectives at the
discriminator's outputs, and gradients of the penalties at its first weight (second derivatives), for the critic
D(x) = tanh(x W + b) v. Penalties on lines between rows are taken where both ends are the same rows."""

import torch
import torch.nn.functional as F

from store import normal, save

DOUBLE = torch.float64


def objectives(r, f, x, y):
    bce = F.binary_cross_entropy_with_logits
    one, zero = torch.ones_like(r), torch.zeros_like(r)
    rr, ff = r - f.mean(), f - r.mean()
    delta = r - f
    distance = 10 * (x - y).abs().mean(1)
    return {
        "saturating": (bce(r, one) + bce(f, zero), -bce(f, zero)),
        "non-saturating": (bce(r, one) + bce(f, zero), bce(f, one)),
        "least-squares": (0.5 * F.mse_loss(r, one) + 0.5 * F.mse_loss(f, zero), 0.5 * F.mse_loss(f, one)),
        "hinge": (F.relu(1 - r).mean() + F.relu(1 + f).mean(), -f.mean()),
        "wasserstein": (f.mean() - r.mean(), -f.mean()),
        "relativistic-average": (bce(rr, one) + bce(ff, zero), bce(ff, one) + bce(rr, zero)),
        "quadratic-potential": ((-delta + delta**2 / (2 * distance)).mean(), delta.mean()),
        "quadratic-potential/3": ((-delta + delta**2 / (0.6 * distance)).mean(), delta.mean()),
        "kl": (torch.exp(f - 1).mean() - r.mean(), -f.mean()),
        "pearson": ((F.relu(f / 2 + 1) ** 2 - 1).mean() - r.mean(), -f.mean()),
    }


def critic(w, b, v):
    return lambda x: torch.tanh(x @ w + b) @ v


def slope(d, x):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
    return g.square().sum(1)


def penalties(d, inner, x, y, first, second):
    norm = lambda rows: slope(d, rows).sqrt()
    over = lambda rows: F.relu(norm(rows) - 1)
    away = (d(x * first) - d(x * second)) ** 2
    features = ((inner(x * first) - inner(x * second)) ** 2).mean(1)
    return {
        "gp": ((norm(x) - 1) ** 2).mean(),
        "one-sided-gp": (over(x) ** 2).mean(),
        "div": (slope(d, x) ** 3).mean(),
        "r1": 0.5 * slope(d, x).mean(),
        "r2": 0.5 * slope(d, y).mean(),
        "js-regularizer": 0.5 * ((1 - torch.sigmoid(d(x))) ** 2 * slope(d, x)).mean()
        + 0.5 * (torch.sigmoid(d(y)) ** 2 * slope(d, y)).mean(),
        "ct": F.relu(away + 0.1 * features).mean(),
        "ct/margin": F.relu(away + 0.1 * features - 0.02).mean(),
        "div/3": (slope(d, x) ** 1.5).mean(),
    }


def make(name):
    arrays = {}
    r, f = (2 * normal(seed, 6, dtype=DOUBLE) for seed in (1, 2))
    x, y = (normal(seed, 6, 3, dtype=DOUBLE) for seed in (3, 4))
    w, b, v = (normal(seed, *shape, dtype=DOUBLE) for seed, shape in ((5, (3, 4)), (6, (4,)), (7, (4,))))
    first, second = ((normal(seed, 6, 3) > 0).to(DOUBLE) for seed in (8, 9))
    arrays |= {"real": r, "fake": f, "x": x, "y": y, "w": w, "b": b, "v": v, "first": first, "second": second}
    for loss in objectives(r, f, x, y):
        rr, ff = r.clone().requires_grad_(), f.clone().requires_grad_()
        for player, value in zip(("discriminator", "generator"), objectives(rr, ff, x, y)[loss]):
            grads = torch.autograd.grad(value, (rr, ff), allow_unused=True, retain_graph=True)
            arrays[f"{loss}.{player}"] = value
            for side, grad, like in zip(("real", "fake"), grads, (rr, ff)):
                arrays[f"{loss}.{player}.{side}"] = torch.zeros_like(like) if grad is None else grad
    ww = w.clone().requires_grad_()
    inner = lambda rows: torch.tanh(rows @ ww + b)
    for penalty, value in penalties(critic(ww, b, v), inner, x, y, first, second).items():
        (grad,) = torch.autograd.grad(value, ww, retain_graph=True)
        arrays[f"penalty.{penalty}"], arrays[f"penalty.{penalty}.w"] = value, grad
    kernel = normal(10, 4, 3, 2, 2, dtype=DOUBLE)
    matrix = normal(11, 5, 3, dtype=DOUBLE)
    grams = [kernel.reshape(4, -1) @ kernel.reshape(4, -1).T, matrix.T @ matrix]
    off = sum(((g * (1 - torch.eye(len(g), dtype=DOUBLE))) ** 2).sum() for g in grams)
    save(name, arrays | {"kernel": kernel, "matrix": matrix, "orthogonal": off}, {"torch": torch.__version__})
