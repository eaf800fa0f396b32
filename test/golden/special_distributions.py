"""Families that need special functions, by SciPy in float64 (densities, cdfs, entropies, moments),
mpmath (the truncated normal) and PyTorch (divergences, vectors), out to probabilities of 1e-90.

Entries are FAMILY.PARAMETER, .value, .logProb, .cdf, .entropy, .mean, .variance, and for divergences
FAMILY.other.PARAMETER and .kl.
"""

import mpmath
import numpy as np
import scipy.stats as stats
import torch
import torch.distributions as D

from store import normal, save

F8 = torch.float64


def tensor(numbers):
    return torch.tensor(np.asarray(numbers), dtype=F8)


def scipy_entries(name, parameters, frozen, value, discrete=False):
    density = frozen.logpmf if discrete else frozen.logpdf
    arrays = {f"{name}.{key}": tensor(v) for key, v in parameters.items()}
    arrays |= {
        f"{name}.value": tensor(value),
        f"{name}.logProb": tensor(density(value)),
        f"{name}.cdf": tensor(frozen.cdf(value)),
        f"{name}.mean": tensor(frozen.mean()),
        f"{name}.variance": tensor(frozen.var()),
    }
    if not discrete:
        arrays[f"{name}.entropy"] = tensor(frozen.entropy())
    return arrays


def divergence(name, other, p, q):
    arrays = {f"{name}.other.{key}": tensor(v) for key, v in other.items()}
    return arrays | {f"{name}.kl": D.kl_divergence(p, q)}


def gamma_entries():
    a = np.array([0.05, 0.5, 1.0, 2.5, 9.0, 60.0, 900.0, 3.0])
    rate = np.array([1.0, 3.0, 0.2, 1.5, 1e-3, 10.0, 1.0, 1.0])
    step = np.array([1e-8, 2.0, 4.0, -0.9, 5.0, -5.0, 7.0, 40.0])
    x = np.maximum(a + step * np.sqrt(a), 0.02 * a) / rate
    x[0] = 1e-8
    arrays = scipy_entries("gamma", {"concentration": a, "rate": rate}, stats.gamma(a, scale=1 / rate), x)
    other = {"concentration": np.roll(a, 3), "rate": np.roll(rate, 2)}
    q = D.Gamma(tensor(other["concentration"]), tensor(other["rate"]))
    arrays |= divergence("gamma", other, D.Gamma(tensor(a), tensor(rate)), q)
    b = np.array([2.5, 3.0, 8.0, 40.0, 2.1])
    scale = np.array([1.0, 0.2, 30.0, 5.0, 1e-3])
    y = scale / b * np.array([0.1, 1.0, 3.0, 0.5, 1e3])
    inverse = {"concentration": b, "scale": scale}
    return arrays | scipy_entries("inverseGamma", inverse, stats.invgamma(b, scale=scale), y)


def beta_entries():
    a = np.array([0.05, 0.5, 1.0, 2.5, 30.0, 200.0, 3.0])
    b = np.array([2.0, 0.5, 7.0, 2.5, 4.0, 300.0, 0.1])
    x = np.array([1e-9, 0.99, 0.7, 0.02, 0.5, 0.62, 1 - 1e-7])
    arrays = scipy_entries("beta", {"alpha": a, "beta": b}, stats.beta(a, b), x)
    other = {"alpha": np.roll(a, 1), "beta": np.roll(b, 2)}
    q = D.Beta(tensor(other["alpha"]), tensor(other["beta"]))
    arrays |= divergence("beta", other, D.Beta(tensor(a), tensor(b)), q)
    c, d = normal(801, 4, 5, dtype=F8).exp(), normal(802, 4, 5, dtype=F8).exp()
    c[1], c[2] = 40 * c[1], 0.1 * c[2]
    p = D.Dirichlet(c)
    value = torch.softmax(3 * normal(803, 4, 5, dtype=F8), -1)
    arrays |= {
        "dirichlet.concentration": c,
        "dirichlet.value": value,
        "dirichlet.logProb": p.log_prob(value),
        "dirichlet.entropy": p.entropy(),
        "dirichlet.mean": p.mean,
        "dirichlet.variance": p.variance,
    }
    return arrays | divergence("dirichlet", {"concentration": d}, p, D.Dirichlet(d))


def truncated_exact(mean, std, low, high, x):
    """By mpmath: SciPy loses the entropy to 1e-6 at six standard deviations."""
    a, b, z = (low - mean) / std, (high - mean) / std, (x - mean) / std
    mass = lambda p, q: mpmath.quad(mpmath.npdf, mpmath.linspace(p, q, 9))
    total = mass(a, b)
    density = lambda t: mpmath.npdf(t) / total
    first = (mpmath.npdf(a) - mpmath.npdf(b)) / total
    second = 1 + (a * mpmath.npdf(a) - b * mpmath.npdf(b)) / total
    return {
        "logProb": mpmath.log(density(z) / std),
        "cdf": mass(a, z) / total,
        "entropy": mpmath.log(total * std * mpmath.sqrt(2 * mpmath.pi)) + second / 2,
        "mean": mean + std * first,
        "variance": std**2 * (second - first**2),
    }


def real_entries():
    df = np.array([2.5, 3.0, 7.0, 40.0, 1e5, 4.0])
    location = np.array([0.0, 1.0, -3.0, 2.0, 0.5, 0.0])
    scale = np.array([1.0, 0.1, 4.0, 1.0, 2.0, 1.0])
    x = location + scale * np.array([-40.0, 2.0, -6.0, 0.3, -5.0, 1e3])
    named = {"degreesOfFreedom": df, "location": location, "scale": scale}
    arrays = scipy_entries("studentT", named, stats.t(df, location, scale), x)
    mean = np.array([0.0, 1.0, -2.0, 0.0, 0.0, 0.5])
    std = np.array([1.0, 0.5, 1.0, 1.0, 1.0, 2.0])
    low = np.array([-1.0, 0.9, 4.0, 8.0, -12.0, -30.0])
    high = np.array([2.0, 1.4, 9.0, 9.0, -9.0, 40.0])
    value = low + (high - low) * np.array([0.3, 0.9, 0.1, 0.2, 0.95, 0.5])
    named = {"centre": mean, "spread": std, "low": low, "high": high}
    arrays |= {f"truncatedNormal.{key}": tensor(v) for key, v in named.items()}
    columns = zip(mean, std, low, high, value)
    rows = [truncated_exact(*(mpmath.mpf(v) for v in column)) for column in columns]
    arrays |= {f"truncatedNormal.{key}": tensor([float(r[key]) for r in rows]) for key in rows[0]}
    return arrays | {"truncatedNormal.value": tensor(value)}


def count_entries():
    rate = np.array([0.01, 0.7, 4.0, 30.0, 1e3, 1e5])
    k = np.array([3.0, 0.0, 20.0, 12.0, 1100.0, 99000.0])
    arrays = scipy_entries("poisson", {"rate": rate}, stats.poisson(rate), k, discrete=True)
    p, q = D.Poisson(tensor(rate)), D.Poisson(tensor(np.roll(rate, 1)))
    arrays |= divergence("poisson", {"rate": np.roll(rate, 1)}, p, q)
    total = np.array([0.3, 1.0, 5.0, 80.0, 12.5])
    probs = np.array([0.2, 0.9, 0.5, 0.3, 0.01])
    k = np.array([4.0, 0.0, 30.0, 150.0, 900.0])
    named = {"total": total, "probs": probs}
    arrays |= scipy_entries("negativeBinomial", named, stats.nbinom(total, probs), k, discrete=True)
    probs = np.array([0.01, 0.2, 0.5, 0.9, 0.999])
    k = np.array([5.0, 0.0, 25.0, 39.0, 12.0])
    arrays |= scipy_entries("binomial", {"probs": probs}, stats.binom(40, probs), k, discrete=True)
    arrays["binomial.entropy"] = tensor(stats.binom(40, probs).entropy())
    p, q = D.Binomial(40, tensor(probs)), D.Binomial(40, tensor(probs[::-1].copy()))
    return arrays | divergence("binomial", {"probs": probs[::-1].copy()}, p, q)


def multivariate_entries():
    n = 5
    root = normal(811, 3, n, n, dtype=F8)
    covariance = root @ root.mT + 0.05 * torch.eye(n, dtype=F8)
    mean, value = normal(812, 3, n, dtype=F8), 3 * normal(813, 3, n, dtype=F8)
    other = normal(814, 3, n, n, dtype=F8)
    other = other @ other.mT + 0.5 * torch.eye(n, dtype=F8)
    factor, diagonal = normal(815, 3, n, 2, dtype=F8), normal(816, 3, n, dtype=F8).exp()
    p = D.MultivariateNormal(mean, covariance)
    q = D.MultivariateNormal(torch.zeros(n, dtype=F8), other)
    low = D.LowRankMultivariateNormal(mean, factor, diagonal)
    return {
        "mvn.mean": mean,
        "mvn.value": value,
        "mvn.covariance": covariance,
        "mvn.scaleTril": p.scale_tril,
        "mvn.precision": torch.linalg.inv(covariance),
        "mvn.logProb": p.log_prob(value),
        "mvn.entropy": p.entropy(),
        "mvn.variance": p.variance,
        "mvn.other.covariance": other,
        "mvn.kl": D.kl_divergence(p, q),
        "lowRank.factor": factor,
        "lowRank.diagonal": diagonal,
        "lowRank.logProb": low.log_prob(value),
        "lowRank.entropy": low.entropy(),
        "lowRank.variance": low.variance,
        "lowRank.kl": D.kl_divergence(low, q),
    }


def make(name):
    with mpmath.workdps(40):
        arrays = gamma_entries() | beta_entries() | real_entries() | count_entries()
    arrays |= multivariate_entries()
    broken = [key for key, value in arrays.items() if not value.isfinite().all()]
    assert not broken, broken
    save(name, arrays, {"units": "nats"})
