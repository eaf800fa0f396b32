"""Expectation-maximisation from given starts, with scikit-learn as the reference.

Gaussian mixtures of the four kinds of covariance: the mean log-likelihood before every one of 30
iterations, and the parameters after them. Non-negative matrix factorisation with the
Kullback-Leibler loss, which pLSA minimises as well: the divergence that it converges to.
"""

import warnings

import numpy as np
from scipy import stats
from sklearn.decomposition import NMF
from sklearn.mixture import GaussianMixture

from store import save

KINDS = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}
ITERATIONS = 30


def points(generator):
    centres = np.array([[0.0, 0.0, 0.0], [2.0, 1.0, -1.0], [-1.0, 2.5, 1.0]])
    mixing = generator.normal(size=(3, 3, 3)) * 0.5 + np.eye(3)
    labels = generator.integers(0, 3, size=240)
    noise = generator.normal(size=(240, 3))
    return centres[labels] + np.einsum("nij,nj->ni", mixing[labels], noise) + 5


def starting_covariances(kind, k, d):
    if kind == "full":
        return np.stack([np.eye(d) * (1 + 0.5 * i) for i in range(k)])
    if kind == "tied":
        return np.eye(d)
    if kind == "diagonal":
        return np.stack([np.full(d, 1 + 0.5 * i) for i in range(k)])
    return np.array([1 + 0.5 * i for i in range(k)])


def inverse(kind, covariances):
    return np.linalg.inv(covariances) if kind in ("full", "tied") else 1 / covariances


def mixtures(arrays):
    x = points(np.random.default_rng(7))
    weights = np.array([0.5, 0.3, 0.2])
    means = x[[3, 50, 100]].copy()
    arrays |= {"x": x, "weights": weights, "means": means}
    for kind, name in KINDS.items():
        covariances = starting_covariances(kind, 3, 3)
        model = GaussianMixture(
            3, covariance_type=name, tol=0, max_iter=ITERATIONS, reg_covar=1e-6, weights_init=weights,
            means_init=means, precisions_init=inverse(kind, covariances),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x)
        arrays |= {
            f"{kind}.start": covariances,
            f"{kind}.path": np.array(model.lower_bounds_),
            f"{kind}.weights": model.weights_,
            f"{kind}.means": model.means_,
            f"{kind}.covariances": model.covariances_,
            f"{kind}.bicPenalty": np.array(model.bic(x) + 2 * len(x) * model.score(x)),
        }


def factorization(arrays):
    generator = np.random.default_rng(3)
    topics = generator.dirichlet(np.full(12, 0.3), size=3)
    shares = generator.dirichlet(np.full(3, 0.5), size=20)
    counts = generator.poisson(80 * shares @ topics).astype(float)
    w, h = generator.uniform(0.5, 1.5, size=(20, 3)), generator.uniform(0.5, 1.5, size=(3, 12))
    arrays |= {"counts": counts, "nmf.w": w.copy(), "nmf.h": h.copy()}
    model = NMF(3, solver="mu", beta_loss="kullback-leibler", init="custom", tol=0, max_iter=20000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        left = model.fit_transform(counts, W=w, H=h)
    product = left @ model.components_
    arrays |= {"nmf.product": product, "nmf.components": model.components_}
    positive = counts > 0
    divergence = np.sum(counts[positive] * np.log(counts[positive] / product[positive]))
    arrays |= {"nmf.divergence": np.array(divergence - counts.sum() + product.sum())}


def families(arrays):
    """Maximum likelihood by SciPy, for the families where it has a fit without a location."""
    generator = np.random.default_rng(11)
    positive = generator.gamma(2.5, 0.7, size=50)
    shape, _, scale = stats.gamma.fit(positive, floc=0)
    sigma, _, median = stats.lognorm.fit(positive, floc=0)
    shares = generator.beta(0.8, 2.3, size=40)
    alpha, beta, _, _ = stats.beta.fit(shares, floc=0, fscale=1)
    # SciPy fits the inverse gamma by a simplex search; the gamma of reciprocals it solves to the last digits.
    inverse, _, reciprocal = stats.gamma.fit(1 / positive, floc=0)
    inverse_scale = 1 / reciprocal
    _, half = stats.halfnorm.fit(positive, floc=0)
    arrays |= {
        "shares": shares,
        "beta": np.array([alpha, beta, stats.beta.logpdf(shares, alpha, beta).sum()]),
        "inverse-gamma": np.array(
            [inverse, inverse_scale, stats.invgamma.logpdf(positive, inverse, scale=inverse_scale).sum()]
        ),
        "half-normal": np.array([half, stats.halfnorm.logpdf(positive, scale=half).sum()]),
        "positive": positive,
        "gamma": np.array([shape, 1 / scale, stats.gamma.logpdf(positive, shape, scale=scale).sum()]),
        "log-normal": np.array(
            [np.log(median), sigma, stats.lognorm.logpdf(positive, sigma, scale=median).sum()]
        ),
        "laplace": np.array(
            [*stats.laplace.fit(positive), stats.laplace.logpdf(positive, *stats.laplace.fit(positive)).sum()]
        ),
    }


def make():
    arrays = {}
    families(arrays)
    mixtures(arrays)
    factorization(arrays)
    save("em", arrays, {"iterations": ITERATIONS})


if __name__ == "__main__":
    make()
