"""Noise processes and predictions of diffusion models in float64: alpha and sigma by quadrature of the drift or by the
formula of the paper, and the target and the denoised data of every prediction by each paper's own expressions in x, the
noise level and the network's output (not by a common table of coefficients)."""

import math

import numpy as np
from scipy.integrate import quad
import torch

from store import save

DOUBLE = torch.float64
TIMES = {
    "vp-linear": [0.001, 0.03, 0.2, 0.5, 0.8, 1.0],
    "vp-cosine": [0.001, 0.03, 0.2, 0.5, 0.8, 0.9946],
    "sub-vp": [0.01, 0.03, 0.2, 0.5, 0.8, 1.0],
    "ve": [0.0, 0.03, 0.2, 0.5, 0.8, 1.0],
    "edm": [0.002, 0.03, 0.3, 1.0, 10.0, 80.0],
    "flow": [0.001, 0.03, 0.2, 0.5, 0.8, 0.999],
}


def linear_beta(t):
    return 0.1 + t * (20 - 0.1)


def alpha_sigma(name, t):
    if name in ("vp-linear", "sub-vp"):
        # d log alpha / dt = -beta/2
        integral = quad(linear_beta, 0, t, epsabs=1e-14, epsrel=1e-14)[0]
        alpha = math.exp(-integral / 2)
        variance = -math.expm1(-integral)
        return alpha, math.sqrt(variance) if name == "vp-linear" else variance
    if name == "vp-cosine":
        f = lambda u: math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        bar = f(t) / f(0)
        return math.sqrt(bar), math.sqrt(1 - bar)
    if name == "ve":
        return 1.0, 0.01 * (50 / 0.01) ** t
    if name == "edm":
        return 1.0, t
    return 1 - t, t


def target(name, x0, eps, a, s, d):
    if name == "noise":
        return eps
    if name == "data":
        return x0
    if name == "v":
        return a * eps - s * x0
    if name == "flow":
        return eps - x0
    # Karras et al.: F = (y - c_skip(sigma)(y + n)) / c_out(sigma), for x / alpha
    sigma = s / a
    c_skip = d**2 / (sigma**2 + d**2)
    c_out = sigma * d / math.sqrt(sigma**2 + d**2)
    return (x0 - c_skip * (x0 + sigma * eps)) / c_out


def denoised(name, x, F, a, s, d):
    if name == "noise":
        return (x - s * F) / a
    if name == "data":
        return F
    if name == "v":
        # rotation: x0 = cos x - sin v, for (cos, sin) = (a, s)/sqrt(a^2 + s^2)
        return (a * x - s * F) / (a**2 + s**2)
    if name == "flow":
        # x = a x0 + s (F + x0)
        return (x - s * F) / (a + s)
    sigma = s / a
    c_skip = d**2 / (sigma**2 + d**2)
    c_out = sigma * d / math.sqrt(sigma**2 + d**2)
    return c_skip * x / a + c_out * F


def discrete_linear():
    """Ho et al.: beta_1 = 1e-4 to beta_1000 = 0.02; sqrt of the running product of 1 - beta."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=DOUBLE)
    bars = torch.cumprod(1 - betas, 0)
    return bars.sqrt()[[99, 249, 499, 749, 999]]


def make(name):
    arrays = {}
    for process, times in TIMES.items():
        pairs = np.array([alpha_sigma(process, t) for t in times])
        arrays[f"{process}.times"] = np.array(times)
        arrays[f"{process}.alpha"] = pairs[:, 0]
        arrays[f"{process}.sigma"] = pairs[:, 1]
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn(3, 4, generator=generator, dtype=DOUBLE)
    eps = torch.randn(3, 4, generator=generator, dtype=DOUBLE)
    F = torch.randn(3, 4, generator=generator, dtype=DOUBLE)
    levels = [alpha_sigma("vp-linear", 0.4), (1.0, 3.0), (0.3, 0.7)]
    a, s = (torch.tensor([pair[i] for pair in levels], dtype=DOUBLE) for i in (0, 1))
    arrays |= {"x0": x0, "eps": eps, "output": F, "alpha": a, "sigma": s}
    for prediction in ("noise", "data", "v", "edm", "flow"):
        rows = [
            (target(prediction, x0[i], eps[i], *levels[i], 0.5),
             denoised(prediction, levels[i][0] * x0[i] + levels[i][1] * eps[i], F[i], *levels[i], 0.5))
            for i in range(3)
        ]  # fmt: skip
        arrays[f"{prediction}.target"] = torch.stack([row[0] for row in rows])
        arrays[f"{prediction}.denoised"] = torch.stack([row[1] for row in rows])
    arrays["discrete-alpha"] = discrete_linear()
    save(name, arrays, {"sigmaData": 0.5, "torch": torch.__version__})
