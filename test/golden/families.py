"""Scalar families by SciPy, combinators and divergences by PyTorch, and by quadrature what it lacks.

Every quantity is taken at a grid of (x - location)/scale that reaches where probabilities are 1e-300, for
three pairs of parameters: [points, 3]. Quantiles of SciPy that cancel are mpmath's instead.
"""

import math

import mpmath
import numpy as np
import torch
import torch.distributions as D
from scipy import integrate, special, stats

F8 = torch.float64
LOCATION = np.array([0.0, 0.7, -12.0])
SCALE = np.array([1.0, 2.5, 0.04])
REAL = np.array([-690.0, -30.0, -6.0, -2.0, -1.0, -0.3, -1e-9, 0.0, 0.5, 1.0, 1.7, 4.0, 30.0, 690.0])
HALF = np.array([-1.0, 1e-300, 1e-9, 0.1, 0.9, 1.0, 3.0, 9.0, 37.0])
PROBABILITY = np.array([1e-300, 1e-20, 1e-5, 0.1, 0.5, 0.8, 0.999, 1 - 1e-12])


def measure(name, frozen, x, probability=PROBABILITY):
    """All quantities of a batch of frozen SciPy distributions at x [points, batch]."""
    with np.errstate(all="ignore"):
        arrays = {
            "value": x,
            "logProb": frozen.logpdf(x),
            "cdf": frozen.cdf(x),
            "entropy": frozen.entropy(),
        }
        if probability is not None:
            arrays |= {"probability": probability[:, None], "icdf": frozen.ppf(probability[:, None])}
        if np.isfinite(frozen.mean()).all():
            arrays |= {"mean": frozen.mean(), "variance": frozen.var()}
    return {f"{name}.{key}": np.asarray(value, dtype=np.float64) for key, value in arrays.items()}


def exactly(function, *grids):
    """An mpmath function of numbers over broadcast arrays, in 400 digits."""
    with mpmath.workdps(400):
        return np.vectorize(lambda *xs: float(function(*map(mpmath.mpf, xs))))(*grids)


def located(name, family, z, **exact):
    """A location-scale family at location + scale z; `exact` replaces what SciPy loses digits of."""
    arrays = {f"{name}.location": LOCATION, f"{name}.scale": SCALE}
    x = LOCATION + SCALE * z[:, None]
    arrays |= measure(name, family(LOCATION, SCALE), x)
    points = {"icdf": PROBABILITY[:, None]}
    for key, function in exact.items():
        if key == "icdf":
            arrays[f"{name}.icdf"] = LOCATION + SCALE * exactly(function, points[key])
        else:
            arrays[f"{name}.{key}"] = exactly(
                lambda v, m, s: function((v - m) / s), x, LOCATION, SCALE
            )
    return arrays


def located_entries():
    arrays = located("laplace", stats.laplace, REAL)
    arrays |= located("logistic", stats.logistic, REAL, icdf=lambda p: mpmath.log(p / (1 - p)))
    gumbel = REAL[(REAL >= -6.5)]
    arrays |= located("gumbel", stats.gumbel_r, gumbel,
                      cdf=lambda z: mpmath.exp(-mpmath.exp(-z)),
                      icdf=lambda p: -mpmath.log(-mpmath.log(p)))  # fmt: skip
    cauchy = np.concatenate([REAL, [-1e10, 1e10, 1e160]])
    arrays |= located("cauchy", stats.cauchy, cauchy,
                      cdf=lambda z: mpmath.mpf(1) / 2 + mpmath.atan(z) / mpmath.pi,
                      icdf=lambda p: mpmath.tan(mpmath.pi * (p - mpmath.mpf(1) / 2)))  # fmt: skip
    return arrays


def half_entries():
    scale = np.array([1.0, 2.5, 0.04])
    arrays = {"exponential.scale": scale, "halfNormal.scale": scale}
    arrays |= measure("exponential", stats.expon(0, scale), scale * np.append(HALF, 690)[:, None])
    arrays |= measure("halfNormal", stats.halfnorm(0, scale), scale * HALF[:, None])
    quantile = exactly(lambda p: mpmath.sqrt(2) * mpmath.erfinv(p), PROBABILITY[:, None])
    arrays["halfNormal.icdf"] = scale * quantile  # SciPy rounds 1/2 + p/2
    low, high = np.array([0.0, -3.0, 1e3]), np.array([1.0, 4.5, 1e3 + 0.125])
    z = np.array([-0.5, 0.0, 1e-6, 0.25, 0.75, 1.0, 1.5])
    arrays |= {"uniform.low": low, "uniform.high": high}
    arrays |= measure("uniform", stats.uniform(low, high - low), low + (high - low) * z[:, None])
    location, scale = np.array([0.0, 1.2, -3.0]), np.array([1.0, 0.3, 2.0])
    z = np.array([-37.0, -10.0, -3.0, -0.4, 0.0, 1.0, 5.0, 37.0])
    x = np.concatenate([np.exp(location + scale * z[:, None]), [[-1.0, 0.0, -1e-9]]])
    arrays |= {"logNormal.location": location, "logNormal.scale": scale}
    arrays |= measure("logNormal", stats.lognorm(scale, 0, np.exp(location)), x)
    z = np.array([-37.0, -20.0, -6.0, -1.0, -1e-9, 0.0, 0.4, 2.0, 8.0])
    arrays |= {"normalTails.location": LOCATION, "normalTails.scale": SCALE}
    return arrays | measure("normalTails", stats.norm(LOCATION, SCALE), LOCATION + SCALE * z[:, None])


def count_entries():
    probs = np.array([0.9, 0.3, 1e-4])
    k = np.array([0.0, 1.0, 2.0, 10.0, 300.0])[:, None] * np.ones(3)
    frozen = stats.geom(probs, -1)
    arrays = {"geometric.probs": probs, "geometric.value": k, "geometric.logProb": frozen.logpmf(k),
              "geometric.cdf": frozen.cdf(k), "geometric.entropy": -(
                  np.log(probs) + (1 - probs) / probs * np.log1p(-probs)),
              "geometric.mean": frozen.mean(), "geometric.variance": frozen.var()}  # fmt: skip
    weights = np.array([[0.2, 0.3, 0.5], [0.9, 0.0999, 0.0001]])
    counts = np.array([[[2.0, 3.0, 7.0], [0.0, 0.0, 12.0]], [[12.0, 0.0, 0.0], [4.0, 4.0, 4.0]]])
    log_prob = [
        [stats.multinomial.logpmf(c, 12, w) for c, w in zip(row, weights)] for row in counts
    ]
    return arrays | {"multinomial.probs": weights, "multinomial.value": counts,
                     "multinomial.logProb": np.array(log_prob), "multinomial.mean": 12 * weights,
                     "multinomial.variance": 12 * weights * (1 - weights)}  # fmt: skip


def tensor(numbers):
    return torch.as_tensor(np.asarray(numbers), dtype=F8)


def transformed_entries():
    """A normal variable of three batches through each bijector, at y and with the density there."""
    mean, std = tensor([0.3, -1.0, 0.0]), tensor([0.8, 0.5, 2.0])
    z = tensor([-6.0, -1.0, -0.2, 0.0, 0.7, 3.0])[:, None]
    arrays = {"transformed.mean": mean, "transformed.std": std}
    bijectors = {
        "affine": [D.AffineTransform(2.0, -0.7)],
        "exp": [D.ExpTransform()],
        "sigmoid": [D.SigmoidTransform()],
        "tanh": [D.TanhTransform()],
        "softplus": [D.SoftplusTransform()],
        "power": [D.ExpTransform(), D.PowerTransform(tensor(-1.5))],
    }
    for name, parts in bijectors.items():
        distribution = D.TransformedDistribution(D.Normal(mean, std), parts)
        y = mean + std * z
        for part in parts:
            y = part(y)
        arrays[f"transformed.{name}.value"] = y
        arrays[f"transformed.{name}.logProb"] = distribution.log_prob(y)
        # PyTorch's own cdf is 1/2 + 1/2 erf, which cancels in the lower tail
        sign = -1.0 if name in ("affine", "power") else 1.0
        # y near -1 has few digits left, so that its own z is taken
        steps = (y.atanh() - mean) / std if name == "tanh" else z * torch.ones(3, dtype=F8)
        arrays[f"transformed.{name}.cdf"] = (steps * sign).apply_(special.ndtr)
    return arrays


def mixture_entries():
    logits, loc = tensor([[0.3, -1.0, 2.0], [0.0, -80.0, 1.0]]), tensor([[-5.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    scale = tensor([[0.3, 1.0, 2.0], [1.0, 0.01, 0.5]])
    value = tensor([-60.0, -5.1, 0.2, 2.0, 2.9, 40.0])[:, None].expand(6, 2).contiguous()
    weights, steps = logits.softmax(-1), (value[..., None] - loc) / scale
    mixture = D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(loc, scale))
    return {"mixture.logits": logits, "mixture.location": loc, "mixture.scale": scale,
            "mixture.value": value, "mixture.logProb": mixture.log_prob(value),
            "mixture.cdf": (weights * steps.apply_(special.ndtr)).sum(-1), "mixture.mean": mixture.mean,
            "mixture.variance": mixture.variance}  # fmt: skip


M1, S1 = np.array([0.0, 0.7, -1.0, 3.0]), np.array([1.0, 2.5, 0.3, 0.5])
M2, S2 = np.array([0.0, -0.4, -1.2, 1.0]), np.array([1.0, 0.6, 1.1, 2.0])


def quadrature(p, q):
    """KL of frozen SciPy distributions by integration of p (log p - log q)."""
    found = []
    for i in range(4):
        first, second = p(M1[i], S1[i]), q(M2[i], S2[i])

        def integrand(x, first=first, second=second):
            log_p = first.logpdf(x)
            return np.exp(log_p) * (log_p - second.logpdf(x)) if log_p > -700 else 0.0

        ends = [first.ppf(t) for t in (1e-20, 1e-6, 0.01, 0.3, 0.7, 0.99)] + [first.isf(1e-6), first.isf(1e-20)]
        parts = [integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12, limit=400)[0]
                 for a, b in zip(ends, ends[1:])]  # fmt: skip
        found.append(math.fsum(parts))
    return np.array(found)


def kl_entries():
    m1, s1, m2, s2 = map(tensor, (M1, S1, M2, S2))
    located = {"laplace": D.Laplace, "gumbel": D.Gumbel, "cauchy": D.Cauchy, "normal": D.Normal,
               "logNormal": D.LogNormal}  # fmt: skip
    families = {name: (family(m1, s1), family(m2, s2)) for name, family in located.items()}
    families["exponential"] = (D.Exponential(1 / s1), D.Exponential(1 / s2))
    families["halfNormal"] = (D.HalfNormal(s1), D.HalfNormal(s2))
    families["uniform"] = (D.Uniform(m1, m1 + s1), D.Uniform(m2, m2 + s2))
    probs = (tensor([0.5, 0.9, 0.001, 0.3]), tensor([0.5, 0.2, 0.4, 0.9999]))
    families["geometric"] = (D.Geometric(probs[0]), D.Geometric(probs[1]))
    pairs = [(name, name) for name in families]
    pairs += [("laplace", "normal"), ("gumbel", "normal"), ("uniform", "normal"),
              ("exponential", "normal"), ("normal", "laplace"), ("normal", "gumbel"),
              ]  # fmt: skip
    arrays = {"kl.m1": M1, "kl.s1": S1, "kl.m2": M2, "kl.s2": S2,
              "kl.p1": probs[0], "kl.p2": probs[1]}  # fmt: skip
    for p, q in pairs:
        arrays[f"kl.{p}.{q}"] = D.kl_divergence(families[p][0], families[q][1])
    by_quadrature = {
        "logistic.normal": (stats.logistic, stats.norm),
        "halfNormal.normal": (lambda m, s: stats.halfnorm(0, s), stats.norm),
        "halfNormal.exponential": (lambda m, s: stats.halfnorm(0, s), lambda m, s: stats.expon(0, s)),
        "logNormal.normal": (lambda m, s: stats.lognorm(s / 2, 0, np.exp(m)), stats.norm),
        "logNormal.exponential": (
            lambda m, s: stats.lognorm(s / 2, 0, np.exp(m)), lambda m, s: stats.expon(0, s)),
    }  # fmt: skip
    for name, (p, q) in by_quadrature.items():
        arrays[f"kl.{name}"] = quadrature(p, q)
    return arrays


def entries():
    return (located_entries() | half_entries() | count_entries() | transformed_entries()
            | mixture_entries() | kl_entries())  # fmt: skip
