"""f-divergences between distributions over a few outcomes (SciPy where it has them) and between normals
(mpmath's quadrature, 30 digits)."""

import mpmath as mp
import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from store import save

P = np.array([[0.5, 0.2, 0.2, 0.1], [0.05, 0.6, 0.05, 0.3], [0.97, 0.01, 0.01, 0.01]])
Q = np.array([[0.25, 0.25, 0.25, 0.25], [0.4, 0.3, 0.2, 0.1], [0.01, 0.01, 0.01, 0.97]])
NORMALS = [(0.0, 1.0, 0.7, 1.0), (0.3, 0.9, -0.4, 1.1), (1.0, 1.2, 0.0, 1.3)]
ALPHAS = [-0.5, 0.3, 0.7, 1.3]


def power(alpha):
    return lambda p, q: (p**alpha * q ** (1 - alpha) - alpha * p - (1 - alpha) * q) / (
        alpha * (alpha - 1)
    )


INTEGRANDS = {
    "kl": lambda p, q: p * mp.log(p / q),
    "reverse-kl": lambda p, q: q * mp.log(q / p),
    "jensen-shannon": lambda p, q: (p * mp.log(2 * p / (p + q)) + q * mp.log(2 * q / (p + q))) / 2,
    "pearson": lambda p, q: (p - q) ** 2 / q,
    "neyman": lambda p, q: (p - q) ** 2 / p,
    "squared-hellinger": lambda p, q: (mp.sqrt(p) - mp.sqrt(q)) ** 2,
    "total-variation": lambda p, q: abs(p - q) / 2,
} | {f"alpha({a})": power(a) for a in ALPHAS}


def finite(name):
    if name == "kl":
        return [entropy(p, q) for p, q in zip(P, Q)]
    if name == "reverse-kl":
        return [entropy(q, p) for p, q in zip(P, Q)]
    if name == "jensen-shannon":
        return [jensenshannon(p, q) ** 2 for p, q in zip(P, Q)]
    f = INTEGRANDS[name]
    return [float(sum(f(mp.mpf(a), mp.mpf(b)) for a, b in zip(p, q))) for p, q in zip(P, Q)]


def density(x, mean, std):
    return mp.exp(-((x - mean) ** 2) / (2 * std**2)) / (std * mp.sqrt(2 * mp.pi))


def between_normals(f, m1, s1, m2, s2):
    m1, s1, m2, s2 = map(mp.mpf, (m1, s1, m2, s2))
    # Ends far out, and cuts where the densities cross, at which |p − q| has a corner.
    a = 1 / s2**2 - 1 / s1**2
    b = 2 * (m1 / s1**2 - m2 / s2**2)
    c = m2**2 / s2**2 - m1**2 / s1**2 + 2 * mp.log(s2 / s1)
    cuts = [-c / b] if a == 0 else list(mp.polyroots([a, b, c]))
    points = sorted([mp.mpf(-30), mp.mpf(-12), mp.mpf(-4), mp.mpf(4), mp.mpf(12), mp.mpf(30), *map(mp.re, cuts)])
    return float(mp.quad(lambda x: f(density(x, m1, s1), density(x, m2, s2)), points))


def make(name):
    mp.mp.dps = 30
    arrays = {"p": P, "q": Q, "normals": np.array(NORMALS)}
    for key, f in INTEGRANDS.items():
        arrays[f"finite.{key}"] = np.array(finite(key))
        arrays[f"normal.{key}"] = np.array([between_normals(f, *pair) for pair in NORMALS])
    save(name, arrays, {"alphas": ALPHAS, "normals": "mean and std of P, mean and std of Q"})


if __name__ == "__main__":
    make("divergences")
