"""Losses of introspective autoencoders in float64, and their gradients at the weights of the player that they are for:
IntroVAE (Huang et al. 2018, equations 11 and 12) and Soft-IntroVAE (Daniel, Tamar 2021, equations 6 and 7), for a
linear encoder and the decoder σ(z W). Divergences are torch.distributions' own."""

import torch
from torch.distributions import Normal, kl_divergence

from store import normal, save

DOUBLE = torch.float64
ROWS, SIDE, LATENTS = 5, 3, 2
WEIGHTS = {"margin": 0.84, "adversarial": 0.4, "reconstruction": 3.0, "negative": 1.5}


def divergence(q):
    return kl_divergence(q, Normal(torch.zeros(LATENTS, dtype=DOUBLE), 1.0)).sum(1)


def error(x, y):
    return (x - y).square().flatten(1).sum(1)


class Players:
    def __init__(self, arrays):
        self.w = {name: arrays[name].clone().requires_grad_() for name in ("mean", "logVariance", "decoder")}

    def encode(self, x):
        flat = x.flatten(1)
        return Normal(flat @ self.w["mean"], torch.exp(0.5 * (flat @ self.w["logVariance"])))

    def decode(self, z):
        return torch.sigmoid(z @ self.w["decoder"]).reshape(-1, 1, SIDE, SIDE)


def margin_encoder(p, x, noise, o):
    q = p.encode(x)
    xr = p.decode(q.mean + q.stddev * noise["real"])
    xp = p.decode(noise["prior"])
    pushed = sum(torch.clamp(o["margin"] - divergence(p.encode(y.detach())), min=0).mean() for y in (xr, xp))
    return divergence(q).mean() + o["adversarial"] * pushed + o["reconstruction"] * 0.5 * error(x, xr).mean()


def margin_decoder(p, x, noise, o):
    q = p.encode(x)
    xr = p.decode((q.mean + q.stddev * noise["real"]).detach())
    xp = p.decode(noise["prior"])
    fooled = sum(divergence(p.encode(y)).mean() for y in (xr, xp))
    return o["adversarial"] * fooled + o["reconstruction"] * 0.5 * error(x, xr).mean()


def soft_encoder(p, x, noise, o):
    s = 1 / x[0].numel()
    q = p.encode(x)
    xr, xp = p.decode(q.mean + q.stddev * noise["real"]), p.decode(noise["prior"])
    loss = s * (o["reconstruction"] * error(x, xr) + divergence(q)).mean()
    for name, y in (("reconstructed", xr.detach()), ("sampled", xp.detach())):
        of = p.encode(y)
        again = p.decode(of.mean + of.stddev * noise[name])
        bound = o["reconstruction"] * error(y, again) + o["negative"] * divergence(of)
        loss = loss + 0.25 * torch.exp(-2 * s * bound).mean()
    return loss


def soft_decoder(p, x, noise, o):
    s = 1 / x[0].numel()
    q = p.encode(x)
    xr = p.decode((q.mean + q.stddev * noise["real"]).detach())
    xp = p.decode(noise["prior"])
    loss = s * o["reconstruction"] * error(x, xr).mean()
    for name, y in (("reconstructed", xr), ("sampled", xp)):
        of = p.encode(y)
        again = p.decode((of.mean + of.stddev * noise[name]).detach())
        back = 1e-8 * o["reconstruction"] * error(y.detach(), again)
        loss = loss + 0.5 * s * (divergence(of) + back).mean()
    return loss


LOSSES = {"marginEncoder": margin_encoder, "marginDecoder": margin_decoder,
          "softEncoder": soft_encoder, "softDecoder": soft_decoder}  # fmt: skip


def make(name):
    pixels = SIDE * SIDE
    arrays = {
        "x": torch.sigmoid(2 * normal(1, ROWS, 1, SIDE, SIDE, dtype=DOUBLE)),
        "mean": normal(2, pixels, LATENTS, dtype=DOUBLE),
        "logVariance": 0.5 * normal(3, pixels, LATENTS, dtype=DOUBLE),
        "decoder": normal(4, LATENTS, pixels, dtype=DOUBLE),
    }
    draws = ("real", "prior", "reconstructed", "sampled")
    noise = {key: normal(5 + i, ROWS, LATENTS, dtype=DOUBLE) for i, key in enumerate(draws)}
    sides = {}
    for loss, of in LOSSES.items():
        players = Players(arrays)
        value = of(players, arrays["x"], noise, WEIGHTS)
        own = ("decoder",) if loss.endswith("Decoder") else ("mean", "logVariance")
        grads = torch.autograd.grad(value, [players.w[key] for key in own])
        sides |= {loss: value} | {f"{loss}.{key}": grad for key, grad in zip(own, grads)}
    with torch.no_grad():
        players = Players(arrays)
        fakes = [players.decode(noise["prior"])]
        above = [(divergence(players.encode(y)) > WEIGHTS["margin"]).sum().item() for y in fakes]
        assert 0 < above[0] < ROWS, "rows on both sides of the margin"
    save(name, arrays | noise | sides, {"weights": WEIGHTS, "torch": torch.__version__})
